"""Is the server there, new enough, quick, and does its clock agree with ours?"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tqcli.client.doctor.finding import Finding, fail, warn, well
from tqcli.core.duration import humanize
from tqcli.errors import NotFound
from tqcli.jetstream.api import call

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

ADVISED = (2, 15, 1)
"""28 security advisories of 2026 are mended in it (H43)."""

SLOW_S = 0.5
SKEW_WARNING_S, SKEW_ERROR_S = 1.0, 30.0
"""Leases don't depend on clocks; `--expires`, retries and the times on the screen do (H39)."""


async def check(broker: Broker) -> list[Finding]:
    """Return what there is to say about the server."""
    started = time.monotonic()
    await call(broker.link, "INFO")
    took_s = time.monotonic() - started
    return [_judge_version(broker), _judge_speed(took_s), *await _check_clock(broker)]


def _judge_version(broker: Broker) -> Finding:
    info = broker.link.server
    text = f"nats-server {info.version} ({info.name}) at {info.url}"
    if tuple(map(int, re.findall(r"\d+", info.version)[:3])) < ADVISED:
        return warn("server", text, f"bring it to {'.'.join(map(str, ADVISED))} or newer, for its security fixes")
    return well("server", text)


def _judge_speed(took_s: float) -> Finding:
    text = f"it answers in {took_s * 1000:.1f} ms"
    if took_s > SLOW_S:
        return warn("server", text, "look at its load, its disk and the network between")
    return well("server", text)


async def _check_clock(broker: Broker) -> list[Finding]:
    """Compare clocks by an answer of JetStream that carries the server's time."""
    before = datetime.now(UTC)
    try:
        answer = await call(broker.link, f"STREAM.INFO.{broker.names.jobs}")
    except NotFound:
        return []  # nobody has used it yet; `storage` says so
    after = datetime.now(UTC)
    return [judge_clock("the server's clock", datetime.fromisoformat(answer["ts"]), before, after)]


def judge_clock(whose: str, shown: datetime, before: datetime, after: datetime) -> Finding:
    """Judge a clock that showed `shown` at some time between `before` and `after`."""
    skew = max(shown - after, before - shown)
    if skew.total_seconds() <= SKEW_WARNING_S:
        return well("clock", f"{whose} agrees with this host's")
    text = f"{whose} is {humanize(skew)} {'ahead of' if shown > after else 'behind'} this host's"
    hint = "let both hosts set their clocks by NTP: --expires and retries go by them"
    return (fail if skew.total_seconds() > SKEW_ERROR_S else warn)("clock", text, hint)
