"""The specs of one submission, out of the options that a user gave: one job, an array, or one for each line.

A group's specs are made when they are asked for, so a million jobs need the memory of a batch. That each of them can be
sent is known before the first one is: they differ in their index, and in a line that is known to be valid text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, overload

import msgspec

from tqcli.client.lines import OPTION as EACH_LINE
from tqcli.client.lines import load_lines
from tqcli.client.source import STANDARD_INPUT, read_source
from tqcli.core.bulk import parse_array
from tqcli.core.codec import MAX_SPEC_BYTES, encode, encode_spec
from tqcli.core.options import JobOptions, build_spec, read_start
from tqcli.core.spec import Spec, Stdin
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import tzinfo

    from tqcli.client.lines import Lines
    from tqcli.client.origin import Origin

MAX_STDIN_BYTES = 64 * 1024 * 1024
"""Both ends hold it in memory."""

INLINE_BYTES = 8 * 1024
"""Standard input up to this travels in the spec; more, or more in all the specs of a group, is stored once."""

_STDIN = "--stdin"
_ESCAPED_MAX = 6
"""JSON writes a control character as \\u001b: six bytes for a character that UTF-8 gives one; others need fewer."""


class Submission(NamedTuple):
    """What is to be sent: checked specs, all of one group, the object that they refer to, and their key, if any."""

    specs: Sequence[Spec]
    payload: bytes | None
    key: str | None = None


class GroupSpecs(Sequence[Spec]):
    """The specs of a group: `base` with each of `indexes`, and with the command of each line where there are lines."""

    def __init__(self, base: Spec, indexes: range, lines: Lines | None = None) -> None:
        """Nothing is made before it is asked for."""
        self._base = base
        self._indexes = indexes
        self._lines = lines

    def __len__(self) -> int:
        """Return the number of jobs."""
        return len(self._indexes)

    @overload
    def __getitem__(self, at: int) -> Spec: ...
    @overload
    def __getitem__(self, at: slice) -> list[Spec]: ...
    def __getitem__(self, at: int | slice) -> Spec | list[Spec]:
        """Make one spec, or a slice of them."""
        replace, base, lines = msgspec.structs.replace, self._base, self._lines
        if isinstance(at, int):
            work = base.work if lines is None else lines.fill(lines.texts[at])
            return replace(base, index=self._indexes[at], work=work)
        if lines is None:
            return [replace(base, index=index) for index in self._indexes[at]]
        return [
            replace(base, index=index, work=lines.fill(text))
            for index, text in zip(self._indexes[at], lines.texts[at], strict=True)
        ]


def build_submission(options: JobOptions, origin: Origin, *, each_line: str | None = None) -> Submission:
    """Return what `options` ask for; `each_line` is a file's name, or `-`.

    Raises:
        InvalidInput: an option is wrong, or a file can't be read; the message names it.
    """
    if each_line is not None:
        return _build_lines(options, origin, each_line)
    indexes = None if options.array is None else parse_array(options.array)
    size = None if indexes is None else len(indexes)
    stdin, payload = _load_stdin(options.stdin, size or 1)
    base = _build_base(options, origin, size=size, stdin=stdin)
    if indexes is None:
        encode_spec(base)
        return Submission([base], payload, options.key)
    specs = GroupSpecs(base, indexes)
    encode_spec(specs[-1])  # the largest: its index has the most digits
    return Submission(specs, payload, options.key)


def _build_lines(options: JobOptions, origin: Origin, source: str) -> Submission:
    if options.array is not None:
        msg = f"{EACH_LINE} and --array both say how many jobs there are"
        raise InvalidInput(msg, hint="leave one of them out")
    if options.python is not None:
        msg = f"{EACH_LINE} makes commands, not Python calls"
        raise InvalidInput(msg, hint="use --array with --py: the function finds its index in TQ_INDEX")
    if options.stdin == source == STANDARD_INPUT:
        msg = f"{EACH_LINE} and {_STDIN} can't both read standard input"
        raise InvalidInput(msg, hint="put one of them into a file")
    lines = load_lines(source, command=options.command, shell=options.shell)
    size = len(lines.texts)
    stdin, payload = _load_stdin(options.stdin, size)
    first = lines.fill(lines.texts[0])
    work = {"shell": first.argv[0], "command": None} if first.line else {"command": first.argv, "shell": None}
    base = _build_base(msgspec.structs.replace(options, **work), origin, size=size, stdin=stdin)
    specs = GroupSpecs(base, range(1, size + 1), lines)
    _check_sizes(specs, lines)
    return Submission(specs, payload, options.key)


def _check_sizes(specs: GroupSpecs, lines: Lines) -> None:
    """Return where each of a group's specs is small enough to be sent.

    Raises:
        InvalidInput: one is not; the message has its number.
    """
    longest = max(len(text.encode()) for text in lines.texts)
    if len(encode(specs[0])) + _ESCAPED_MAX * longest * lines.places <= MAX_SPEC_BYTES:
        return
    for number, spec in enumerate(specs, start=1):
        try:
            encode_spec(spec)
        except InvalidInput as error:
            msg = f"{EACH_LINE}: job {number}: {error.message}"
            raise InvalidInput(msg, hint=error.hint) from error


def _build_base(options: JobOptions, origin: Origin, *, size: int | None, stdin: Stdin | None) -> Spec:
    not_before = read_start(options, origin.now, _load_zone)
    return build_spec(
        options,
        group=origin.group,
        index=0,
        size=size,
        now=origin.now,
        submitted_by=origin.submitted_by,
        cwd=origin.cwd,
        stdin=stdin,
        not_before=not_before,
    )


def _load_zone() -> tzinfo:
    """Return the zone in which this machine's users mean a time."""
    from tqcli.core.zone import find_zone  # noqa: PLC0415 - few jobs have a time
    from tqcli.settings.zone import machine_zone  # noqa: PLC0415

    return find_zone(machine_zone())


def _load_stdin(source: str | None, copies: int) -> tuple[Stdin | None, bytes | None]:
    """Return the specs' standard input, and the object to store for it."""
    if source is None:
        return None, None
    data = read_source(source, option=_STDIN, max_bytes=MAX_STDIN_BYTES)
    if len(data) * copies <= INLINE_BYTES:
        return Stdin(len(data), data=data), None
    from hashlib import sha256  # noqa: PLC0415 - takes longer than the submit, and few jobs need it

    return Stdin(len(data), digest=sha256(data).hexdigest()), data
