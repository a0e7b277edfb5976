"""Planned times under the rule `both`, compared with nats-server's own cron.

A message with `Nats-Schedule` fires within seconds, and what fires says in `Nats-Schedule-Next` when the server thinks
it is next. What the server means by an expression differs from crontab(5) in known places, which are left out here:
`*/2` in a day field counts as a field without `*`, there is no 7 for Sunday, no L, W, #, and no time that is farther
away than five years. Where clocks are changed, server 2.15.1 misses times that do exist:

- the whole day whose midnight does not (Havana on 14 March 2027);
- what is left of the hour after a change of half an hour (Lord Howe).
"""

from __future__ import annotations

import base64
import re
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from tests.support.eventually import eventually
from tests.unit.core.schedules.crons import ZONES, Matcher
from tqcli.core.schedules.rule import CronRule, last_until, next_after
from tqcli.jetstream.api import check_ack
from tqcli.jetstream.plain import connect_plain, drive

if TYPE_CHECKING:
    from tests.support.server import NatsServer
    from tqcli.jetstream.link import Link, Message

SCHEDULES = 400
SOON = timedelta(seconds=2)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FIRED_S = 30.0

_STREAM = {
    "name": "CRON",
    "subjects": ["cron.>"],
    "storage": "memory",
    "retention": "limits",
    "allow_msg_schedules": True,
    "allow_rollup_hdrs": True,
    "max_msgs_per_subject": 1,
}
_NEXT = re.compile(r"Nats-Schedule-Next: *(\S+)")


def random_list(random: Random, value: int, low: int, high: int, *, star: bool) -> str:
    """Return a field that `value` matches."""
    match random.randrange(6 if star else 4):
        case 0:
            return str(value)
        case 1:
            return f"{random.randint(low, value)}-{random.randint(value, high)}"
        case 2 | 3:
            return ",".join({str(value), str(random.randint(low, high)), str(random.randint(low, high))})
        case 4:
            step = random.choice([step for step in range(1, high + 1) if (value - low) % step == 0])
            return f"*/{step}"
        case _:
            return "*"


def random_expression(random: Random, local: datetime, change: datetime | None) -> str:
    """Return an expression that `local` matches, at most once a minute; perhaps one near a change of clocks."""
    if change is not None and random.random() < 0.5:
        near = change + timedelta(minutes=random.randint(-90, 90))
        return (
            f"{local.second} {local.minute},{min(near.minute, local.minute)} {local.hour},{near.hour} "
            f"{local.day},{near.day} {local.month},{near.month} *"
        )
    minute = random_list(random, local.minute, 0, 59, star=True)
    hour = random_list(random, local.hour, 0, 23, star=True)
    day = random.choice(("*", random_list(random, local.day, 1, 28 if local.day < 28 else 31, star=False)))
    month = random.choice(("*", random_list(random, local.month, 1, 12, star=True)))
    weekday = random.choice(("*", random_list(random, local.isoweekday() % 7, 0, 6, star=False)))
    return f"{local.second} {minute} {hour} {day} {month} {weekday}"


def next_change(zone: str, now: datetime) -> datetime | None:
    """Return what the zone's clocks will show when they are next changed, within 400 days."""
    info = ZoneInfo(zone)
    day = now.replace(minute=0, second=0, microsecond=0)
    for _ in range(400):
        if has_change(info, day, day + DAY):
            return next(
                (day + (count + 1) * HOUR).astimezone(info).replace(tzinfo=None)
                for count in range(24)
                if has_change(info, day + count * HOUR, day + (count + 1) * HOUR)
            )
        day += DAY
    return None


def has_change(zone: ZoneInfo, start: datetime, end: datetime) -> bool:
    """Return whether the clocks show another offset at the end."""
    return start.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset()


def ask(link: Link, subject: str, body: bytes, headers: dict[str, str] | None = None) -> Message:
    """Return the answer to a request."""

    async def post() -> Message:
        return await link.post(subject, body, headers=headers)

    return drive(post())


def post_schedules(link: Link, seed: int) -> dict[int, CronRule]:
    """Store schedules that fire soon; return the rules of those that were stored in time, by number."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    now = datetime.now(UTC)
    changes = {zone: next_change(zone, now) for zone in ZONES}
    rules = {}
    for number in range(SCHEDULES):
        zone = ZONES[number % len(ZONES)]
        at = datetime.now(UTC).replace(microsecond=0) + SOON
        local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        rule = CronRule(random_expression(random, local, changes[zone]), zone, "both")
        headers = {
            "Nats-Schedule": rule.expression,
            "Nats-Schedule-Time-Zone": rule.tz,
            "Nats-Schedule-Target": f"cron.fire.{number}",
        }
        check_ack(ask(link, f"cron.set.{number}", b"", headers), str(rule))
        if datetime.now(UTC) < at:
            rules[number] = rule
    return rules


def read_firing(link: Link, number: int) -> list[tuple[datetime, datetime]]:
    """Return when a schedule has fired, and when the server thinks that it is next; nothing: not yet."""
    body = msgspec.json.encode({"last_by_subj": f"cron.fire.{number}"})
    answer = msgspec.json.decode(ask(link, "$JS.API.STREAM.MSG.GET.CRON", body).body)
    if "message" not in answer:
        return []
    message = answer["message"]
    found = _NEXT.search(base64.b64decode(message["hdrs"]).decode())
    assert found is not None
    # Python reads microseconds, the server writes nanoseconds.
    fired_at = datetime.fromisoformat(message["time"][:19]).replace(tzinfo=UTC)
    return [(fired_at, datetime.fromisoformat(found[1]).astimezone(UTC))]


def is_server_wrong(rule: CronRule, ours: datetime, theirs: datetime) -> bool:
    """Return whether the server missed a match, or took for one what is none, near a change of the clocks."""
    match, zone = Matcher(rule.expression), ZoneInfo(rule.tz)
    true, claimed = (moment.astimezone(zone) for moment in (ours, theirs))
    is_match = match.day(claimed.date()) and claimed.hour in match.hours and claimed.minute in match.minutes
    changed = has_change(zone, min(ours, theirs) - DAY, min(ours, theirs) + DAY)
    ours_match = match.day(true.date()) and true.hour in match.hours and true.minute in match.minutes
    return changed and ours_match and (ours < theirs or not is_match)


def test_nats_server_agrees(fresh_server: NatsServer) -> None:
    """The next time is the server's, except for those that the server misses where clocks are changed."""
    link = connect_plain(fresh_server.endpoint)
    ask(link, "$JS.API.STREAM.CREATE.CRON", msgspec.json.encode(_STREAM))
    seed = int(datetime.now(UTC).timestamp())
    rules = post_schedules(link, seed)
    wrong, agreed, excused = [], 0, 0
    for number, rule in rules.items():
        [(fired_at, theirs)] = eventually(partial(read_firing, link, number), FIRED_S)
        ours = next_after(rule, last_until(rule, fired_at) or fired_at)
        assert ours is not None
        if ours == theirs:
            agreed += 1
        elif is_server_wrong(rule, ours, theirs):
            excused += 1
        else:
            wrong.append((rule, ours, theirs))
    drive(link.close())
    sys.stdout.write(f"nats-server: {agreed} of {len(rules)} agree, and it is wrong in {excused}; seed {seed}\n")
    assert wrong == []
    assert agreed > SCHEDULES * 0.8
