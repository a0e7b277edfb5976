"""Specs, outcomes and moments: plain ones to vary, and strategies for any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import strategies as st

from tqcli.core.ids import make_group_id
from tqcli.core.outcome import (
    Exited,
    Expired,
    Failure,
    Interrupted,
    Lost,
    NotStarted,
    Outcome,
    Raised,
    Rejected,
    Returned,
    Signalled,
    TimedOut,
)
from tqcli.core.spec import ISOLATIONS, PRIORITIES, WIRE_VERSION, Python, Shell, Spec, Stdin, Stored

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GROUP = make_group_id(NOW, 7)
FAILURE = Failure("ValueError", "no")
PLAIN = Spec(v=WIRE_VERSION, group=GROUP, work=Shell(("true",)), submitted_at=NOW)


def vary(**fields: object) -> Spec:
    """Return the plain spec with these fields."""
    return msgspec.structs.replace(PLAIN, **fields)


moments = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001 - hypothesis wants it bare
    max_value=datetime(2058, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)
durations = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_500))
names = st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,63}\Z")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
words = texts.filter(bool)
labels = st.text(st.sampled_from("abc XYZ-ü漢"), min_size=1, max_size=128)
numbers = st.integers(min_value=1, max_value=255)
codes = st.lists(
    st.one_of(
        numbers.map(str),
        st.tuples(numbers, numbers).map(lambda ends: f"{min(ends)}-{max(ends)}"),
        st.sampled_from(["exit", "signal", "timeout", "not_started", "error"]),
    ),
    min_size=1,
    max_size=4,
).map(",".join)
backoffs = st.sampled_from(["none", "fixed:0s", "fixed:10s", "exp:1s..5m", "exp:1ms..1ms", "exp:0.000001s..36500d"])
kinds = st.lists(st.sampled_from(["ValueError", "OSError", "shop.errors.OutOfStock"]), max_size=2).map(tuple)
draws = st.floats(min_value=0, max_value=1, exclude_max=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
works = st.one_of(
    st.lists(texts, max_size=4).flatmap(lambda rest: words.map(lambda word: Shell((word, *rest)))),
    st.sampled_from(["true", "sort data | uniq -c"]).map(lambda line: Shell((line,), line=True)),
    st.builds(
        Python,
        st.sampled_from(["reports:make", "shop.mail:Sender.send"]),
        args=st.lists(json_values, max_size=3).map(lambda value: msgspec.Raw(msgspec.json.encode(value))),
        kwargs=st.dictionaries(texts, json_values, max_size=3).map(
            lambda value: msgspec.Raw(msgspec.json.encode(value))
        ),
    ),
    st.just(Python("reports:make", stored=Stored("0f" * 32, 5))),
)
specs = st.builds(
    Spec,
    v=st.just(WIRE_VERSION),
    group=st.builds(make_group_id, moments, st.integers(0, 2**40 - 1)),
    work=works,
    submitted_at=moments,
    submitted_by=st.none() | labels,
    index=st.just(0),
    size=st.none() | st.integers(1, 1_000_000),
    name=st.none() | labels,
    queue=names,
    priority=st.sampled_from(PRIORITIES),
    isolation=st.sampled_from(ISOLATIONS),
    retries=st.integers(0, 5),
    backoff=backoffs,
    retry_on=st.none() | codes,
    no_retry_on=st.none() | codes,
    retry_on_errors=kinds,
    no_retry_on_errors=kinds,
    timeout=st.none() | durations.filter(bool),
    grace=durations,
    expires_at=st.none() | moments,
    max_losses=st.integers(0, 5),
    env=st.dictionaries(st.from_regex(r"\A[A-SU-Z][A-Z0-9]{0,9}\Z"), texts, max_size=3),
    cwd=st.none() | texts.map(lambda text: "/" + text),
    cwd_required=st.booleans(),
    stdin=st.none() | st.binary(max_size=50).map(lambda data: Stdin(len(data), data=data)),
    retry_of=st.none() | st.just(GROUP),
    schedule=st.none() | names,
    scheduled_at=st.none() | moments,
)
failures = st.builds(Failure, texts, texts, st.none() | texts)
retriable: st.SearchStrategy[Exited | Signalled | TimedOut | NotStarted | Raised] = st.one_of(
    numbers.map(Exited),
    st.integers(1, 64).map(Signalled),
    st.just(TimedOut()),
    st.builds(NotStarted, st.sampled_from([126, 127]), failures),
    st.builds(Raised, failures, kinds),
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    retriable,
    st.just(Exited(0)),
    json_values.map(lambda value: Returned(msgspec.Raw(msgspec.json.encode(value)))),
    failures.map(Rejected),
    st.just(Expired()),
    names.map(Lost),
    st.just(Interrupted()),
)
