r"""Crontab files: entries that can become schedules, and remarks on what can't be kept.

As crontab(5), and Debian's cron 3.0pl1 where that is silent:

- `NAME = value` holds for the lines below it; quotes around all of the value are taken off, and nothing is expanded.
- `%` ends the command; what follows is its standard input, in which each `%` is a new line, with one at its end. `\%`
  is a `%`, and in the command `\\` is a `\`.
- SHELL runs the commands below it, /bin/sh where it is not set. A job starts in HOME.
- `system`: /etc/crontab and the files in /etc/cron.d name a user before the command.
- `CRON_TZ` is the zone of the lines below it, as cronie has it. `TZ` is only seen by the jobs.
"""

from __future__ import annotations

import re

import msgspec

from tqcli.core.check import check_env, check_text
from tqcli.core.names import check_name, quote
from tqcli.core.schedules.cron import parse_cron
from tqcli.core.schedules.crontab_name import suggest_name
from tqcli.core.zone import find_zone
from tqcli.errors import InvalidInput

DEFAULT_SHELL = "/bin/sh"

_ENV = re.compile(r"""(?:"([^"]*)"|'([^']*)'|([^\s="']+))\s*=\s*(.*)""")
_TIMES = re.compile(r"(@\S+|(?:\S+[ \t]+){4}\S+)(?:[ \t]+(.*))?")
_WORD = re.compile(r"(\S+)(?:[ \t]+(.*))?")
_QUOTES = "\"'"
_MAIL = ("MAILTO", "MAILFROM")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a crontab that runs something; `shell` runs `command`, in `cwd`, and `stdin` is what it reads.

    `name` is a suggestion, unique in its file. `zone` and `cwd` are None where the file says nothing.
    """

    line: int
    name: str
    cron: str
    command: str
    shell: str = DEFAULT_SHELL
    stdin: str | None = None
    zone: str | None = None
    env: dict[str, str] = {}
    cwd: str | None = None
    user: str | None = None


class Remark(msgspec.Struct, frozen=True):
    """What can't be kept of a line, and what to do about it."""

    line: int
    text: str
    hint: str | None = None


class Crontab(msgspec.Struct, frozen=True):
    """A crontab as it was read."""

    entries: tuple[Entry, ...]
    remarks: tuple[Remark, ...]


def parse_crontab(text: str, *, system: bool = False, prefix: str = "") -> Crontab:
    r"""Return the entries, in order, and the remarks; a wrong line is a remark. Names begin with `prefix`.

    >>> parse_crontab("# Nightly backup\n30 4 * * * /srv/backup.sh\n").entries[0].name
    'nightly-backup'

    Raises:
        InvalidInput: the prefix can't begin a name.
    """
    check_name(f"{prefix}0", noun="schedule")
    reader = _Reader(system=system, prefix=prefix)
    for number, line in enumerate(text.split("\n"), start=1):
        reader.read(number, line.strip())
    return Crontab(tuple(reader.entries), (*reader.remarks, *reader.user_remarks()))


def split_input(text: str) -> tuple[str, str | None]:
    r"""Return the command, and what it reads from its standard input.

    >>> split_input(r"mail -s 100\% ann%Hello,%%all is well")
    ('mail -s 100% ann', 'Hello,\n\nall is well\n')
    """
    command, at, escaped = "", 0, False
    for at, character in enumerate(text):  # noqa: B007 - where it ended
        if escaped:
            command = command[:-1] + character if character in "%\\" else command + character
            escaped = False
        elif character == "%":
            break
        else:
            command += character
            escaped = character == "\\"
    else:
        return command, None
    fed = re.sub(r"(\\?)%", lambda found: "%" if found[1] else "\n", text[at + 1 :])
    return command, fed if fed.endswith("\n") or not fed else f"{fed}\n"


