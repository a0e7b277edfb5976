"""Attending to a job: what it prints comes on our own streams, up to its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tqcli.cli.render.log import LogWriter, Look
from tqcli.client.follow import Follower
from tqcli.client.follow_group import GroupFollower
from tqcli.client.hints import LOOK_AGAIN_S
from tqcli.client.patience import insist
from tqcli.client.watch import GroupWatch
from tqcli.core.expiry import as_of, until_late_s
from tqcli.core.state import State
from tqcli.jetstream.presence import read_agents

if TYPE_CHECKING:
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session
    from tqcli.core.job import Job
    from tqcli.core.spec import Spec

_SILENCE_S = 0.3
"""Most programs that say something on SIGTERM say it at once; `tq logs` has what comes later."""


class Attendance:
    """One submission, attended. Where `stream` is interrupted, it can be called again and goes on where it was."""

    def __init__(self, session: Session, output: Output, first: Spec) -> None:
        """`first` is the first spec of the submission; nothing happens before `open`."""
        broker = session.broker
        is_group = first.size is not None
        self._session = session
        self._output = output
        self._queue = first.queue
        look = Look(whole_lines=is_group, verbatim=True)
        self._writer = LogWriter(output, first.group, look, is_group=is_group)
        self._group = GroupFollower(broker, GroupWatch(broker, first)) if is_group else None
        self._single = Follower(broker, first.id, on_silence=self._look)
        self._single.look_after_s = _pause_s(State.QUEUED, first.expires_at)
        self._warned = False

    async def open(self) -> None:
        """Listen, so that nothing of a job that is submitted from now on is missed."""
        if self._group is None:
            await self._single.open()

    async def stream(self, *, stored: bool = False) -> None:
        """Show what is printed, to the end; with `stored`, what is printed already first.

        Raises:
            Interrupted: a signal came in.
        """
        if self._group is not None:
            async for printed in self._group.read():
                self._writer.write(printed)
        else:
            if stored:
                async for printed in self._single.read_stored():
                    self._writer.write(printed)
            async for printed in self._single.read():
                self._writer.write(printed)
        self._writer.close()

    async def linger(self) -> None:
        """Show what a job that we cancelled prints while its agent stops it: its record is final before that."""
        if self._group is None:
            async for printed in self._single.linger(_SILENCE_S):
                self._writer.write(printed)

    @property
    def ended(self) -> Job | GroupWatch:
        """What it was, once `stream` is through."""
        if self._group is not None:
            return self._group.watch
        assert self._single.job is not None, "`stream` comes first"  # noqa: S101
        return self._single.job

    def say(self, text: str) -> None:
        """Tell the user something that the job did not print."""
        self._output.note(f"tq: {text}")

    async def _look(self, job: Job) -> None:
        """Nothing was heard for a while: the job may be too late, or nobody be there to run it."""
        seen = as_of(job, datetime.now(UTC))
        if seen.state.final:
            # It is too late, but we may not end it.
            self._single.job = seen
            return
        self._single.look_after_s = _pause_s(job.state, job.expires_at)
        await self._warn(seen)

    async def _warn(self, job: Job) -> None:
        """Tell once that nobody is there to run the job."""
        if self._warned or job.state is not State.QUEUED:
            return
        self._warned = True
        broker = self._session.broker
        agents = await insist(broker, lambda: read_agents(broker))
        if not any(self._queue in agent.queues for agent in agents):
            self.say(f"no agent serves the queue {self._queue}: `tq agent -q {self._queue}` starts one")


def _pause_s(state: State, expires_at: datetime | None) -> float:
    """Return after how much silence to look at a job in this state: no later than when it is too late to start."""
    return min(LOOK_AGAIN_S, max(0.0, until_late_s(state, expires_at, datetime.now(UTC))))
