"""A warm worker as the agent sees it: a handle like a runner's, which runs one Python job after another.

The worker's process is a runner's command, for as long as it lives: so it is stopped, and ends with its agent, as every
command does. A job is over once no process of it is left but the worker, which then waits for the next: so all that is
in the worker's pipes by then is the job's (`worker_output`).
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.outcome import Exited, NotStarted
from tqcli.process import wire, worker_wire
from tqcli.process.child import Ended, How, NoProcess, Runner
from tqcli.process.ends import End, Ends
from tqcli.process.handover import NotSendable, make_file, open_stdin, send_with_fds
from tqcli.process.output import CHUNK_BYTES
from tqcli.process.python import ROOT
from tqcli.process.stop import CLAIM_VARIABLE
from tqcli.process.worker_output import WorkerOutput

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.process.command import Call, Command

BOOT = (
    "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv.pop(1)]; import tqcli.process.worker as w; w.main()"
)
"""As in `python`: the job's directory comes into the path once the interpreter's own modules are there."""

LEAVE_WITHIN = timedelta(seconds=5)
"""How long a worker that is needed no more may take for its `atexit` functions."""


class Limits(msgspec.Struct, frozen=True):
    """When a worker makes room for a new one: after so many jobs, or with so much memory in use."""

    jobs: int = 10_000
    memory_bytes: int = 1024 * 1024 * 1024


class Unbegun(msgspec.Struct, frozen=True):
    """The job did not begin: another worker can have it, or, where not `again`, a process of its own."""

    again: bool


class Worker:
    """One warm process. Made by `workers.Workers`, to be used on its event loop."""

    def __init__(self, runner: Runner, on_end: Callable[[Worker], None]) -> None:
        """`on_end` is called once, when the process and all its descendants have ended."""
        self.runner = runner
        self.alive = True
        """Whether it may be given a job."""
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._own = ExitStack()
        self._down, self._unread = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        """Our end of the socket for calls, and theirs too: what can be read there the worker has not begun."""
        self._own.callback(self._down.close)
        self._own.callback(self._unread.close)
        self._output = WorkerOutput(self._loop, has_begun=lambda: not self._is_unread(), on_error=self._fail)
        self._ends = Ends()
        self.over: asyncio.Future[None] = self._loop.create_future()
        """Done once the process and all its descendants have ended."""
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0
        self._done: asyncio.Future[Ended | Unbegun] | None = None
        self._last: bytes | None = None

    def start(self, command: Command, limits: Limits) -> None:
        """Start the process; it need not be waited for.

        Raises:
            ValueError: its environment or directory can't be given to a program.
            OSError: the runner is gone, or the agent has no descriptor left.
        """
        variables: dict[str, str] = {} if command.call is None else command.call.variables
        env = {name: value for name, value in command.env.items() if name not in variables}
        env[CLAIM_VARIABLE] = f"worker-of-{os.getpid()}"
        argv = (sys.executable, "-c", BOOT, ROOT, str(limits.jobs), str(limits.memory_bytes))
        words = wire.encode_words(command.cwd, argv, env)
        with ExitStack() as theirs:
            try:
                process = self.runner.start(words, len(argv), self._open(theirs))
            except BaseException:
                self._own.close()
                raise
        self._down.setblocking(False)  # noqa: FBT003 - not `_unread`: the worker's own end is the same file
        self._up.setblocking(False)  # noqa: FBT003
        self._loop.add_reader(self._up.fileno(), self._on_readable)
        process.add_done_callback(lambda process: self._on_process_end(process.result()))

    def _open(self, theirs: ExitStack) -> list[int]:
        """Open all that leads to the process; return its ends."""
        ends = self._output.open(self._own, theirs)
        self._up, up = socket.socketpair()
        self._own.callback(self._up.close)
        theirs.callback(up.close)
        return [*ends, self._unread.fileno(), up.fileno()]

    @property
    def ended(self) -> bool:
        """Whether the job has ended by now."""
        return self._done is None or self._done.done()

    async def run(self, command: Command, *, on_output: Callable[[int, bytes], None]) -> Ended | Unbegun:
        """Run the command's call; return how it ended, as `Runner.run` does. Cancelling `run` kills the worker."""
        if not self.alive or command.call is None:
            return Unbegun(again=True)
        self._number += 1
        done: asyncio.Future[Ended | Unbegun] = self._loop.create_future()
        self._done = done
        self._output.begin(on_output)
        try:
            self._send(command, command.call)
            return await done
        except (ValueError, NotSendable):  # a process of its own will tell
            return Unbegun(again=False)
        except OSError as error:
            self.kill()
            return Ended(NoProcess(f"the job could not be handed to its worker: {error.strerror}"))
        except BaseException:
            self.kill()  # an attempt that nobody waits for must not go on
            raise
        finally:
            self._output.end()
            self._done = None

    def stop(self, grace: timedelta) -> None:
        """Ask the job to end, and with it the worker, as `Runner.stop` does."""
        if not self.ended:
            self.alive = False
            self.runner.stop(grace)

    def leave(self) -> None:
        """Let the worker end by itself: there are no more jobs for it."""
        self.alive = False
        if self._timer is None and not self.over.done():
            self._down.close()
            self._timer = self._loop.call_later(LEAVE_WITHIN.total_seconds(), self.kill)

    def kill(self) -> None:
        """End it now."""
        self.alive = False
        if not self.over.done():
            self.runner.stop(timedelta(0))

    def _send(self, command: Command, call: Call) -> None:
        args, flags = command.args or b"", 0
        fds: list[int] = []
        try:
            if command.stdin is not None:
                fds.append(open_stdin(command.stdin))
                flags |= worker_wire.HAS_STDIN
            if len(args) > worker_wire.ARGS_BYTES:
                fds.append(make_file("tq-args", args))
                flags |= worker_wire.HAS_OVERFLOW
                args = b""
            packet = worker_wire.encode_call(self._number, call.entrypoint, call.variables, args, flags)
            if fds:
                send_with_fds(self._down, packet, fds)
            else:
                self._down.send(packet)
        finally:
            for fd in fds:
                os.close(fd)

    # ends ---------------------------------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        """Take the ends that have come."""
        if not self._read_ends():
            self._loop.remove_reader(self._up.fileno())

    def _read_ends(self) -> bool:
        """Take what has come; return whether more may come."""
        try:
            data = self._up.recv(CHUNK_BYTES)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        try:
            for end in self._ends.feed(data):
                self._on_end_of_job(end)
        except ValueError:
            self.kill()  # it is not the worker that speaks, or no longer in its senses
            return False
        return bool(data)

    def _on_end_of_job(self, end: End) -> None:
        if end.number != self._number or self._last is not None or self.ended:
            msg = "this is no end of the job that runs"
            raise ValueError(msg)
        if end.kind == worker_wire.LAST:
            self.alive = False
            self._last = end.body
            return
        if end.kind != worker_wire.DONE:
            self.leave()
        if end.unread:
            self._output.drain()
        self._finish(Unbegun(again=True) if end.kind == worker_wire.RETURNED else Ended(Exited(end.code), end.body))

    def _on_process_end(self, how: How) -> None:
        """Tell what became of the job that the process had, if it had one, and clear up."""
        self.alive = False
        while self._has_said_more() and self._read_ends():
            pass
        if not self.ended:
            self._finish(self._conclude(how))
        self.over.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        self._output.end()
        self._loop.remove_reader(self._up.fileno())
        self._own.close()
        self._on_end(self)

    def _has_said_more(self) -> bool:
        try:
            return bool(self._up.recv(1, socket.MSG_PEEK))
        except (BlockingIOError, ConnectionResetError):
            return False

    def _conclude(self, how: How) -> Ended | Unbegun:
        """Return how the job ended with which the process ended."""
        if isinstance(how, NoProcess):
            return Ended(how)
        if isinstance(how, NotStarted):
            return Unbegun(again=False)
        if self._is_unread():
            # A worker that did not come to its first job may never: a process of its own shows why.
            return Unbegun(again=self._number > 1)
        self._output.drain()
        return Ended(how, self._last or b"")

    def _is_unread(self) -> bool:
        try:
            return bool(self._unread.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False

    def _finish(self, ended: Ended | Unbegun) -> None:
        if isinstance(ended, Ended):
            self._output.release()
        if self._done is not None and not self._done.done():
            self._done.set_result(ended)

    def _fail(self, error: Exception) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
        self.kill()
