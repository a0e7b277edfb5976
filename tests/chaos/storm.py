"""The storm: traffic and faults for some time, then calm, then judgement."""

from __future__ import annotations

import time
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from tests.chaos.faults import NAMES, Fault, Undo, Weather, make_plan
from tests.chaos.judge import Evidence, Verdict, judge
from tests.chaos.plans import Plans
from tests.chaos.traffic import Traffic
from tests.chaos.watch import PATIENCE_S, Watch
from tests.chaos.world import World, pause
from tests.integration.agent.test_attempts import printed
from tqcli.core.codec import decode_spec
from tqcli.errors import TqError
from tqcli.jetstream.logs import STDOUT
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tqcli.core.record import Record

HOSTS = 3
SLOTS = 4
QUIET_S = 90.0
"""How long jobs have to end once everything is up again; what has not by then is lost."""

LEAVE_S = 20.0


def rage(folder: Path, *, seed: int, seconds: float, say: Callable[[str], None]) -> Verdict:
    """Let a storm of so many seconds pass, and return the verdict. `say` gets a line for each thing that happens."""
    with World(folder, hosts=HOSTS, slots=SLOTS) as world:
        weather, traffic, watch = Weather(), Traffic(world, seed), Watch(world)
        watch.start()
        traffic.start()
        plans = Plans(world, seconds)
        plans.define()
        plan = make_plan(seed, hosts=HOSTS, seconds=seconds)
        begin = time.monotonic()
        try:
            _act_out(world, plan, weather, lambda text: say(f"{time.monotonic() - begin:7.1f} s  {text}"))
        finally:
            traffic.stop()
        say(f"{time.monotonic() - begin:7.1f} s  calm")
        pause(QUIET_S, lambda: _is_quiet(world, traffic, plans))
        pause(PATIENCE_S + 2)
        verdict = judge(
            Evidence(
                receipts=traffic.receipts,
                runs=world.ledger.read(),
                history={name: records for name, records in world.history.read().items() if not _is_planned(records)},
                deaths=world.deaths,
                weather=weather,
                load_printed=lambda receipt, attempt: len(printed(world.stage, receipt.spec, STDOUT, attempt)),
            )
        )
        _add_plans(verdict, plans)
        watch.stop()
        verdict.left_over += watch.left_over.values()
        verdict.left_over += _leave(world)
        say(f"{time.monotonic() - begin:7.1f} s  over")
    return verdict


def _act_out(world: World, plan: list[Fault], weather: Weather, say: Callable[[str], None]) -> None:
    """Do what the plan says, each fault as long as it lasts."""
    begin = time.monotonic()
    under_way: list[tuple[float, int, str, Undo]] = []
    order = count()

    def wait_until(moment: float) -> None:
        while under_way and under_way[0][0] <= moment:
            at, _, text, undo = heappop(under_way)
            pause(at - (time.monotonic() - begin))
            undo()
            say(f"end of: {text}")
        pause(moment - (time.monotonic() - begin))

    for fault in plan:
        wait_until(fault.at)
        say(str(fault))
        end_weather = weather.begin()
        undo = NAMES[fault.name].act(world, world.hosts[fault.host], fault.number)
        if undo is None:
            end_weather()
            continue

        def restore(undo: Undo = undo, end_weather: Undo = end_weather) -> None:
            undo()
            end_weather()

        heappush(under_way, (fault.at + fault.seconds, next(order), str(fault), restore))
    wait_until(max((fault.at + fault.seconds for fault in plan), default=0.0))


def _is_planned(records: list[Record]) -> bool:
    """Return whether a schedule submitted the job."""
    return decode_spec(bytes(records[-1].spec)).schedule is not None


def _add_plans(verdict: Verdict, plans: Plans) -> None:
    """Put into the verdict what became of planned times."""
    outcome = plans.judge()
    verdict.planned, verdict.missed = outcome.planned, outcome.missed
    verdict.doubled += outcome.doubled
    if late_s := outcome.late_s:
        verdict.half_s, verdict.most_s = late_s[len(late_s) // 2], late_s[len(late_s) * 99 // 100]


def _is_quiet(world: World, traffic: Traffic, plans: Plans) -> bool:
    """Return whether no job waits or runs, and the history knows all ends."""
    stage = world.stage
    try:
        waiting = sum(
            stage.run(stream_state(stage.link, name))["messages"] for name in (stage.names.jobs, stage.names.timers)
        )
        return bool(traffic.receipts) and not waiting and plans.are_over() and world.history.is_complete()
    except TqError:
        return False


def _leave(world: World) -> list[str]:
    """Drain all agents; return what is left of them."""
    world.stop_keeping()
    codes = {host.agent: host.leave(LEAVE_S) for host in world.hosts}
    left = [f"agent {agent} left with {code}" for agent, code in codes.items() if code]
    pause(PATIENCE_S, lambda: not world.find_marked())
    return left + [f"process {line}" for line in world.find_marked()]