class _Reader:
    """What is known while the lines are read one after the other."""

    def __init__(self, *, system: bool, prefix: str) -> None:
        self.entries: list[Entry] = []
        self.remarks: list[Remark] = []
        self._system = system
        self._prefix = prefix
        self._env: dict[str, str] = {}
        self._shell = DEFAULT_SHELL
        self._cwd: str | None = None
        self._zone: str | None = None
        self._comments: list[str] = []

    def read(self, number: int, line: str) -> None:
        """Take in a line."""
        if line.startswith("#"):
            self._comments.append(line.lstrip("#").strip())
            return
        comment = self._comments[0] if len(self._comments) == 1 else None
        self._comments = []
        if not line:
            return
        try:
            assigned = _ENV.fullmatch(line)
            if assigned is not None:
                name = next(text for text in assigned.groups()[:3] if text is not None)
                self._assign(number, name, _unquote(assigned[4]))
            else:
                self._enter(number, line, comment)
        except InvalidInput as error:
            self.remarks.append(Remark(number, f"not kept: {error.message}", error.hint))

    def user_remarks(self) -> list[Remark]:
        """Return that the users of a system's crontab are not kept."""
        first: dict[str, int] = {}
        for entry in self.entries:
            if entry.user is not None:
                first.setdefault(entry.user, entry.line)
        return [
            Remark(line, f"the jobs of {quote(user)} run as the user of the agent that gets them", "run an agent as it")
            for user, line in first.items()
        ]

    def _assign(self, number: int, name: str, value: str) -> None:
        match name:
            case "MAILTO" | "MAILFROM":
                if value and name == "MAILTO":
                    text = f"no mail is sent to {quote(value)}"
                    self.remarks.append(
                        Remark(number, text, "`tq schedule history` shows how runs ended, `tq logs` why")
                    )
            case "LOGNAME":
                self.remarks.append(Remark(number, "LOGNAME is the agent's user; cron does not let it be set either"))
            case "CRON_TZ":
                find_zone(value)
                self._zone = value
            case _:
                check_env({name: value})
                self._env[name] = value
                self._assign_meaning(number, name, value)

    def _assign_meaning(self, number: int, name: str, value: str) -> None:
        """Take in what a variable means to cron itself."""
        match name:
            case "SHELL":
                self._shell = value or DEFAULT_SHELL
            case "HOME":
                self._cwd = value if value.startswith("/") else None
            case "TZ":
                text = "TZ is what the jobs see; it does not change when they run, nor does it with Debian's cron"
                self.remarks.append(Remark(number, text, "put CRON_TZ=… above the lines whose times it is to change"))
            case "RANDOM_DELAY":
                text = f"the jobs are not delayed at random, by up to {quote(value)} minutes"
                self.remarks.append(
                    Remark(number, text, "a schedule's jitter spreads them: `tq schedule add --jitter`")
                )
            case _:
                pass

    def _enter(self, number: int, line: str, comment: str | None) -> None:
        found = _TIMES.fullmatch(line)
        cron = parse_cron(found[1] if found is not None else line)
        rest, user = (found[2] if found is not None else None) or "", None
        if self._system:
            words = _WORD.fullmatch(rest)
            user, rest = (words[1], words[2] or "") if words is not None else (None, "")
        command, stdin = split_input(rest)
        command = command.strip()
        if not command:
            msg = "there is no command" if user is None else f"there is no command after the user {quote(user)}"
            raise InvalidInput(msg, hint="a line of a user's own crontab has no user" if user is not None else None)
        check_text((command,), noun="the command")
        if stdin is not None:
            check_text((stdin,), noun="the standard input")
        taken = [entry.name for entry in self.entries]
        entry = Entry(
            line=number,
            name=suggest_name(comment, command, taken, prefix=self._prefix),
            cron=cron.text,
            command=command,
            shell=self._shell,
            stdin=stdin,
            zone=self._zone,
            env=dict(self._env),
            cwd=self._cwd,
            user=user,
        )
        self.entries.append(entry)


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] in _QUOTES and value[0] == value[-1]:
        return value[1:-1]
    return value
