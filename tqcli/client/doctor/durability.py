"""Does an accepted job outlive a power cut?

One copy of it does where the server syncs each message to its disk before it answers, which a server tells only at its
monitoring port; three copies on three servers do anyway (H27).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec

from tqcli.client.doctor.finding import Finding, fail, unknown, warn, well
from tqcli.client.doctor.storage import SAFE_COPIES
from tqcli.errors import NotFound
from tqcli.jetstream.api import call

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

ALWAYS = "always"
TIMEOUT_S = 3.0
SYNC_ALWAYS = (
    "put `sync_interval: always` into the jetstream block of the server's configuration; tq stays fast with it"
)


async def check(broker: Broker, *, sync: str | None, monitor: str | None) -> list[Finding]:
    """Return what there is to say. `sync` is known of a local server; `monitor` is the URL of a monitoring port."""
    if monitor is not None:
        return _ask_monitor(monitor.rstrip("/"))
    if sync is not None:
        return [_judge_local(sync)]
    copies = await _count_copies(broker)
    if copies >= SAFE_COPIES:
        return [well("durability", f"each message has {copies} copies; let them be in rooms that don't fail together")]
    hint = "say where its monitoring port is: tq doctor --monitor http://HOST:8222"
    return [unknown("durability", "whether the server syncs each message can't be read", hint)]


async def _count_copies(broker: Broker) -> int:
    try:
        info = await call(broker.link, f"STREAM.INFO.{broker.names.jobs}")
    except NotFound:
        return 1
    copies: int = info["config"]["num_replicas"]
    return copies


def _judge_local(sync: str) -> Finding:
    if sync == ALWAYS:
        return well("durability", "the local server syncs each message before it answers")
    text = f"the local server syncs its disk every {sync}: a power cut may take jobs that were accepted"
    return warn("durability", text, "tq down, then tq up without --sync")


def _ask_monitor(url: str) -> list[Finding]:
    health, storage = _fetch(f"{url}/healthz"), _fetch(f"{url}/jsz")
    if health is None or storage is None:
        return [
            unknown("durability", f"nothing can be read at {url}", "is it the server's `http` port, and open to us?")
        ]
    found = []
    if health.get("status") != "ok":
        text = f"the server calls itself unhealthy: {health.get('error', health)}"
        found.append(fail("health", text, "where its disk was full: make room, then restart it, which alone ends it"))
    if (storage.get("config") or {}).get("sync_always"):
        return [*found, well("durability", "the server syncs each message before it answers")]
    text = "the server answers before it has synced: a power cut may take jobs that were accepted"
    return [*found, fail("durability", text, SYNC_ALWAYS)]


def _fetch(url: str) -> dict[str, Any] | None:
    """Return the JSON at a monitoring URL, also that of a server that says it is ill; None where there is none."""
    try:
        with urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the user's own URL
            body = answer.read()
    except HTTPError as error:
        body = error.read()
    except OSError:
        return None
    try:
        found: dict[str, Any] = msgspec.json.decode(body, type=dict)
    except msgspec.DecodeError:
        return None
    return found
