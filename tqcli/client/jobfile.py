"""Job files: TOML on disk, with includes, read into options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.client.tomlfile import read_toml
from tqcli.core.jobfile import check_jobfile, parse_includes
from tqcli.core.options import JobOptions, overlay
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

_STDIN = "-"
_MAX_BYTES = 1 << 20


def load_jobfile(path: Path) -> JobOptions:
    """Return the options in a job file: its own over those of its includes, of which the later wins.

    Paths in a file are relative to that file.

    Raises:
        InvalidInput: a file can't be read, is no TOML, has an unknown or wrong option, or includes itself.
    """
    return _load(path, ())


def _load(path: Path, chain: tuple[Path, ...]) -> JobOptions:
    resolved = _resolve(path)
    seen = [_resolve(step) for step in chain]
    if resolved in seen:
        steps = (*chain[seen.index(resolved) :], path)
        msg = f"job files include each other in a circle: {' → '.join(step.name for step in steps)}"
        raise InvalidInput(msg, hint=f"take the include out of {chain[-1]}")
    table = _read(path, chain)
    options = JobOptions()
    for included in parse_includes(table, str(path)):
        options = overlay(options, _load(path.parent / included, (*chain, path)))
    own = check_jobfile(table, str(path))
    return overlay(options, anchor(own, path.absolute().parent))


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        # A circle of symbolic links.
        msg = f"the job file {path} can't be read: {error}"
        raise InvalidInput(msg, hint="check the path") from error


def _read(path: Path, chain: tuple[Path, ...]) -> dict[str, object]:
    by = f" (included by {chain[-1]})" if chain else ""
    return read_toml(
        path,
        called=f"the job file {path}{by}",
        max_bytes=_MAX_BYTES,
        too_large="put large input into a file of its own",
        missing="check the path; includes are relative to the file that names them",
        example='name = "report"',
    )


def anchor(options: JobOptions, directory: Path) -> JobOptions:
    """Return the options with paths that no longer depend on where they are used."""
    cwd = None if options.cwd is None else str(directory / options.cwd)
    stdin = options.stdin
    if stdin is not None and stdin != _STDIN:
        stdin = str(directory / stdin)
    return msgspec.structs.replace(options, cwd=cwd, stdin=stdin)
