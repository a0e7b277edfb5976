"""A session: one command's connection with its broker."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tqcli.core.ids import JobId, parse_job_id
from tqcli.core.names import quote
from tqcli.errors import InvalidInput
from tqcli.jetstream.admission import Gone, LoginRefused
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.plain import PlainLink, connect_plain, drive
from tqcli.jetstream.subjects import Names
from tqcli.settings.target import choose_target

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from tqcli.cli.globals import Globals
    from tqcli.core.endpoint import Endpoint
    from tqcli.local.hold import LocalHold
    from tqcli.settings.target import Target

LAST = "@last"
_GONE_S = 10.0
"""How long somebody may take to start the local broker again before those who wait for its jobs end."""

_T = TypeVar("_T")


class Session:
    """A broker, and what this user did on it last. `key` names the broker in the files that remember it."""

    def __init__(self, link: PlainLink, endpoint: Endpoint, *, key: str) -> None:
        """Use `link`, which is connected to `endpoint`."""
        self.link = link
        self.endpoint = endpoint
        self.broker = Broker(link, Names(endpoint.namespace))
        self.key = key

    def run(self, work: Coroutine[object, object, _T]) -> _T:
        """Return what `work` returns: on a plain link nothing in it suspends."""
        return drive(work)

    def ids(self, words: Sequence[str]) -> list[JobId]:
        """Return the ids that a user typed, each once; `@last`, also where none was, is the job submitted last.

        Raises:
            InvalidInput: a word is no id, or nothing was submitted from here yet.
        """
        return list(dict.fromkeys(self._read_id(word) for word in (words or [LAST])))

    def remember(self, job: JobId) -> None:
        """Make `job` the one that `@last` means."""
        from tqcli.settings.last import remember_last  # noqa: PLC0415 - only submitters need it

        remember_last(self.key, str(job))

    def _read_id(self, word: str) -> JobId:
        if word == LAST:
            return self._last()
        if word.startswith("@"):
            msg = f"{quote(word)} is not a job id"
            raise InvalidInput(msg, hint=f"did you mean {LAST}, the job submitted last?")
        return parse_job_id(word)

    def _last(self) -> JobId:
        from tqcli.settings.last import recall_last  # noqa: PLC0415 - only `@last` needs it

        text = recall_last(self.key)
        if text is None:
            msg = "no job was submitted from here yet, so @last is none"
            raise InvalidInput(msg, hint="give a job's id (`tq ls` lists them), or try: tq run -- echo hello")
        return parse_job_id(text)


@contextmanager
def open_session(globals_: Globals, *, agent: bool = False) -> Iterator[Session]:
    """Connect to the broker that the options, the environment or the settings choose; without any, to the local one.

    Raises:
        SettingsError: the choice is wrong; the message names where it came from.
        Unavailable: nothing answers.
    """
    target = choose_target(server=globals_.server, context=globals_.context)
    if target.endpoint is not None:
        yield from _connected(target, target.endpoint)
        return
    from tqcli.local.hold import hold_local  # noqa: PLC0415 - a fleet's users never need it

    with hold_local(agent=agent) as hold:
        yield from _connected(target, hold.endpoint, locate=partial(_locate, hold))


def _locate(hold: LocalHold) -> Endpoint:
    """Return where the local broker is now: the next keeper has another port, and another password."""
    status = hold.look_again()
    if status is None:
        msg = "the local broker has ended"
        raise Gone(msg, hint="`tq up` starts it again; its jobs are kept, and go on then")
    return status.endpoint


def _connected(
    target: Target, endpoint: Endpoint, *, locate: Callable[[], Endpoint] | None = None
) -> Iterator[Session]:
    try:
        link = connect_plain(endpoint)
    except LoginRefused as error:
        raise LoginRefused(error.message, hint=target.login_hint) from error
    if locate is not None:
        link.locate_by(locate, gone_s=_GONE_S)
    try:
        yield Session(link, endpoint, key=target.key)
    finally:
        drive(link.close())
