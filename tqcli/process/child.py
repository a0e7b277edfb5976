"""A runner as the agent sees it: a handle that runs one command at a time and tells how it ended."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.outcome import Exited, Failure, NotStarted, Signalled
from tqcli.process import wire
from tqcli.process.handover import NotSendable, hand_over, read_result, send_run
from tqcli.process.launch import HOST_BUSY
from tqcli.process.output import Output

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from datetime import timedelta

    from tqcli.process.command import Command

PACKET_BYTES = 32 * 1024
"""More than any packet of a runner."""


class NoProcess(msgspec.Struct, frozen=True):
    """The host has no process, memory or descriptor for it now. The command did not begin; it may begin later."""

    message: str


class RunnerLost(msgspec.Struct, frozen=True):
    """The runner was killed: how the command ended, if it began, is unknown."""

    message: str


How = Exited | Signalled | NotStarted | NoProcess | RunnerLost


class Usage(msgspec.Struct, frozen=True):
    """What the main process and the children that it waited for used.

    `max_rss_bytes` is never under 9 MB: before its exec(2) a command is a copy of its runner.
    """

    max_rss_bytes: int
    user_s: float
    system_s: float


class Ended(msgspec.Struct, frozen=True):
    """How an attempt ended. `result` is what it wrote to its result file, up to one byte over `MAX_RESULT_BYTES`."""

    how: How
    result: bytes = b""
    usage: Usage | None = None


class Runner:
    """One slot's process. Made by `pool.RunnerPool`, to be used on its event loop."""

    def __init__(self, sock: socket.socket, on_lost: Callable[[Runner], None]) -> None:
        """`on_lost` is called once, when no other attempt can run here."""
        self.pid: int | None = None
        self.alive = True
        self._sock = sock
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[How] | None = None
        self._output: Output | None = None
        self._how: How | None = None
        self._usage: Usage | None = None
        self._kill_at: float | None = None
        sock.setblocking(False)  # noqa: FBT003
        self._loop.add_reader(sock.fileno(), self._on_packet)

    @property
    def ended(self) -> bool:
        """Whether the command has ended by now; what it printed may still be on its way."""
        return self._how is not None

    async def run(self, command: Command, *, on_output: Callable[[int, bytes], None]) -> Ended:
        """Run the command; return how it ended, once all it printed is read and no process of it is left.

        `on_output` gets the stream (1 or 2) and a chunk of up to 64 KiB from the loop's reader callback, so it must be
        quick. Cancelling `run` kills the attempt.
        """
        if not self.alive:
            return Ended(NoProcess("the runner was gone before the command could start"))
        self._how = self._usage = self._kill_at = result = None
        done = self._done = self._loop.create_future()
        output = self._output = Output(self._loop, on_output, self._on_all_read)
        try:
            result = hand_over(self._sock, command, output.open())
            how = await done
            return Ended(how, b"" if result is None else read_result(result), self._usage)
        except NotSendable as refusal:
            return Ended(refusal.how)
        except OSError as error:
            self.close()
            return Ended(NoProcess(f"the command could not be handed to its runner: {error.strerror}"))
        except BaseException:
            self.close()  # an attempt that nobody waits for must not go on: its runner kills it when the socket closes
            raise
        finally:
            output.close()
            self._done = self._output = None
            if result is not None:
                os.close(result)

    def start(self, words: bytes, argc: int, fds: list[int]) -> asyncio.Future[How]:
        """Start a command that lives longer than one attempt; return how it will have ended, with all that it started.

        `words` are `wire.encode_words`; `fds` are its stdout, its stderr and what it finds as 3 and 4. They stay the
        caller's.

        Raises:
            OSError: the runner is gone, or the agent has no descriptor left.
        """
        sent = fds.copy()
        try:
            send_run(self._sock, words, argc, wire.HAS_RESULT | wire.HAS_ARGS, sent)
        finally:
            for fd in sent[len(fds) :]:
                os.close(fd)
        self._how = self._usage = self._kill_at = None
        self._done = self._loop.create_future()
        return self._done

    def stop(self, grace: timedelta) -> None:
        """Ask the attempt to end: TERM to all of it now, KILL to what is left after `grace`. `run` then returns.

        May be called again: the earliest kill counts. Without an attempt it does nothing.
        """
        grace_s = grace.total_seconds()
        kill_at = time.monotonic() + grace_s
        if self._done is None or not self.alive or (self._kill_at is not None and self._kill_at <= kill_at):
            return
        self._kill_at = kill_at
        try:
            self._sock.send(wire.encode_stop(grace_s))
        except (BrokenPipeError, ConnectionResetError):
            return  # the runner is dead; the end of its socket says so to `_on_packet`

    def close(self) -> None:
        """Let the runner go: it kills what it runs, and ends."""
        if not self.alive:
            return
        self.alive = False
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        self._on_lost(self)
        self._end()

    def _on_packet(self) -> None:
        try:
            packet = self._sock.recv(PACKET_BYTES)
        except ConnectionResetError:
            packet = b""
        kind = packet[:1]
        if kind == wire.HELLO:
            self.pid = wire.decode_hello(packet)
        elif kind == wire.ENDED:
            last, status, max_rss, user_s, system_s = wire.decode_ended(packet)
            self._usage = Usage(max_rss, user_s, system_s)
            code = os.waitstatus_to_exitcode(status)
            self._finish(Exited(code) if code >= 0 else Signalled(-code))
            if last:
                self.close()
        elif kind == wire.NOT_STARTED:
            code, name, message = wire.decode_not_started(packet)
            self._finish(NoProcess(message) if code == HOST_BUSY else NotStarted(code, Failure(name, message)))
        else:
            self.close()

    def _finish(self, how: How) -> None:
        self._how = how
        self._end()

    def _end(self) -> None:
        if self._output is not None:
            self._output.finish()
        elif self._done is not None:
            self._on_all_read(None)
            self._done = None

    def _explain_silence(self) -> NoProcess | RunnerLost:
        if self.pid is None:
            return NoProcess("no process could be forked for it")
        return RunnerLost("the runner was killed")

    def _on_all_read(self, error: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            if error is None:
                self._done.set_result(self._how or self._explain_silence())
            else:
                self._done.set_exception(error)
