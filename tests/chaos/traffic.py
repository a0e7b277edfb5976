"""What users do during the storm: submit jobs of all kinds, cancel some, and keep the receipts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.client.cancel import cancel
from tqcli.client.submit import submit
from tqcli.core.ids import JobId, make_group_id
from tqcli.core.spec import WIRE_VERSION, Spec
from tqcli.core.state import Reason, State
from tqcli.errors import TqError, Unknown
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.plain import PlainLink, connect_plain, drive
from tqcli.jetstream.subjects import Names

if TYPE_CHECKING:
    from tests.chaos.world import World

PAUSE_S = 0.3
CANCEL_ONE_IN = 25
GROUP = 50


class Kind(msgspec.Struct, frozen=True):
    """A kind of job: how often it is drawn, what it does, what its spec says, and how it ends if nothing goes wrong.

    `delay_s`: it waits for a time up to so many seconds after its submission.
    """

    name: str
    weight: int
    work: dict[str, float]
    fields: dict[str, Any] = {}
    reason: Reason | None = None
    size: int | None = None
    delay_s: float | None = None


KINDS = (
    Kind("short", 30, {}),
    Kind("long", 35, {"sleep": 4}),
    Kind("longer", 8, {"sleep": 12}),
    Kind("printing", 10, {"print": 40_000, "sleep": 0.5}),
    Kind("leaving a process behind", 10, {"daemon": 1, "sleep": 0.5}),
    Kind("failing once", 10, {"good": 2}, {"retries": 2, "backoff": "fixed:1s"}),
    Kind("failing", 5, {"good": 99}, {"retries": 1, "backoff": "none"}, Reason.EXIT),
    Kind(
        "too slow", 5, {"sleep": 60},
        {"timeout": timedelta(seconds=2), "grace": timedelta(seconds=0.5)}, Reason.TIMEOUT,
    ),
    Kind("a group", 2, {}, size=GROUP),
    Kind("delayed", 10, {"sleep": 0.5}, delay_s=12),
    Kind("a delayed group", 1, {}, size=GROUP, delay_s=12),
)  # fmt: skip


class Answer(Enum):
    """What the submitter was told."""

    ACCEPTED = auto()
    REJECTED = auto()
    UNKNOWN = auto()


class Receipt(msgspec.Struct):
    """One job as its submitter knows it."""

    spec: Spec
    kind: Kind
    answer: Answer
    cancelled: bool = False
    """Whether somebody tried to cancel it."""


class Traffic(Thread):
    """Users at work, until `stop`; which jobs they submit and cancel follows from `seed`."""

    def __init__(self, world: World, seed: int) -> None:
        """Prepare; `start` begins."""
        super().__init__(daemon=True)
        self.receipts: dict[str, Receipt] = {}
        self.error: BaseException | None = None
        self._world = world
        self._random = random.Random(f"traffic {seed}")
        self._over = Event()
        self._link: PlainLink | None = None

    def run(self) -> None:
        """Submit and cancel until told to stop."""
        try:
            while not self._over.wait(PAUSE_S):
                self._submit()
                if self._random.randrange(CANCEL_ONE_IN) == 0:
                    self._cancel()
        except BaseException as error:
            self.error = error
            raise

    def stop(self) -> None:
        """Finish what is under way, and leave."""
        self._over.set()
        self.join()
        if self._link is not None:
            drive(self._link.close())
        if self.error is not None:
            raise self.error

    def _submit(self) -> None:
        (kind,) = self._random.choices(KINDS, [kind.weight for kind in KINDS])
        work = dict(kind.work)
        if "sleep" in work:
            work["sleep"] = round(work["sleep"] * self._random.uniform(0.2, 1.2), 2)
        now = datetime.now(UTC)
        fields = kind.fields | {"work": self._world.ledger.work(**work), "size": kind.size, "submitted_at": now}
        if kind.delay_s is not None:
            fields["not_before"] = now + timedelta(seconds=self._random.uniform(0, kind.delay_s))
        group = make_group_id(now, self._random.getrandbits(40))
        specs = [Spec(v=WIRE_VERSION, group=group, index=index, **fields) for index in range(kind.size or 1)]
        try:
            broker = self._connect()
        except TqError:
            return
        try:
            drive(submit(broker, specs))
        except Unknown:
            answer = Answer.UNKNOWN
        except TqError:
            answer = Answer.REJECTED
        else:
            answer = Answer.ACCEPTED
        for spec in specs:
            self.receipts[name_of(spec)] = Receipt(spec, kind, answer)

    def _cancel(self) -> None:
        recent = list(self.receipts.values())[-10:]
        receipt = self._random.choice(recent) if recent else None
        if receipt is None or receipt.answer is not Answer.ACCEPTED:
            return
        receipt.cancelled = True
        try:
            drive(cancel(self._connect(), receipt.spec.id))
        except TqError:
            return  # it had ended, or the broker is away: both are told by the record

    def _connect(self) -> Broker:
        if self._link is None:
            url = f"nats://127.0.0.1:{self._world.client_line.port}"
            endpoint = msgspec.structs.replace(self._world.server.endpoint, servers=(url,))
            self._link = connect_plain(endpoint)
        return Broker(self._link, Names())


def name_of(spec: Spec) -> str:
    """Return the job's name as `<group>.<index>`, also where it is the only one of its group."""
    return str(JobId(spec.group, spec.index))


def allowed_ends(receipt: Receipt) -> set[tuple[State, Reason | None]]:
    """Return the ends that a job may have."""
    reason = receipt.kind.reason
    ends = {(State.SUCCEEDED if reason is None else State.FAILED, reason), (State.FAILED, Reason.LOST)}
    return ends | ({(State.CANCELLED, None)} if receipt.cancelled else set())
