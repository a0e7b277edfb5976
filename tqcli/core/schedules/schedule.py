"""A schedule: a named recurring job, its rule, and everything that became of its planned times so far.

One snapshot holds all of it, stored by compare-and-set like a job's record. `core.schedules.planning` makes the next
snapshot out of the last one; here is what it is made of, what a definition may say, and its bytes.

A *planned time* is what the rule says. It becomes a run, or it is skipped; either way the history says so. A run is
*waiting* while the one before goes on (overlap `queue`), *starting* from the decision until its job is known to be in
its queue, and in the history from then on. Whatever is in `starting` is submitted again by whoever finds it there: the
job's id is in it, and follows from the schedule and the planned time, so that makes one job.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec

from tqcli.core.check import check_range, check_spec
from tqcli.core.codec import decode_strictly, encode, encode_spec
from tqcli.core.duration import LONGEST
from tqcli.core.ids import RANDOM_BITS, make_group_id
from tqcli.core.names import check_label, check_name, quote
from tqcli.core.nearest import did_you_mean
from tqcli.core.schedules.rule import Rule, check_rule
from tqcli.core.spec import WIRE_VERSION, Moment, Spec
from tqcli.core.state import Reason, State
from tqcli.errors import InvalidInput

HISTORY_KEPT = 50
"""Entries of a history; of more, the newest."""

MAX_CATCH_UP = 1_000
MAX_JITTER = timedelta(days=1)
MAX_STDIN_BYTES = 256 * 1024
MAX_RUNS = 1_000_000_000
MAX_SCHEDULE_BYTES = 1_000 * 1024
MAX_DEPTH = 128
OVERLAPS = ("skip", "queue", "replace", "allow")
DEFAULT_CATCH_UP = "latest"

_PLACEHOLDER = "0" * 16
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_ZERO = timedelta(0)

Overlap = Literal["skip", "queue", "replace", "allow"]
RunKind = Literal["planned", "manual", "backfill"]


class CatchUp(NamedTuple):
    """How many of the planned times that were missed are made up for, the newest first; `always` even beside a new one.

    `latest` makes up for one, and only where no newer time has come as well.
    """

    most: int
    always: bool


class Run(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="run", tag_field="is"
):
    """One job of a schedule: `planned` has no jitter. `state` is None until it is known that the job ended.

    `missed` marks a time that is made up for. A `manual` run is planned for when it was asked for. A `forgotten` job
    has neither a message nor a record any more: nobody knows how it ended.
    """

    planned: Moment
    job: str
    kind: RunKind = "planned"
    missed: bool = False
    state: State | None = None
    reason: Reason | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    forgotten: bool = False


class Skipped(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag="skipped",
    tag_field="is",
):
    """Planned times that became no job, from `first` to `last`; at least `count` of them, where there are `more`.

    `reason` is `missed`, `overlap`, `paused`, `expired`, `no queue`, or `rejected: …` with what is wrong with the job.
    """

    first: Moment
    last: Moment
    count: int
    reason: str
    at: Moment
    more: bool = False


class Backfilled(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag="backfilled",
    tag_field="is",
):
    """Planned times that a user had run afterwards: `submitted` jobs were new, `existed` were there already."""

    first: Moment
    last: Moment
    submitted: int
    existed: int
    at: Moment


Entry = Run | Skipped | Backfilled


class Pause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Since when a schedule starts nothing, and why."""

    since: Moment
    note: str | None = None


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a user said of a schedule. `template` is its job (see `make_template`).

    `expires` counts from the planned time; of a run that somebody asked for, from when it was asked for. `catch_up` is
    `none`, `latest` or `all:MAX`. `declared`: it comes from a file, and goes when it is there no more.
    """

    name: str
    rule: Rule
    template: Spec
    expires: timedelta | None = None
    overlap: Overlap = "skip"
    catch_up: str = DEFAULT_CATCH_UP
    jitter: timedelta = _ZERO
    until: Moment | None = None
    max_runs: int | None = None
    declared: bool = False
    note: str | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A schedule as it stands. Planned times up to `cursor` are dealt with; `runs` counts the planned ones that ran.

    Those up to `floor` were an earlier revision's: they don't come back with a clock that is stepped back.
    """

    v: int
    definition: Definition
    revision: int
    defined_at: Moment
    cursor: Moment
    defined_by: str | None = None
    floor: Moment | None = None
    paused: Pause | None = None
    waiting: tuple[Run, ...] = ()
    starting: tuple[Run, ...] = ()
    runs: int = 0
    history: tuple[Entry, ...] = ()

    @property
    def name(self) -> str:
        """The schedule's name."""
        return self.definition.name

    @property
    def open_runs(self) -> tuple[Run, ...]:
        """The runs in the history of which no end is known."""
        return tuple(one for one in self.history if isinstance(one, Run) and one.state is None and not one.forgotten)


_decoder = msgspec.json.Decoder(Schedule)


def encode_schedule(schedule: Schedule) -> bytes:
    """Return the snapshot as it is stored."""
    return encode(schedule)


