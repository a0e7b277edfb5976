"""A child of the keeper that ends too early."""

from __future__ import annotations

import os
import time

import pytest

from tests.support.eventually import eventually
from tqcli.errors import Unavailable
from tqcli.local.child import Child


def start(program: str) -> int:
    """Start a program that ends at once."""
    return os.posix_spawn(program, [program], os.environ)


def end(child: Child) -> int | None:
    """Return the exit code, once it has ended."""
    while (code := child.reap()) is None:
        continue
    return code


def test_pauses_before_a_new_start_grow() -> None:
    """From a tenth of a second, doubling."""
    child = Child("false", lambda: start("/bin/false"), may_leave=True)
    child.turn_on()
    for pause_s in (0.1, 0.2, 0.4, 0.8):
        eventually(child.start_if_due, timeout_s=5)
        before = time.monotonic()
        assert end(child) == 1
        assert child.due is not None
        assert child.due - time.monotonic() <= pause_s <= child.due - before


def test_one_that_may_leave_is_off_after_success() -> None:
    """It left on purpose."""
    child = Child("true", lambda: start("/bin/true"), may_leave=True)
    child.turn_on()
    assert child.on
    assert child.start_if_due()
    assert end(child) == 0
    assert not child.on


def test_one_that_may_not_leave_starts_again_after_success() -> None:
    """A server has no reason to."""
    child = Child("true", lambda: start("/bin/true"), may_leave=False)
    child.turn_on()
    assert child.start_if_due()
    assert end(child) == 0
    assert child.on


@pytest.mark.parametrize("error", [OSError(28, "full"), Unavailable("full")])
def test_one_that_can_not_be_started_is_tried_again(error: Exception) -> None:
    """After a pause, too."""

    def fail() -> int:
        raise error

    child = Child("full", fail, may_leave=False)
    child.turn_on()
    with pytest.raises(type(error), match="full"):
        child.start_if_due()
    assert child.on
    assert not child.start_if_due()
