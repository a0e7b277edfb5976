"""Options that several commands have, each with a help of its own."""

from __future__ import annotations

from functools import partial

from tqcli.cli.parameter import Option
from tqcli.cli.value import whole_number
from tqcli.core.check import MAX_SLOTS
from tqcli.core.names import check_label, check_name


def queue_option(text: str) -> Option:
    """Return `--queue`; `text` is its help."""
    parse = partial(check_name, noun="queue")
    return Option("-q", "--queue", metavar="NAME", help=text, parse=parse, complete="queue")


def name_option(text: str) -> Option:
    """Return `--name`, what a job is called; `text` is its help."""
    return Option("-n", "--name", metavar="TEXT", help=text, parse=partial(check_label, noun="job's name"))


def slots_option() -> Option:
    """Return `--slots` of whatever starts an agent."""
    text = "how many jobs at once (one for each CPU)"
    return Option("-c", "--slots", metavar="N", help=text, parse=whole_number(1, MAX_SLOTS))
