"""Waiting until jobs have ended.

One job is waited for with a subscription, so its end is known at once and waiting costs the broker nothing. Of several,
or of a group, only the records that are new are read, the less often the longer it takes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tqcli.client.hints import LOOK_AGAIN_S, confirm, is_final, is_hint
from tqcli.client.watch import JobWatch, Tally, open_watch, refresh

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from tqcli.client.watch import GroupWatch
    from tqcli.core.ids import JobId
    from tqcli.jetstream.broker import Broker

    OnProgress = Callable[[Tally], None]

_SHORTEST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 1.0
_SHARE = 0.025
"""A group's end is noticed late by at most this share of the time that was waited for it."""


async def wait_for(
    broker: Broker,
    ids: Sequence[JobId],
    *,
    any_: bool = False,
    within: timedelta | None = None,
    on_progress: OnProgress | None = None,
) -> list[JobWatch | GroupWatch]:
    """Return the ids' watches once all of them (with `any_`, one) are over, or `within` has passed.

    Raises:
        NotFound: there is no such job or group, or it went away.
        Unavailable: the broker did, for longer than the link has patience.
    """
    started = time.monotonic()
    deadline = None if within is None else started + within.total_seconds()
    watches = [await open_watch(broker, job_id) for job_id in dict.fromkeys(ids)]
    enough = any if any_ else all

    def is_done() -> bool:
        if on_progress is not None:
            on_progress(_add(watches))
        return enough(watch.is_over for watch in watches)

    if is_done():
        return watches
    match watches:
        case [JobWatch() as watch]:
            await _wait_for_one(broker, watch, deadline)
            is_done()
        case _:
            await _poll(broker, watches, is_done, started, deadline)
    return watches


async def _wait_for_one(broker: Broker, watch: JobWatch, deadline: float | None) -> None:
    job = watch.job
    news = await broker.link.subscribe(broker.names.record(job.group, job.index or 0))
    try:
        await watch.check()  # it may have ended before we listened
        while not watch.is_over:
            left_s = LOOK_AGAIN_S if deadline is None else min(LOOK_AGAIN_S, deadline - time.monotonic())
            if left_s <= 0:
                return
            message = await news.next(max(0.0, min(left_s, watch.until_late_s)))
            if message is None:
                await watch.check()
            elif is_hint(message.body, is_final):
                record = await confirm(broker, watch.id, is_final)
                if record is not None:
                    watch.take(record)
    finally:
        await news.close()


async def _poll(
    broker: Broker,
    watches: Sequence[JobWatch | GroupWatch],
    is_done: Callable[[], bool],
    started: float,
    deadline: float | None,
) -> None:
    checked = started
    while not is_done():
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return
        pause_s = min(max((now - started) * _SHARE, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
        await broker.link.sleep(pause_s if deadline is None else min(pause_s, deadline - now))
        alive = [watch for watch in watches if not watch.is_over]
        await refresh(broker, alive)
        is_time = time.monotonic() - checked >= LOOK_AGAIN_S
        if is_time:
            checked = time.monotonic()
        for watch in alive:
            if is_time or watch.until_late_s < 0:
                await watch.check()


def _add(watches: Sequence[JobWatch | GroupWatch]) -> Tally:
    tallies = [watch.tally for watch in watches]
    return Tally(*(sum(column) for column in zip(*tallies, strict=True)))
