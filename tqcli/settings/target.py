"""The target of a command: which broker, and who said so. Flag > environment > file > local."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from tqcli.errors import InvalidInput, SettingsError
from tqcli.settings.context import LOCAL, Context, build_anonymous, to_endpoint
from tqcli.settings.contexts import FILE, find_context, load_contexts

if TYPE_CHECKING:
    from tqcli.core.endpoint import Endpoint

SERVER_VARIABLE = "TQ_SERVER"
CONTEXT_VARIABLE = "TQ_CONTEXT"


class Target(msgspec.Struct, frozen=True):
    """A broker (`context` None: the local one), and `origin`: the flag, variable or file that chose it, or "local"."""

    context: Context | None
    origin: str

    @property
    def key(self) -> str:
        """What tells this broker from others, in words: the context's name, a server's URL, or "local"."""
        return LOCAL if self.context is None else self.context.name

    @property
    def login_hint(self) -> str:
        """Where the credentials come from: what to look at when the broker refuses them."""
        if self.context is None:
            return "`tq down` and `tq up` give tq's own broker a new password"
        if self.context.name in self.context.servers:
            return f"they are those in the URL of {self.origin}: nats://USER:PASSWORD@HOST"
        return (
            f"`tq context show {self.context.name}` tells which they are, `tq context add` with --replace changes them"
        )

    @property
    def endpoint(self) -> Endpoint | None:
        """What a link needs; None for the local broker, whose `local.hold` has it."""
        return None if self.context is None else to_endpoint(self.context)


def choose_target(*, server: str | None = None, context: str | None = None) -> Target:
    """Return the broker to talk to: as the flags say, else the environment, else the settings file, else the local one.

    Raises:
        InvalidInput: both flags are given, or `--server` is no URL.
        SettingsError: a variable or the file is wrong, or names a context that does not exist.
    """
    if server is not None and context is not None:
        msg = "--server and --context name two brokers"
        raise InvalidInput(msg, hint="give one of them")
    if server is not None:
        return Target(build_anonymous(server), "--server")
    if context is not None:
        return _named(context, "--context")
    return _from_environment() or _from_file()


def _from_environment() -> Target | None:
    server, context = os.environ.get(SERVER_VARIABLE), os.environ.get(CONTEXT_VARIABLE)
    if server and context:
        msg = f"{SERVER_VARIABLE} and {CONTEXT_VARIABLE} name two brokers"
        raise SettingsError(msg, hint="unset one of them")
    if context:
        return _named(context, CONTEXT_VARIABLE)
    if not server:
        return None
    try:
        return Target(build_anonymous(server), SERVER_VARIABLE)
    except InvalidInput as error:
        msg = f"{SERVER_VARIABLE} is wrong: {error.message}"
        raise SettingsError(msg, hint=error.hint) from error


def _named(name: str, source: str) -> Target:
    if name == LOCAL:
        return Target(None, source)
    return Target(find_context(load_contexts(), name, source=source), source)


def _from_file() -> Target:
    contexts = load_contexts()
    if contexts.current is None:
        return Target(None, LOCAL)
    return Target(find_context(contexts, contexts.current, source=FILE), FILE)
