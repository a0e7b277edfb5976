"""The options of a job, and the spec made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import GROUP, NOW, texts
from tqcli.core.options import JobOptions, build_spec, overlay, read_start
from tqcli.core.spec import Python, Shell, Spec, Stdin
from tqcli.errors import InvalidInput

options = st.builds(
    JobOptions,
    name=st.none() | texts,
    queue=st.none() | texts,
    retries=st.none() | st.integers(),
    timeout=st.none() | st.timedeltas(),
    env=st.none() | st.dictionaries(texts, texts, max_size=3),
    command=st.none() | st.lists(texts, min_size=1, max_size=3).map(tuple),
)


def build(given_options: JobOptions, *, stdin: Stdin | None = None, not_before: datetime | None = None) -> Spec:
    """Return the spec of a job submitted from /home/ada."""
    return build_spec(
        given_options,
        group=GROUP,
        index=0,
        size=None,
        now=NOW,
        submitted_by="ada@host",
        cwd="/home/ada",
        stdin=stdin,
        not_before=not_before,
    )


def test_command_alone_makes_a_plain_spec() -> None:
    """What was not given is left to the defaults."""
    spec = build(JobOptions(command=("echo", "hi")))
    assert spec.work == Shell(("echo", "hi"))
    assert (spec.queue, spec.priority, spec.retries, spec.timeout, spec.expires_at) == (
        "default",
        "normal",
        0,
        None,
        None,
    )
    assert (spec.cwd, spec.cwd_required, spec.submitted_by, spec.submitted_at) == ("/home/ada", False, "ada@host", NOW)


def test_every_option_arrives() -> None:
    """No option is accepted and then forgotten."""
    spec = build(
        JobOptions(
            python="a:b",
            args=msgspec.Raw(b"[1]"),
            kwargs=msgspec.Raw(b'{"k":2}'),
            name="report",
            queue="slow",
            priority="high",
            retries=3,
            backoff="fixed:1s",
            retry_on="1",
            no_retry_on="2",
            timeout=timedelta(seconds=5),
            grace=timedelta(seconds=1),
            expires=timedelta(hours=1),
            env={"A": "1"},
            cwd="../bob/./x",
            max_losses=0,
        ),
        stdin=Stdin(2, data=b"ab"),
    )
    assert spec.work == Python("a:b", args=msgspec.Raw(b"[1]"), kwargs=msgspec.Raw(b'{"k":2}'))
    assert (spec.name, spec.queue, spec.priority) == ("report", "slow", "high")
    assert (spec.retries, spec.backoff, spec.retry_on, spec.no_retry_on) == (3, "fixed:1s", "1", "2")
    assert (spec.timeout, spec.grace) == (timedelta(seconds=5), timedelta(seconds=1))
    assert (spec.expires_at, spec.max_losses) == (NOW + timedelta(hours=1), 0)
    assert (spec.env, spec.stdin) == ({"A": "1"}, Stdin(2, data=b"ab"))
    assert (spec.cwd, spec.cwd_required) == ("/home/bob/x", True)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (JobOptions(), "there is no command"),
        (JobOptions(command=("a",), shell="b"), "not command and shell"),
        (JobOptions(shell="b", python="a:b"), "not shell and python"),
        (JobOptions(command=("a",), kwargs=msgspec.Raw(b"{}")), "no Python entrypoint"),
        (JobOptions(command=("a",), expires=timedelta(0)), "expires must be more than 0s"),
        (JobOptions(command=("a",), expires=timedelta.max), "expires must be"),
        (JobOptions(command=("a",), queue="A"), "can't name a queue"),
    ],
)
def test_wrong_options_are_refused(wrong: JobOptions, says: str) -> None:
    """Nothing is sent that an agent would reject."""
    with pytest.raises(InvalidInput) as caught:
        build(wrong)
    assert says in caught.value.message


@given(base=options, top=options)
def test_top_wins_and_base_fills_the_rest(base: JobOptions, top: JobOptions) -> None:
    """Each option comes from where it was given last."""
    both = overlay(base, top)
    for field in ("name", "queue", "retries", "timeout", "command"):
        above, below = getattr(top, field), getattr(base, field)
        assert getattr(both, field) == (below if above is None else above)
    assert both.env == (None if top.env is base.env is None else {**(base.env or {}), **(top.env or {})})


@given(one=options)
def test_nothing_laid_over_changes_nothing(one: JobOptions) -> None:
    """Empty options are neutral on either side."""
    assert overlay(one, JobOptions()) == one == overlay(JobOptions(), one)


def test_other_work_replaces_the_work_whole() -> None:
    """A command on the line does not meet the file's entrypoint or its arguments."""
    base = JobOptions(python="a:b", args=msgspec.Raw(b"[1]"), queue="slow")
    assert overlay(base, JobOptions(command=("x",))) == JobOptions(command=("x",), queue="slow")


