"""Options of a job in Python's own types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from json import JSONDecodeError
from typing import Any

import pytest

from tqcli import job
from tqcli.errors import InvalidInput
from tqcli.functions.options import build_fields

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, {}),
        ({"queue": None, "at": None}, {}),
        ({"queue": "a", "priority": "low", "retries": 2}, {"queue": "a", "priority": "low", "retries": 2}),
        ({"timeout": "1h", "grace": HOUR}, {"timeout": HOUR, "grace": HOUR}),
        ({"retry_on": OSError}, {"retry_on": None, "retry_on_errors": ("OSError",)}),
        (
            {"retry_on": (JSONDecodeError, 75, "timeout")},
            {"retry_on": "75,timeout", "retry_on_errors": ("json.decoder.JSONDecodeError",)},
        ),
        ({"no_retry_on": "1-3"}, {"no_retry_on": "1-3", "no_retry_on_errors": ()}),
        ({"delay": "1h"}, {"not_before": NOW + HOUR}),
        ({"at": NOW}, {"not_before": NOW}),
        ({"expires": HOUR}, {"expires_at": NOW + HOUR}),
        ({"expires": NOW + HOUR}, {"expires_at": NOW + HOUR}),
        ({"env": {"A": 1}}, {"env": {"A": "1"}}),
        ({"key": "a", "cwd": "/b"}, {}),
    ],
)
def test_options_are_fields_of_a_spec(options: Any, fields: dict[str, object]) -> None:
    """Durations and moments, exceptions and codes."""
    assert build_fields(options, NOW) == fields


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"retires": 3}, "'retires' is not an option of a job\nhint: did you mean 'retries'?"),
        ({"retries": "3"}, "retries must be of type int, not str: '3'"),
        ({"retries": True}, "retries must be of type int, not bool"),
        ({"priority": 5}, "priority must be of type str, not int: 5\nhint: the priorities are high, normal and low"),
        ({"timeout": 5}, "timeout must be a timedelta, or text such as '90s', not 5\nhint: write 5s for seconds"),
        ({"timeout": "5"}, "the duration '5' has no unit"),
        ({"delay": -HOUR}, "delay must be from 0s"),
        ({"delay": "1h", "at": NOW}, "delay and at both say when"),
        ({"at": NOW.replace(tzinfo=None)}, "at says no time zone: 2026-03-01T12:00:00\nhint: give it one"),
        ({"at": 5}, "at must be a datetime, not 5"),
        ({"expires": "0s"}, "expires must be more than 0s"),
        ({"retry_on": int}, "retry_on takes exceptions and exit codes, not <class 'int'>"),
        ({"retry_on": (OSError, "soon")}, "'soon' in the codes 'soon' is neither"),
    ],
)
def test_wrong_option_is_named_where_it_is_given(options: Any, words: str) -> None:
    """When the function is decorated, not when it is submitted."""
    with pytest.raises(InvalidInput) as caught:
        job(**options)
    assert "\n".join(
        [str(caught.value), *caught.value.__notes__[:1]] if "\n" in words else [str(caught.value)]
    ).startswith(words)
