"""Schedule files: TOML on disk, one or a folder of them, read into definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.jobfile import anchor, load_jobfile
from tqcli.client.source import STANDARD_INPUT, read_source
from tqcli.client.tomlfile import read_toml
from tqcli.core.names import quote
from tqcli.core.options import overlay
from tqcli.core.schedules.applying import Wanted
from tqcli.core.schedules.file import check_schedulefile
from tqcli.core.schedules.options import Surroundings, build_definition
from tqcli.core.schedules.schedule import MAX_STDIN_BYTES
from tqcli.core.spec import Stdin
from tqcli.errors import InvalidInput
from tqcli.settings.zone import UTC, machine_zone

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tqcli.core.options import JobOptions
    from tqcli.core.schedules.file import Declared
    from tqcli.core.schedules.options import ScheduleOptions

_MAX_BYTES = 4 << 20


def load_schedules(path: Path, *, now: datetime) -> list[Wanted]:
    """Return the schedules of a file, or of all `*.toml` of a folder, by file and in their order.

    Paths in a file are relative to that file. Times whose schedule names no zone are this machine's.

    Raises:
        InvalidInput: a file can't be read, is no TOML, or says something wrong; two tables have the same name. The
            message names the file and the table.
    """
    found: dict[str, Wanted] = {}
    for file in _list_files(path):
        for declared in check_schedulefile(_read(file), str(file)):
            if (other := found.get(declared.name)) is not None:
                msg = f"{declared.source} is declared already, in {other.source}"
                raise InvalidInput(msg, hint="a name stands for one schedule: rename or remove one of them")
            found[declared.name] = _build(declared, file, now)
    return list(found.values())


def _list_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.toml"))
    if not files:
        msg = f"no file in {path} ends in .toml"
        raise InvalidInput(msg, hint="check the path")
    return files


def _read(path: Path) -> dict[str, object]:
    return read_toml(
        path,
        called=f"the schedule file {path}",
        max_bytes=_MAX_BYTES,
        too_large="put large input into files of its own, or several files into a folder",
        example='cron = "30 4 * * *"',
    )


def _build(declared: Declared, file: Path, now: datetime) -> Wanted:
    folder = file.absolute().parent
    try:
        job = anchor(declared.job, folder)
        if declared.file is not None:
            job = overlay(load_jobfile(folder / declared.file), job)
        _check_work(job)
        stdin = _load_stdin(job, declared.stdin_text)
        around = Surroundings(now, _find_zone(declared.options), stdin=stdin, declared=True)
        definition = build_definition(declared.name, declared.options, job, around)
    except InvalidInput as error:
        msg = f"{declared.source}: {error.message}"
        raise InvalidInput(msg, hint=error.hint) from error
    return Wanted(definition=definition, paused=declared.options.paused, source=declared.source)


def _check_work(job: JobOptions) -> None:
    if (job.command, job.shell, job.python) == (None, None, None):
        msg = "nothing says what to run"
        raise InvalidInput(
            msg, hint='write command = ["program", "argument"], shell = "…" or python = "module:function"'
        )


def _find_zone(options: ScheduleOptions) -> str:
    """Return the zone of its times; an interval needs none."""
    needed = options.tz is None and (options.cron is not None or options.at is not None or options.until is not None)
    return machine_zone() if needed else UTC


def _load_stdin(job: JobOptions, text: str | None) -> Stdin | None:
    if text is not None:
        data = text.encode()
    elif job.stdin is None:
        return None
    elif job.stdin == STANDARD_INPUT:
        msg = f"stdin: a file is needed, not {quote(STANDARD_INPUT)}"
        raise InvalidInput(msg, hint='name a file, or write it down: stdin-text = "…"')
    else:
        data = read_source(job.stdin, option="stdin", max_bytes=MAX_STDIN_BYTES)
    return Stdin(len(data), data=data)
