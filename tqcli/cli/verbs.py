"""The commands of tq, by name: what `tq -h` and completion show without importing any of them.

`tq logs` is the function `logs` in `tqcli.cli.commands.logs`; `tq queue ls` is the function `ls` in
`tqcli.cli.commands.queue`. A module is imported when its command runs, or shows its own help.
"""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Verb(NamedTuple):
    """One command. With `verbs` it has commands of its own; `alone`, it also is one without them.

    A command's own help has its examples; `examples` are those of one that is none without a command of its own.
    """

    name: str
    panel: str
    help: str
    verbs: tuple[tuple[str, str], ...] = ()
    alone: bool = False
    examples: tuple[str, ...] = ()


PROGRAM = "tq"
HELP = "help"
"""`tq help WORD…` is `tq WORD… -h`, as with git."""

COMPLETE = "__complete"
"""What completion scripts call; see `completion`."""

_JOBS, _SCHEDULES, _QUEUES, _SETUP = "Jobs", "Schedules", "Queues and agents", "Setup"

VERBS = {
    verb.name: verb
    for verb in (
        Verb("run", _JOBS, "Run a command as a job, and end as it ends"),
        Verb("submit", _JOBS, "Submit a job, or many, and print the id"),
        Verb("status", _JOBS, "Show everything on one screen, or one job"),
        Verb("ls", _JOBS, "List recent jobs, newest first"),
        Verb("logs", _JOBS, "Show what a job printed"),
        Verb("wait", _JOBS, "Wait until jobs have ended"),
        Verb("result", _JOBS, "Print what a Python job returned, as JSON"),
        Verb("start", _JOBS, "Let jobs go now that wait for their time or a retry"),
        Verb("cancel", _JOBS, "End jobs, wherever they are"),
        Verb("retry", _JOBS, "Run finished jobs again"),
        Verb(
            "schedule",
            _SCHEDULES,
            "Submit jobs again and again, by name",
            (
                ("add", "Add a schedule, or change one"),
                ("ls", "List the schedules"),
                ("show", "Show one: its runs, past and to come"),
                ("next", "Preview when one runs, or what a cron expression means"),
                ("pause", "Start no more runs of one"),
                ("resume", "Let it go on"),
                ("run", "Run its job now"),
                ("history", "Show what ran, and what was skipped and why"),
                ("rm", "Remove one"),
                ("backfill", "Run what was planned in the past"),
                ("apply", "Declare them in TOML files, and show what changes"),
            ),
            examples=(
                "tq schedule add nightly --cron '30 4 * * *' -- ./backup.sh",
                "tq schedule next --cron '30 4 * * mon-fri' -n 10",
                "tq schedule ls",
            ),
        ),
        Verb(
            "cron",
            _SCHEDULES,
            "Bring a crontab over",
            (("import", "Make schedules of its entries, and say what can't be kept"),),
            examples=("tq cron import --dry-run", "tq cron import /etc/cron.d/backup --system"),
        ),
        Verb("agent", _QUEUES, "Run an agent in the foreground"),
        Verb(
            "agents",
            _QUEUES,
            "Show the agents and what they run",
            (("drain", "Let an agent finish what it runs, and leave"),),
            alone=True,
        ),
        Verb(
            "queue",
            _QUEUES,
            "List queues; add, pause, limit, empty or remove them",
            (
                ("ls", "List the queues"),
                ("add", "Add a queue"),
                ("rm", "Remove a queue that has no jobs"),
                ("pause", "Start no more jobs of a queue"),
                ("resume", "Start its jobs again"),
                ("limit", "Limit how many of its jobs run at once"),
                ("purge", "Cancel all its waiting jobs"),
            ),
            examples=("tq queue ls", "tq queue limit licences 2", "tq queue pause gpu --for 2h"),
        ),
        Verb("init", _SETUP, "Make the streams, with copies in a cluster"),
        Verb("doctor", _SETUP, "Look at all that jobs depend on, and say what to do"),
        Verb("up", _SETUP, "Start a server and an agent in the background, on this machine"),
        Verb("down", _SETUP, "Stop them"),
        Verb(
            "context",
            _SETUP,
            "Name the brokers that you use",
            (
                ("add", "Name a broker"),
                ("ls", "List the contexts"),
                ("use", "Choose the one to use from now on"),
                ("show", "Show one, without its secrets"),
                ("rm", "Forget one"),
            ),
            examples=("tq context add prod --server nats://nats.example --use", "tq context ls"),
        ),
    )
}


def load_command(verb: str, own: str | None = None) -> Callable[..., object]:
    """Return the function of a command, importing its module; `import_` is that of `import`, a word of Python's."""
    name = own or verb
    module = import_module(f"tqcli.cli.commands.{verb}")
    function: Callable[..., object] = getattr(module, f"{name}_" if iskeyword(name) else name)
    return function
