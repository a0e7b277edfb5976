"""`tq context`: the brokers that a user knows by name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tqcli.cli.output import has_typist
from tqcli.cli.parameter import Argument, Option
from tqcli.core.names import quote
from tqcli.errors import InvalidInput, NotFound, TqError
from tqcli.settings.context import LOCAL, Context, Login, build_context, show_context, to_endpoint
from tqcli.settings.contexts import add_context, load_contexts, remove_context, use_context

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.output import Output
    from tqcli.settings.contexts import Contexts

CHECK_S = 5.0
_LOGIN, _TLS = "Login", "TLS"

_Name = Annotated[str, Argument("NAME", help="the context", complete="context")]


class AddFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What `tq context add` takes besides the servers."""

    user: Annotated[
        str | None, Option("--user", metavar="USER", help="log in with a password, which is asked for", panel=_LOGIN)
    ] = None
    password: Annotated[
        str | None, Option("--password", metavar="TEXT", help="the password; others may see it here", panel=_LOGIN)
    ] = None
    token: Annotated[str | None, Option("--token", metavar="TEXT", help="log in with a token", panel=_LOGIN)] = None
    creds: Annotated[
        str | None,
        Option("--creds", metavar="FILE", help="log in with a credentials file", complete="file", panel=_LOGIN),
    ] = None
    nkey: Annotated[
        str | None, Option("--nkey", metavar="FILE", help="log in with an NKey seed", complete="file", panel=_LOGIN)
    ] = None
    tls_ca: Annotated[
        str | None, Option("--tls-ca", metavar="FILE", help="who signs the server", complete="file", panel=_TLS)
    ] = None
    tls_cert: Annotated[
        str | None, Option("--tls-cert", metavar="FILE", help="our certificate", complete="file", panel=_TLS)
    ] = None
    tls_key: Annotated[str | None, Option("--tls-key", metavar="FILE", help="its key", complete="file", panel=_TLS)] = (
        None
    )
    namespace: Annotated[str, Option("--namespace", metavar="NAME", help="a tq of its own on that broker (tq)")] = "tq"
    use: Annotated[bool, Option("--use", help="use it from now on")] = False
    replace: Annotated[bool, Option("--replace", help="replace the context of that name")] = False
    no_check: Annotated[bool, Option("--no-check", help="don't try to connect")] = False


def add(
    tq: Invocation,
    name: Annotated[str, Argument("NAME", help="what to call it")],
    flags: AddFlags,
    *,
    server: Annotated[
        list[str] | None, Option("--server", metavar="URL", help="a server that the name stands for; may be repeated")
    ] = None,
) -> None:
    """Name a broker. It is tried once; where it can't be reached, it is kept all the same, with a warning.

    The settings file is readable for you alone. Files are named, not copied.

    Examples:
        tq context add prod --server nats://nats.example --creds prod.creds --use
        tq context add lab --server tls://lab.example --user ann --tls-ca ca.pem
    """
    servers = server or ([tq.globals.server] if tq.globals.server else [])
    if not servers:
        msg = "a context needs a server"
        raise InvalidInput(msg, hint=f"tq context add {quote(name)} --server nats://broker.example:4222")
    context = build_context(name, servers, _ask_password(_read_login(flags)), namespace=flags.namespace)
    contexts = add_context(context, use=flags.use, replace=flags.replace)
    if not flags.no_check:
        _check(context, tq.output)
    if tq.output.json:
        tq.output.document(_document(context, contexts))
        return
    tq.output.line(f"context {name} {'added, and in use' if contexts.current == name else 'added'}")
    if contexts.current != name:
        tq.output.note(f"`tq context use {name}` makes it the one in use")


def ls(tq: Invocation) -> None:
    """List the contexts; the one in use is marked.

    Examples:
        tq context ls
    """
    contexts = load_contexts()
    if tq.output.json:
        tq.output.document([_local_document(contexts), *(_document(one, contexts) for one in contexts.table.values())])
        return
    from tqcli.cli.render.context import LIST, list_rows  # noqa: PLC0415 - JSON needs no table

    tq.output.table(LIST, list_rows(contexts))


