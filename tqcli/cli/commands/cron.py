"""`tq cron`: from a crontab to schedules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tqcli.cli.parameter import Argument, Option
from tqcli.cli.scheduling import shown_zone, warn_unserved
from tqcli.core.plural import count
from tqcli.core.schedules.applying import Wanted, plan_changes
from tqcli.core.schedules.crontab import parse_crontab
from tqcli.core.schedules.crontab_schedule import make_definition
from tqcli.core.spec import DEFAULT_QUEUE
from tqcli.errors import Conflict, InvalidInput
from tqcli.settings.zone import machine_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqcli.cli.invocation import Invocation
    from tqcli.core.schedules.applying import Change
    from tqcli.core.schedules.crontab import Crontab
    from tqcli.core.schedules.schedule import Definition, Schedule

_MAX_BYTES = 1 << 20


class ImportFlags(msgspec.Struct, frozen=True, kw_only=True):
    """How to read the crontab, and what to make of it."""

    system: Annotated[
        bool, Option("--system", help="a user stands before each command, as in /etc/crontab and /etc/cron.d")
    ] = False
    prefix: Annotated[str, Option("--prefix", metavar="P", help="what each name begins with")] = ""
    paused: Annotated[bool, Option("--paused", help="let them wait for `tq schedule resume`")] = False
    replace: Annotated[bool, Option("--replace", help="change schedules of the same names")] = False


def import_(
    tq: Invocation,
    flags: ImportFlags,
    file: Annotated[
        str | None, Argument("FILE|-", help="a crontab; without one, what `crontab -l` prints", complete="file")
    ] = None,
    *,
    dry_run: Annotated[bool, Option("--dry-run", help="print them as a schedule file, and add nothing")] = False,
) -> None:
    """Make schedules of a crontab's entries, and say what can't be kept. The crontab itself stays as it is.

    Each entry is named by a short comment above it, or its program. Its command, variables, %, SHELL, HOME and CRON_TZ
    mean what they mean to cron; so it may overlap with itself, and what is missed is not caught up. It runs in HOME,
    as the user of the agent. No mail is sent; @reboot, and lines that cron would refuse, are left out.

    --dry-run prints the TOML that `tq schedule apply` reads. Importing again changes nothing. With --json: dry_run,
    added, changed, unchanged, schedules (by name, with their options) and remarks (line, text and hint).

    Examples:
        tq cron import --dry-run > schedules.toml
        tq cron import --paused
        tq cron import /etc/cron.d/sysstat --system --prefix web1-
    """
    now = datetime.now(UTC)
    crontab = parse_crontab(_read(file), system=flags.system, prefix=flags.prefix)
    zone = machine_zone()
    home = None if flags.system else _find_home()
    definitions = [make_definition(entry, zone=zone, home=home, now=now) for entry in crontab.entries]
    _tell(tq, crontab)
    if dry_run:
        _print_dry(tq, crontab, definitions, paused=flags.paused)
        return
    with tq.session() as session:
        from tqcli.client.applying import apply_change, check_queues  # noqa: PLC0415 - a dry run needs no broker
        from tqcli.client.schedules import list_schedules  # noqa: PLC0415 - as above

        existing = {one.name: one for one in session.run(list_schedules(session.broker)).schedules}
        wanted = [_want(one, existing.get(one.name), paused=flags.paused) for one in definitions]
        changes = plan_changes(wanted, existing, prune=False, now=now)
        _check_conflicts(changes, replace=flags.replace)
        session.run(check_queues(session.broker, changes))
        for change in (change for change in changes if change.what != "unchanged"):
            session.run(apply_change(session.broker, change))
        _print_done(tq, crontab, definitions, changes)
        if changes:
            warn_unserved(session, tq.output, DEFAULT_QUEUE)


def _read(file: str | None) -> str:
    """Return the crontab's text.

    Raises:
        InvalidInput: it can't be read, or is no text.
        NotFound: `crontab -l` has none.
    """
    if file is None:
        from tqcli.process.crontab import read_own_crontab  # noqa: PLC0415 - where a file is named, nothing is started

        data = read_own_crontab()
    else:
        from tqcli.client.source import read_source  # noqa: PLC0415 - as above

        data = read_source(file, option="the crontab", max_bytes=_MAX_BYTES)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        msg = f"the crontab is not UTF-8 text, in line {line}"
        raise InvalidInput(msg, hint="convert it, as with iconv -f latin1 -t utf-8") from error


def _find_home() -> str:
    from os.path import expanduser  # noqa: PLC0415 - known anyway

    return expanduser("~")  # noqa: PTH111 - a string is wanted


def _want(definition: Definition, existing: Schedule | None, *, paused: bool) -> Wanted:
    """Return what is wanted; a schedule that a file declares is still declared there."""
    declared = existing is not None and existing.definition.declared
    definition = msgspec.structs.replace(definition, declared=declared)
    return Wanted(definition=definition, paused=paused or None, source=f"schedule {definition.name}")


def _tell(tq: Invocation, crontab: Crontab) -> None:
    for remark in sorted(crontab.remarks, key=lambda remark: remark.line):
        hint = f" ({remark.hint})" if remark.hint else ""
        tq.output.note(f"line {remark.line}: {remark.text}{hint}")
    if not crontab.entries:
        tq.output.note("the crontab has no entry that can become a schedule")


def _print_dry(tq: Invocation, crontab: Crontab, definitions: Sequence[Definition], *, paused: bool) -> None:
    tables = _tables(definitions, paused=paused)
    if tq.output.json:
        tq.output.document(_document(crontab, tables, []) | {"dry_run": True})
        return
    import tomli_w  # noqa: PLC0415 - only a dry run needs it

    for entry in crontab.entries:
        text = tomli_w.dumps({entry.name: tables[entry.name]}, multiline_strings=True)
        tq.output.line(f"# line {entry.line}\n{text}")


def _print_done(tq: Invocation, crontab: Crontab, definitions: Sequence[Definition], changes: Sequence[Change]) -> None:
    if tq.output.json:
        tq.output.document(_document(crontab, _tables(definitions, paused=False), changes) | {"dry_run": False})
        return
    from tqcli.cli.render.applying import change_lines, count_changes  # noqa: PLC0415 - JSON needs none of it

    tq.output.lines(change_lines(changes, shown_zone(), datetime.now(UTC), tq.output))
    tq.output.line(count_changes(changes, done=True))
    if any(change.what == "added" and not change.pausing for change in changes):
        tq.output.note("cron still runs them too: comment their lines out with `crontab -e`")


def _tables(definitions: Sequence[Definition], *, paused: bool) -> dict[str, dict[str, Any]]:
    from tqcli.core.schedules.table import to_table  # noqa: PLC0415 - only what is printed needs it

    more = {"paused": True} if paused else {}
    return {one.name: to_table(one) | more for one in definitions}


def _document(crontab: Crontab, tables: dict[str, dict[str, Any]], changes: Sequence[Change]) -> dict[str, Any]:
    names = {what: [one.name for one in changes if one.what == what] for what in ("added", "changed", "unchanged")}
    return {**names, "schedules": tables, "remarks": crontab.remarks}


def _check_conflicts(changes: Sequence[Change], *, replace: bool) -> None:
    changed = [change.name for change in changes if change.what == "changed"]
    if changed and not replace:
        others = f" and {count(len(changed) - 1, 'other')}" if len(changed) > 1 else ""
        msg = f"there is a schedule {changed[0]!r} already, and it is another{others}: nothing is imported"
        raise Conflict(msg, hint="--prefix gives other names, --replace changes what is there")
