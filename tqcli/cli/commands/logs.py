"""`tq logs`: what a job printed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec

from tqcli.cli.parameter import Argument, Option
from tqcli.cli.render.log import LogWriter, Look
from tqcli.cli.value import whole_number
from tqcli.cli.waiting import be_patient
from tqcli.client.follow import Follower
from tqcli.client.follow_group import GroupFollower
from tqcli.client.logs import read_group_output, read_output
from tqcli.client.printed import Attempts, Which, keep_tail
from tqcli.client.query import find
from tqcli.client.watch import GroupWatch
from tqcli.core.job import describe
from tqcli.core.names import quote
from tqcli.errors import InvalidInput
from tqcli.jetstream.logs import CUT, STDERR, STDOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.cli.invocation import Invocation
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session
    from tqcli.client.printed import Printed
    from tqcli.client.query import Found
    from tqcli.core.ids import JobId

_LAST_ATTEMPT = 1_000_000


def _parse_attempt(text: str) -> Attempts:
    if text == Which.ALL.value:
        return Which.ALL
    if not (text.isascii() and text.isdecimal() and len(text) < len(str(_LAST_ATTEMPT)) and int(text)):
        msg = f"{quote(text)} is not an attempt"
        raise InvalidInput(msg, hint="attempts count from 1; `all` stands for all of them")
    return int(text)


class LogFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What to show, and how."""

    follow: Annotated[bool, Option("-f", "--follow", help="go on until the job ends")] = False
    tail: Annotated[
        int | None, Option("--tail", metavar="N", help="only the last N lines of each job", parse=whole_number(0))
    ] = None
    since: Annotated[
        timedelta | None, Option("--since", metavar="D", help="only what was printed in the last 90s, 5m, 1h …")
    ] = None
    attempt: Annotated[
        Attempts,
        Option("--attempt", metavar="N|all", help="of this attempt (the last)", parse=_parse_attempt, complete="all"),
    ] = Which.LAST
    stdout: Annotated[bool, Option("--stdout", help="only what was printed on stdout")] = False
    stderr: Annotated[bool, Option("--stderr", help="only what was printed on stderr")] = False
    timestamps: Annotated[bool, Option("--timestamps", help="put the time before each line")] = False
    prefix: Annotated[bool, Option("--prefix", help="put the job's id before each line, or its index in a group")] = (
        False
    )


def logs(
    tq: Invocation,
    flags: LogFlags,
    id_: Annotated[str, Argument("ID", help="the job or group (@last)", complete="job")] = "@last",
) -> None:
    """Show what a job printed: its stdout on stdout, its stderr on stderr.

    Into a pipe or a file it goes byte for byte; on a terminal, control characters are shown instead of obeyed. Of a
    group, job by job in the order of their indexes; with -f, line by line as the lines come.

    With --json, each line is a document. With --attempt all, --prefix names the attempt too, as in 1xkbbg00a7c3k9mf#2.

    Examples:
        tq logs -f
        tq logs --attempt all --timestamps 1xkbbg00a7c3k9mf
        tq logs --stderr --tail 20 @last
    """
    with tq.session() as session:
        (job_id,) = session.ids([id_])
        found = session.run(find(session.broker, job_id))
        session.run(_Logs(session, tq.output, flags, job_id, found).show())


class _Logs:
    """The output of one job or group on its way to ours."""

    def __init__(self, session: Session, output: Output, flags: LogFlags, job_id: JobId, found: Found) -> None:
        self._session = session
        self._output = output
        self._flags = flags
        self._id = job_id
        self._found = found
        self._is_group = job_id.index is None and found.spec.size is not None
        self._streams = _choose_streams(flags)
        self._since_us = 0
        if flags.since is not None:
            self._since_us = int((datetime.now(UTC) - flags.since).timestamp() * 1e6)
        look = Look(
            self._streams,
            timestamps=flags.timestamps,
            prefix=flags.prefix,
            attempts=flags.attempt is Which.ALL,
            whole_lines=self._is_group and flags.follow,
        )
        is_element = found.spec.size is not None
        self._writer = LogWriter(output, found.spec.group, look, is_group=is_element)

    async def show(self) -> None:
        """Show what was asked for."""
        if not self._flags.follow:
            count = await self._write_stored(self._read())
            if not count and not self._is_group:
                self._tell_why()
        elif self._is_group:
            follower = GroupFollower(
                self._session.broker, GroupWatch(self._session.broker, self._found.spec), self._flags.attempt
            )
            await self._follow(follower)
        else:
            single = Follower(self._session.broker, self._id, self._flags.attempt)
            await single.open()
            await self._follow(single)
        self._writer.close()

    async def _follow(self, follower: Follower | GroupFollower) -> None:
        be_patient(self._session, self._output)
        await self._write_stored(follower.read_stored())
        async for printed in self._choose(follower.read()):
            self._writer.write(printed)

    def _read(self) -> AsyncIterator[Printed]:
        broker, spec = self._session.broker, self._found.spec
        if self._is_group:
            return read_group_output(broker, spec.group, self._flags.attempt)
        return read_output(broker, describe(*self._found), self._flags.attempt)

    async def _write_stored(self, source: AsyncIterator[Printed]) -> int:
        """Write what is there already, or its tail; return the number of frames."""
        chosen = self._choose(source)
        count = 0
        if self._flags.tail is None:
            async for printed in chosen:
                self._writer.write(printed)
                count += 1
            return count
        for printed in await keep_tail(chosen, self._flags.tail):
            self._writer.write(printed)
            count += 1
        return count

    async def _choose(self, source: AsyncIterator[Printed]) -> AsyncIterator[Printed]:
        async for printed in source:
            frame = printed.frame
            if frame.at_us >= self._since_us and (frame.stream in self._streams or frame.stream == CUT):
                yield printed

    def _tell_why(self) -> None:
        """Say why there is nothing to see, where that isn't because nothing was printed."""
        job = describe(*self._found)
        if not job.state.final:
            self._output.note(f"tq: job {job.id} is {job.state}, and printed nothing yet")
        elif job.output is not None and self._flags == LogFlags():
            self._output.note(f"tq: what job {job.id} printed is not kept any more")


def _choose_streams(flags: LogFlags) -> frozenset[int]:
    if flags.stdout == flags.stderr:
        return frozenset({STDOUT, STDERR})
    return frozenset({STDOUT if flags.stdout else STDERR})
