"""`tq up`: a server and an agent in the background, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from tqcli.cli.common import slots_option
from tqcli.cli.parameter import Option
from tqcli.cli.value import checked
from tqcli.core.plural import count
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.plain import connect_plain, drive
from tqcli.jetstream.presence import Presence, read_agents
from tqcli.jetstream.subjects import Names
from tqcli.local.background import keep_local, local_status
from tqcli.local.logs import AGENT_LOG, last_error
from tqcli.local.start import parse_sync
from tqcli.settings.paths import state_dir
from tqcli.settings.target import choose_target

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.local.status import LocalStatus

_AGENT_S = 5.0
_PAUSE_S = 0.05


class _Up(msgspec.Struct):
    """What `--json` prints; `agent` and `slots` are None where no agent came in time."""

    server: str
    version: str
    sync: str
    pid: int
    agent: str | None
    slots: int | None
    new: bool


def up(
    tq: Invocation,
    *,
    sync: Annotated[
        str | None,
        Option(
            "--sync",
            metavar="always|D",
            help="how often the server syncs its disk (always)",
            parse=checked(parse_sync),
            complete="always",
        ),
    ] = None,
    slots: Annotated[int | None, slots_option()] = None,
) -> None:
    """Keep a server and an agent running in the background, on this machine, until `tq down`.

    Saying it twice changes nothing. The server listens on this machine alone, on a port and with a password of its
    own. With --sync 10s it is faster, and a power cut may cost what came in the last ten seconds.

    Examples:
        tq up
        tq up -c 8 --sync 10s
    """
    kept = keep_local(slots=slots, sync=sync)
    status = kept.status
    agent = drive(_wait_for_agent(status))
    if tq.output.json:
        name, its_slots = (agent.name, agent.slots) if agent else (None, None)
        shown = _Up(status.servers[0], status.version, status.sync, status.keeper_pid, name, its_slots, not kept.before)
        tq.output.document(shown)
        return
    state = "already up" if kept.before else "up"
    its = f"an agent with {count(agent.slots, 'slot')}" if agent else "its agent is still starting"
    tq.output.line(f"{state}: nats-server {status.version} at {status.servers[0]}, {its}")
    if agent is None and (why := last_error(state_dir(), AGENT_LOG)):
        tq.output.note(f"tq: its agent does not start: {why}")
    if slots not in {None, status.slots} or (sync is not None and parse_sync(sync) != status.sync):
        tq.output.note("it runs as it was; to change it: tq down, then tq up")
    target = choose_target(server=tq.globals.server, context=tq.globals.context)
    if target.context is not None:
        tq.output.note(f"{target.origin} chooses {target.key}, so commands go there; `--context local` is this one")


async def _wait_for_agent(status: LocalStatus) -> Presence | None:
    """Return the keeper's own agent once it is there; None where it takes too long."""
    link = connect_plain(status.endpoint)
    broker = Broker(link, Names(status.endpoint.namespace))
    try:
        for _ in range(int(_AGENT_S / _PAUSE_S)):
            pid = (local_status() or status).agent_pid
            for agent in await read_agents(broker):
                if agent.pid == pid:
                    return agent
            await link.sleep(_PAUSE_S)
        return None
    finally:
        await link.close()
