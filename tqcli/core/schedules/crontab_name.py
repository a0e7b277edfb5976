"""Names for the entries of a crontab, which have none: from the comment above, or from the program that runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME_MAX = 64
_COMMENT_MAX = 40
_COMMENT_WORDS_MAX = 6
_OTHER = re.compile(r"[^a-z0-9_]+", re.ASCII)
_BREAKS = re.compile(r"&&|\|\|?|[;\n]")
_ASSIGNMENT = re.compile(r"\w+=", re.ASCII)
_OPTION = re.compile(r"-|\d+$", re.ASCII)
_FALLBACK = "job"

_TESTS = frozenset({"test", "[", "[[", "if", "elif", "fi", "while", "until", "for", "case", "command", "type", "which"})
"""Parts of a line that only look whether the rest can run."""

_QUIET = frozenset({"cd", "export", "exit", "exec", "set", "sleep", "true", "umask", "source", "."})
_WRAPPERS = frozenset({"then", "else", "do", "!", "nice", "ionice", "nohup", "env", "chronic", "sudo", "time"})
_INTERPRETERS = frozenset({"sh", "bash", "dash", "python", "python3", "perl", "php", "ruby", "node", "run-parts"})


def suggest_name(comment: str | None, command: str, taken: Iterable[str], *, prefix: str = "") -> str:
    """Return a name that a schedule can have and that is not among `taken`.

    >>> suggest_name("Rotate the logs", "x", ()), suggest_name(None, "cd /srv && nice bin/backup.sh -q", ["backup"])
    ('rotate-the-logs', 'backup-2')
    """
    words = comment.split() if comment is not None else []
    slug = ""
    if comment is not None and len(comment) <= _COMMENT_MAX and len(words) <= _COMMENT_WORDS_MAX:
        slug = _slug(comment)
    base = f"{prefix}{slug or _slug(_find_program(command)) or _FALLBACK}"[:_NAME_MAX].rstrip("-")
    name, number, known = base, 1, set(taken)
    while name in known:
        number += 1
        name = f"{base[: _NAME_MAX - len(str(number)) - 1]}-{number}"
    return name


def _find_program(command: str) -> str:
    """Return the name of the first program that does some work."""
    for part in _BREAKS.split(command):
        words = part.replace("(", " ").replace("{", " ").split()
        while words and (words[0] in _WRAPPERS or _OPTION.match(words[0]) or _ASSIGNMENT.match(words[0])):
            del words[0]
        if not words or words[0] in _TESTS or words[0] in _QUIET or "sleep" in part:
            continue
        return _name_of(words)
    return ""


def _name_of(words: list[str]) -> str:
    program = words[0].strip("\"'").rstrip("/").rpartition("/")[2]
    if program in _INTERPRETERS:
        script = next((word for word in words[1:] if not word.startswith("-")), "")
        if program == "run-parts" or "-m" in words:
            program = script.rpartition("/")[2] or program
        elif script and "-c" not in words and "-e" not in words:
            program = script.strip("\"'").rpartition("/")[2] or program
    stem, dot, suffix = program.rpartition(".")
    return stem if dot and stem and len(suffix) <= len("cron") and "-m" not in words else program


def _slug(text: str) -> str:
    return _OTHER.sub("-", text.lower()).strip("-_")
