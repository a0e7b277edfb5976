"""`tq doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tqcli.cli.fit import fold
from tqcli.cli.parameter import Option
from tqcli.client.doctor.examine import Surroundings, examine
from tqcli.client.doctor.finding import Finding, Level
from tqcli.client.doctor.residue import mend_residue
from tqcli.core.plural import count
from tqcli.jetstream.plain import drive
from tqcli.settings.context import LOCAL
from tqcli.settings.paths import state_dir

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session

INDENT, HINT_INDENT = 20, 8
LOOKS = {Level.OK: "green", Level.UNKNOWN: "yellow", Level.WARNING: "yellow", Level.ERROR: "red"}


def doctor(
    tq: Invocation,
    *,
    monitor: Annotated[
        str | None, Option("--monitor", metavar="URL", help="the server's monitoring port: http://HOST:8222")
    ] = None,
    fix: Annotated[bool, Option("--fix", help="queue stranded jobs again, remove what ended ones left")] = False,
) -> int:
    """Look at all that jobs depend on, a line each with what to do. Ends with 0 only where all is well.

    Examples:
        tq doctor
        tq doctor --monitor http://nats-1:8222
        tq doctor --json | jq 'select(.level != "ok")'
    """
    with tq.session() as session:
        if fix:
            mended = session.run(mend_residue(session.broker))
            tq.output.note(
                f"tq: {count(len(mended.stranded), 'job')} queued again, {count(len(mended.ended), 'message')} removed"
            )
        findings = _examine(session, tq.output, monitor)
    return int(any(finding.level is not Level.OK for finding in findings))


def _examine(session: Session, output: Output, monitor: str | None) -> list[Finding]:
    """Return the findings; each is shown as it comes, for some take their time."""
    found: list[Finding] = []

    async def show() -> None:
        async for finding in examine(session.broker, _look_around(session, monitor)):
            found.append(finding)
            _show(output, finding)

    drive(show())
    return found


def _show(output: Output, finding: Finding) -> None:
    if output.json:
        output.document(finding)
        return
    head = f"{output.paint(f'{finding.level.value:8}', LOOKS[finding.level])}{finding.check:12}"
    output.lines(fold(head + finding.text, output.width, hang=INDENT))
    if finding.hint is not None:
        output.lines(fold(f"{'':{HINT_INDENT}}{finding.hint}", output.width, hang=HINT_INDENT))


def _look_around(session: Session, monitor: str | None) -> Surroundings:
    """Return what is known besides what the broker says."""
    if session.key != LOCAL:
        return Surroundings(monitor=monitor)
    from tqcli.local.background import local_status  # noqa: PLC0415 - a fleet's users never need it

    status = local_status()
    return Surroundings(sync=None if status is None else status.sync, folder=str(state_dir()), monitor=monitor)
