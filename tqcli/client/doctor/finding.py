"""Findings: what the doctor says."""

from __future__ import annotations

from enum import Enum

import msgspec


class Level(Enum):
    """How bad it is, in the order of concern."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ERROR = "error"


class Finding(msgspec.Struct, frozen=True):
    """One line: what was looked at, how it is, and what to do about it."""

    check: str
    level: Level
    text: str
    hint: str | None = None


def well(check: str, text: str) -> Finding:
    """Return a finding that needs nothing done."""
    return Finding(check, Level.OK, text)


def unknown(check: str, text: str, hint: str) -> Finding:
    """Return a finding about what could not be looked at."""
    return Finding(check, Level.UNKNOWN, text, hint)


def warn(check: str, text: str, hint: str) -> Finding:
    """Return a finding about what works, and will hurt one day."""
    return Finding(check, Level.WARNING, text, hint)


def fail(check: str, text: str, hint: str) -> Finding:
    """Return a finding about what does not work."""
    return Finding(check, Level.ERROR, text, hint)