def use(tq: Invocation, name: _Name) -> None:
    """Use a context from now on; `local` is tq's own broker on this machine.

    Examples:
        tq context use prod
        tq context use local
    """
    contexts = use_context(name)
    if tq.output.json:
        tq.output.document({"current": contexts.current or LOCAL})
    else:
        tq.output.line(f"context {contexts.current or LOCAL} is in use")


def show(
    tq: Invocation,
    name: Annotated[str | None, Argument("NAME", help="the context (the one in use)", complete="context")] = None,
) -> None:
    """Show a context, without its secrets.

    Examples:
        tq context show prod
    """
    contexts = load_contexts()
    wanted = name or contexts.current or LOCAL
    if wanted == LOCAL:
        _show_local(tq.output, contexts)
        return
    context = _find(contexts, wanted)
    if tq.output.json:
        tq.output.document(_document(context, contexts))
        return
    from tqcli.cli.render.context import context_lines  # noqa: PLC0415 - JSON needs none of it

    tq.output.lines(context_lines(context))


def rm(tq: Invocation, name: _Name) -> None:
    """Forget a context; nothing changes at its broker.

    Examples:
        tq context rm lab
    """
    was_current = load_contexts().current == name
    remove_context(name)
    if tq.output.json:
        tq.output.document({"removed": name})
        return
    tq.output.line(f"context {name} removed")
    if was_current:
        tq.output.note("it was in use; commands now go to tq's own broker on this machine")


def _read_login(flags: AddFlags) -> Login:
    return Login(**{field: getattr(flags, field) for field in Login.__struct_fields__})


def _ask_password(login: Login) -> Login:
    if login.user is None or login.password is not None:
        return login
    if not has_typist():
        msg = f"there is no terminal to ask for the password of {quote(login.user)} on"
        raise InvalidInput(msg, hint="give it with --password TEXT, or as --server nats://USER:PASSWORD@HOST")
    from getpass import getpass  # noqa: PLC0415 - only where a person types it

    return msgspec.structs.replace(login, password=getpass(f"Password of {login.user}: ", stream=sys.stderr))


def _check(context: Context, output: Output) -> None:
    """Try to connect; a laptop may be offline, so a failure is only told."""
    from tqcli.jetstream.plain import connect_plain, drive  # noqa: PLC0415 - the other commands need no broker

    try:
        drive(connect_plain(to_endpoint(context), timeout_s=CHECK_S).close())
    except TqError as error:
        output.note(f"warning: {error.message}")
        if error.hint:
            output.note(f"hint: {error.hint}")


def _find(contexts: Contexts, name: str) -> Context:
    if name in contexts.table:
        return contexts.table[name]
    from tqcli.core.nearest import nearest  # noqa: PLC0415 - only a mistake needs it

    near = nearest(name, contexts.table)
    msg = f"there is no context {quote(name)}"
    raise NotFound(msg, hint=f"did you mean {near!r}?" if near else "`tq context ls` lists them")


def _show_local(output: Output, contexts: Contexts) -> None:
    document = _local_document(contexts)
    if output.json:
        output.document(document)
    else:
        where = f"runs at {document['servers'][0]}" if document["servers"] else "starts when a command needs it"
        output.line(f"{LOCAL}: tq's own broker on this machine, which {where}")


def _local_document(contexts: Contexts) -> dict[str, Any]:
    from tqcli.local.background import local_status  # noqa: PLC0415 - the other commands need no broker

    status = local_status()
    return {"name": LOCAL, "servers": status.servers if status else [], "current": contexts.current is None}


def _document(context: Context, contexts: Contexts) -> dict[str, object]:
    return show_context(context) | {"current": contexts.current == context.name}
