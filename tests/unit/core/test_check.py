"""What a spec may mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import NOW, PLAIN, specs, vary
from tqcli.core.check import MAX_ENV_BYTES, check_env, check_spec
from tqcli.core.spec import Python, Shell, Spec, Stdin, Stored
from tqcli.errors import InvalidInput


@given(spec=specs)
def test_good_spec_passes(spec: Spec) -> None:
    """Whatever the grammars allow is allowed together."""
    check_spec(spec)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"v": 2}, "version 2"),
        ({"group": "x"}, "'x' is not the id of a group"),
        ({"index": 1}, "the index must be from 0 to 0"),
        ({"index": -1, "size": 2}, "the index"),
        ({"index": 10**9, "size": 2}, "the index"),
        ({"size": 0}, "the group's size"),
        ({"size": 1_000_001}, "the group's size"),
        ({"queue": "a.b"}, "'a.b' can't name a queue"),
        ({"queue": "x" * 10_000}, "can't name a queue"),
        ({"name": "a\nb"}, "can't be a job's name"),
        ({"submitted_by": "\x1b"}, "can't be a submitter"),
        ({"retry_of": "x"}, "is not a job id"),
        ({"priority": "hihg"}, "'hihg' is not a priority"),
        ({"retries": -1}, "retries must be from 0"),
        ({"retries": 10**30}, "retries must be from 0"),
        ({"isolation": "frsh"}, "'frsh' is not a kind of isolation"),
        ({"max_losses": -1}, "losses must be from 0"),
        ({"backoff": "soon"}, "'soon' is not a backoff"),
        ({"retry_on": "0"}, "'0' in the codes"),
        ({"no_retry_on": ""}, "codes"),
        ({"retry_on_errors": ("no such",)}, "'no such' is not the name of an exception"),
        ({"no_retry_on_errors": ("a.",)}, "'a.' is not the name of an exception"),
        ({"retry_on_errors": ("A",) * 101}, "can name 100 exceptions"),
        ({"timeout": timedelta(0)}, "the timeout must be more than 0s"),
        ({"timeout": timedelta(days=99_999)}, "the timeout must be"),
        ({"grace": timedelta(seconds=-1)}, "the grace must be"),
        ({"schedule": "a.b"}, "'a.b' can't name a schedule"),
        ({"scheduled_at": datetime(1969, 12, 31, tzinfo=UTC)}, "not from 1970 to 2199"),
        ({"not_before": datetime(9999, 12, 31, tzinfo=timezone(-timedelta(hours=9)))}, "not from 1970 to 2199"),
        ({"not_before": NOW, "expires_at": NOW}, "it would expire before it may start"),
        ({"cwd": "data"}, "not an absolute path"),
        ({"cwd": "/a\0b"}, "the working directory contains a NUL byte"),
        ({"cwd": "/\udc80"}, "the working directory is not valid UTF-8"),
        ({"work": Shell(())}, "there is no command"),
        ({"work": Shell(("",))}, "there is no command"),
        ({"work": Shell(("echo", "a", "\udcff"))}, "the command's word 3 is not valid UTF-8"),
        ({"work": Shell(("echo", "a\0b"))}, "the command's word 2 contains a NUL byte"),
        ({"work": Shell(("  ",), line=True)}, "one line, which is not blank"),
        ({"work": Shell(("a", "b"), line=True)}, "one line, which is not blank"),
        ({"work": Python("reports")}, "does not name a Python function"),
        ({"work": Python("a..b:c")}, "does not name a Python function"),
        ({"work": Python("a:b()")}, "does not name a Python function"),
        ({"work": Python("a:b:c")}, "does not name a Python function"),
        ({"work": Python("a:b", args=msgspec.Raw(b"{}"))}, "the args of a:b can't be read"),
        ({"work": Python("a:b", args=msgspec.Raw(b"[1,]"))}, "the args of a:b can't be read"),
        ({"work": Python("a:b", kwargs=msgspec.Raw(b"[]"))}, "the kwargs of a:b can't be read"),
        ({"work": Python("a:b", kwargs=msgspec.Raw(b"[" * 100_000))}, "the kwargs of a:b can't be read"),
        ({"env": {"": "x"}}, "can't name an environment variable"),
        ({"env": {"A=B": "x"}}, "can't name an environment variable"),
        ({"env": {"TQ_JOB_ID": "x"}}, "'TQ_JOB_ID' is reserved"),
        ({"env": {"A": "\0"}}, "the environment variable 'A' contains a NUL byte"),
        ({"env": {"A\0": "x"}}, "name contains a NUL byte"),
        ({"env": {"A": "\udc80"}}, "the environment variable 'A' is not valid UTF-8"),
        ({"env": {"A": "x" * (2 << 20)}}, "the environment is too big: 2,097,155 bytes"),
        ({"stdin": Stdin(1)}, "must be data or the digest"),
        ({"stdin": Stdin(1, data=b"a", digest="0" * 64)}, "must be data or the digest"),
        ({"stdin": Stdin(2, data=b"a")}, "has 1 bytes, not the 2 it says"),
        ({"stdin": Stdin(2, digest="x")}, "is not the digest of an object"),
        ({"work": Python("a:b", stored=Stored("x", 5))}, "is not the digest of an object"),
        ({"stdin": Stdin(-2, digest="0" * 64)}, "is not the digest of an object"),
    ],
)
def test_bad_field_is_named(fields: dict[str, object], says: str) -> None:
    """The message names the field and shows its value, short and printable."""
    with pytest.raises(InvalidInput) as caught:
        check_spec(vary(**fields))
    assert says in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


@given(argv=st.lists(st.text(st.characters(categories=["Cs", "L"])), min_size=1, max_size=5))
def test_broken_argument_is_named_by_its_position(argv: list[str]) -> None:
    """The first argument that is not UTF-8 is the one in the message."""
    broken = [number for number, word in enumerate(argv, 1) if any("\ud800" <= char <= "\udfff" for char in word)]
    spec = vary(work=Shell(("echo", *argv)))
    if not broken:
        check_spec(spec)
        return
    with pytest.raises(InvalidInput, match=f"the command's word {broken[0] + 1} is not valid UTF-8"):
        check_spec(spec)


def test_environment_may_fill_its_limit() -> None:
    """Sizes count as the kernel counts them: KEY=VALUE and a NUL."""
    check_env({"A": "x" * (MAX_ENV_BYTES - 3)})
    with pytest.raises(InvalidInput, match="too big"):
        check_env({"A": "x" * (MAX_ENV_BYTES - 2)})


def test_reserved_prefix_is_exact() -> None:
    """Only names that tq may set itself are taken."""
    check_env({"TQDM_DISABLE": "1", "tq_x": "1", "XTQ_": "1"})


def test_plain_spec_passes() -> None:
    """The example that the others vary is good."""
    check_spec(PLAIN)