def decode_schedule(data: bytes) -> Schedule:
    """Return the schedule in a message.

    Raises:
        CorruptRecord: it is none that this version of tq can read; the message says what is wrong and where.
    """
    return decode_strictly(data, _decoder, noun="schedule", max_bytes=MAX_SCHEDULE_BYTES, max_depth=MAX_DEPTH)


def make_template(spec: Spec) -> Spec:
    """Return the spec without what each run has of its own: its id, its submission, its deadline."""
    return msgspec.structs.replace(
        spec,
        group=_PLACEHOLDER,
        submitted_at=_EPOCH,
        submitted_by=None,
        not_before=None,
        expires_at=None,
        retry_of=None,
        schedule=None,
        scheduled_at=None,
    )


def make_spec(schedule: Schedule, run: Run, *, now: datetime) -> Spec:
    """Return the spec of a run that is submitted `now`.

    Raises:
        InvalidInput: it makes no sense, as a definition that was checked does.
    """
    definition = schedule.definition
    expires_at = None
    if definition.expires is not None:
        expires_at = (run.planned if run.kind == "planned" else now) + definition.expires
    spec = msgspec.structs.replace(
        definition.template,
        group=run.job,
        name=definition.template.name or definition.name,
        submitted_at=now,
        submitted_by=schedule.defined_by,
        expires_at=expires_at,
        schedule=definition.name,
        scheduled_at=run.planned,
    )
    check_spec(spec)
    return spec


def make_run(schedule: Schedule, planned: datetime, *, kind: RunKind = "planned", missed: bool = False) -> Run:
    """Return the run of a planned time. Its job's id follows from schedule, revision and time: made twice, it is one.

    The id tells the planned time, to the second: what is below it is chance, like an id's last 40 bits.
    """
    identity = f"{schedule.name}\0{schedule.revision}\0{schedule.defined_at.isoformat()}\0{planned.isoformat()}"
    number = int.from_bytes(sha256(identity.encode()).digest()[:10])
    when = planned.replace(microsecond=0) + timedelta(milliseconds=(number >> RANDOM_BITS) % 1000)
    return Run(planned=planned, job=make_group_id(when, number), kind=kind, missed=missed)


def jitter_offset(definition: Definition) -> timedelta:
    """Return how long after each planned time this schedule runs: at least 0, less than its jitter, always the same."""
    if not definition.jitter:
        return _ZERO
    draw = int.from_bytes(sha256(definition.name.encode()).digest()[:8])
    milliseconds = definition.jitter // timedelta(milliseconds=1)
    return timedelta(milliseconds=draw % max(1, milliseconds))


def parse_catch_up(text: str) -> CatchUp:
    """Return what `none`, `latest` or `all:MAX` means.

    >>> parse_catch_up("all:24")
    CatchUp(most=24, always=True)

    Raises:
        InvalidInput: it is none of these.
    """
    word, colon, number = text.partition(":")
    if word == "all" and number.isascii() and number.isdecimal() and len(number) < len(str(MAX_RUNS)):
        return CatchUp(check_range("the number of missed runs", int(number), 1, MAX_CATCH_UP), always=True)
    if text == "all" or (word == "all" and colon):
        msg = f"the catch-up rule {quote(text)} does not say how many runs at most"
        raise InvalidInput(msg, hint="write all:MAX, as in all:24")
    if text not in {"none", "latest"}:
        msg = f"{quote(text)} is not a catch-up rule"
        raise InvalidInput(msg, hint=did_you_mean(text, ("none", "latest", "all:MAX")))
    return CatchUp(int(text == "latest"), always=False)


def check_definition(definition: Definition) -> None:
    """Return where every field of a definition makes sense.

    Raises:
        InvalidInput: a field does not; the message names it and its value.
    """
    check_name(definition.name, noun="schedule")
    check_rule(definition.rule)
    parse_catch_up(definition.catch_up)
    if not _ZERO <= definition.jitter <= MAX_JITTER:
        msg = f"the jitter must be from 0s to {MAX_JITTER.days}d"
        raise InvalidInput(msg)
    if definition.expires is not None and not _ZERO < definition.expires <= LONGEST:
        msg = f"expires must be more than 0s and at most {LONGEST.days}d"
        raise InvalidInput(msg, hint="it counts from the planned time; leave it out for runs that may wait for ever")
    if definition.max_runs is not None:
        check_range("the number of runs", definition.max_runs, 1, MAX_RUNS)
    if definition.note is not None:
        check_label(definition.note, noun="note")
    _check_template(definition)


def _check_template(definition: Definition) -> None:
    template = definition.template
    if template.size is not None:
        msg = "a schedule runs one job at a time, not an array"
        raise InvalidInput(msg, hint="let that job submit the array: tq submit --array …")
    stdin = template.stdin
    if stdin is not None and (stdin.data is None or stdin.size > MAX_STDIN_BYTES):
        msg = f"a schedule keeps at most {MAX_STDIN_BYTES // 1024} KiB of standard input, not {stdin.size:,} bytes"
        raise InvalidInput(msg, hint="put it into a file that the agents can read")
    schedule = Schedule(v=WIRE_VERSION, definition=definition, revision=1, defined_at=_EPOCH, cursor=_EPOCH)
    encode_spec(make_spec(schedule, make_run(schedule, _EPOCH), now=_EPOCH))
