"""The word that somebody probably meant."""

from __future__ import annotations

from tqcli.core.nearest import did_you_mean, nearest


def test_near_word_is_found_and_a_far_one_is_not() -> None:
    """A suggestion is a likely one or none."""
    assert nearest("stauts", ["status", "logs"]) == "status"
    assert nearest("zzz", ["status", "logs"]) is None
    assert nearest("x" * 100_000, ["status", "logs"]) is None


def test_hint_names_the_near_word_or_all() -> None:
    """Somebody who is far off sees what there is."""
    assert did_you_mean("stauts", iter(["status", "logs"])) == "did you mean 'status'?"
    assert did_you_mean("zzz", iter(["status", "logs"])) == "known are: status, logs"