def test_keyword_arguments_are_merged_by_name() -> None:
    """`--arg` on the line changes one argument of the file, not all."""
    base = JobOptions(python="a:b", kwargs=msgspec.Raw(b'{"x":1,"y":[2]}'))
    both = overlay(base, JobOptions(kwargs=msgspec.Raw(b'{"x":9}')))
    assert both == JobOptions(python="a:b", kwargs=msgspec.Raw(b'{"x":9,"y":[2]}'))
    assert overlay(base, JobOptions(queue="slow")).kwargs == base.kwargs
    assert overlay(JobOptions(python="a:b"), base).kwargs == base.kwargs
    assert overlay(JobOptions(python="a:b"), JobOptions(kwargs=base.kwargs)).kwargs == base.kwargs


def test_keyword_arguments_that_are_no_object_are_refused() -> None:
    """A merge does not guess."""
    with pytest.raises(InvalidInput, match="no JSON object"):
        overlay(JobOptions(kwargs=msgspec.Raw(b"{}")), JobOptions(kwargs=msgspec.Raw(b"[]")))


def start(**fields: object) -> datetime | None:
    """Return before which time a job with these options must not start."""
    return read_start(JobOptions(**fields), NOW, lambda: UTC)  # type: ignore[arg-type]  # of a test's own choice


def test_job_may_be_told_when_to_start() -> None:
    """After a while, or at a time; now is no time to wait for."""
    assert start() is None
    assert start(in_=timedelta(hours=2)) == NOW + timedelta(hours=2)
    assert start(at="17:30") == NOW.replace(hour=17, minute=30)
    assert start(in_=timedelta(0)) is start(at="now") is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"in_": timedelta(1), "at": "17:30"}, "in and at both say when it starts"),
        ({"at": "7:00"}, "at: '7:00' has passed"),
        ({"at": "soon"}, "at: 'soon' is not a time"),
    ],
)
def test_time_that_makes_no_sense_is_named(fields: dict[str, object], says: str) -> None:
    """Nothing was sent."""
    with pytest.raises(InvalidInput, match=says):
        start(**fields)


def test_job_that_expires_before_its_time_is_refused() -> None:
    """It would never run."""
    given_options = JobOptions(command=("true",), expires=timedelta(hours=1))
    for after in (timedelta(hours=1), timedelta(hours=2)):
        with pytest.raises(InvalidInput, match="would expire before it may start"):
            build(given_options, not_before=NOW + after)
    assert build(given_options, not_before=NOW + timedelta(minutes=59)).not_before == NOW + timedelta(minutes=59)


def test_time_on_the_line_replaces_that_of_the_file() -> None:
    """Whichever of the two options it was."""
    both = overlay(JobOptions(at="17:30", name="a"), JobOptions(in_=timedelta(1)))
    assert (both.in_, both.at, both.name) == (timedelta(1), None, "a")
    assert overlay(JobOptions(in_=timedelta(1)), JobOptions(retries=1)).in_ == timedelta(1)
