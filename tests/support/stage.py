"""A broker on which a test puts jobs in the state it needs: what an agent would write, without an agent."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tests.support.meddler import Meddler
from tqcli.client.query import find, resolve
from tqcli.core.codec import decode_record, decode_spec, encode_spec
from tqcli.core.conclusion import conclude
from tqcli.core.ids import JobId, make_group_id
from tqcli.core.job import Job, describe
from tqcli.core.outcome import Exited, Interrupted, Outcome
from tqcli.core.record import Record, queued, start
from tqcli.core.spec import WIRE_VERSION, Shell, Spec
from tqcli.core.verdict import Fail, Retry, Return, Succeed, Verdict
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.enqueue import Item, enqueue, enqueue_many
from tqcli.jetstream.plain import PlainLink, connect_plain, drive
from tqcli.jetstream.presence import Presence
from tqcli.jetstream.records import load_record, write_record
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import Names, split_tail
from tqcli.jetstream.timers import set_timer
from tqcli.jetstream.topology import ensure_queue, ensure_streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

    from tqcli.core.endpoint import Endpoint
    from tqcli.core.state import Reason
    from tqcli.jetstream.link import Subscription

T = TypeVar("T")
SUCCESS = Exited(0)


class Stage:
    """A namespace of its own on a server, and a link to it."""

    def __init__(self, endpoint: Endpoint, namespace: str) -> None:
        """Connect; nothing is made before `open`."""
        self.endpoint = msgspec.structs.replace(endpoint, namespace=namespace)
        self.link: PlainLink = connect_plain(self.endpoint)
        self.broker = Broker(self.link, Names(namespace))
        self.names = self.broker.names

    def close(self) -> None:
        """Leave."""
        drive(self.link.close())

    def clear(self) -> None:
        """Delete the logs: those of each namespace reserve disk space.

        Not the other streams: nats-server 2.15.1 removes a folder after the last one, and the next one may miss it.
        """
        self.put(f"$JS.API.STREAM.DELETE.{self.names.logs}", b"")

    def open(self, *queues: str) -> None:
        """Make the streams, and the queues."""
        self.run(ensure_streams(self.link, self.names))
        for queue in queues:
            self.run(ensure_queue(self.link, self.names, queue))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns."""
        return drive(work)

    def collect(self, items: AsyncIterator[T]) -> list[T]:
        """Return all items."""

        async def gather() -> list[T]:
            return [item async for item in items]

        return drive(gather())

    def put(self, subject: str, body: bytes) -> None:
        """Publish any bytes, and wait for the answer."""

        async def post() -> None:
            await self.link.post(subject, body)

        self.run(post())

    def meddle(self, subject: str, *actions: Callable[[], object]) -> Broker:
        """Return the broker over a link that does the actions, one before each next request on such a subject."""
        return Broker(Meddler(self.link, subject, actions), self.names)

    # What a user does

    def submit(self, *, ago: timedelta = timedelta(0), **fields: Any) -> Spec:
        """Queue one job, submitted that long ago, with these fields of a spec."""
        (spec,) = self._specs([0], None, ago, fields)
        self.run(enqueue(self.broker, self._item(spec)))
        return spec

    def submit_group(self, indexes: Iterable[int], *, ago: timedelta = timedelta(0), **fields: Any) -> list[Spec]:
        """Queue a group of jobs with these indexes."""
        listed = list(indexes)
        specs = self._specs(listed, len(listed), ago, fields)
        self.run(enqueue_many(self.broker, [self._item(spec) for spec in specs]))
        return specs

    # What an agent does

    def take(self, spec: Spec) -> str:
        """Pull the next job of the queue and level, which must be that of `spec`; return where it is settled."""
        # A consumer may learn a moment later than the submitter that there is a job.
        message = self.run(self.ask(spec.queue, spec.priority, expires=5_000_000_000).next(10.0))
        assert message is not None
        assert message.reply is not None, message.description
        assert message.subject == self.names.job(spec.queue, spec.priority, spec.group, spec.index)
        return message.reply

    def ask(self, queue: str = "default", priority: str = "normal", **options: object) -> Subscription:
        """Ask for the next job of a queue and level; return where it arrives, or the status that there is none."""
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.names.jobs}.{self.names.queue_consumer(queue, priority)}"

        async def pull() -> Subscription:
            inbox = self.link.new_inbox()
            deliveries = await self.link.subscribe(inbox)
            await self.link.publish(subject, msgspec.json.encode({"batch": 1} | options), reply=inbox)
            await self.link.post(f"$JS.API.STREAM.INFO.{self.names.jobs}")  # after it, the server has our request
            return deliveries

        return self.run(pull())

    def settle(self, where: str) -> None:
        """Acknowledge a job that was taken."""
        self.put(where, b"+ACK")

    def start(self, spec: Spec, *, agent: str = "host-a") -> Record:
        """Write the record `running`."""
        last, expected = self.read(spec)
        record = start(last, agent=agent, claim="1.ab", now=datetime.now(UTC))
        self.run(write_record(self.broker, spec.group, spec.index, record, expected=expected))
        return record

    def finish(
        self, spec: Spec, outcome: Outcome = SUCCESS, *, reason: Reason | None = None, at: datetime | None = None
    ) -> Record:
        """Write the final record, with its end `at` that time; what becomes of its message is the test's business."""
        return self._conclude(spec, outcome, Succeed() if reason is None else Fail(reason), at=at)

    def give_back(self, spec: Spec) -> Record:
        """Write the record of a job whose agent had to leave; its message stays where it is."""
        return self._conclude(spec, Interrupted(), Return())

    def complete(self, spec: Spec, outcome: Outcome = SUCCESS, *, reason: Reason | None = None) -> Record:
        """Take the job, which must be the next of its queue, run it, and settle it."""
        where = self.take(spec)
        self.start(spec)
        record = self.finish(spec, outcome, reason=reason)
        self.settle(where)
        return record

    def wait_for_retry(self, spec: Spec, outcome: Outcome) -> Record:
        """Write `retrying`, and put the job into a timer that is far away."""
        at = datetime.now(UTC) + timedelta(hours=1)
        record = self._conclude(spec, outcome, Retry(at))
        self.run(set_timer(self.broker, spec.group, spec.index, encode_spec(spec), at=at))
        return record

    def announce(self, name: str, *, queues: tuple[str, ...] = ("default",), **fields: Any) -> Presence:
        """Say that an agent is there."""
        now = datetime.now(UTC)
        presence = Presence(
            name=name,
            host="host-a",
            pid=4711,
            version="0.1.0",
            queues=queues,
            slots=2,
            busy=0,
            running=(),
            draining=False,
            containment="subreaper",
            started_at=now,
            seen_at=now,
        )
        presence = msgspec.structs.replace(presence, **fields)
        self.put(self.names.agent(name), msgspec.json.encode(presence))
        return presence

    def read(self, spec: Spec) -> tuple[Record, int]:
        """Return the job's record and its sequence; of a job without one, what it would be."""
        snapshot = self.run(load_record(self.broker, spec.group, spec.index))
        return (queued(encode_spec(spec)), 0) if snapshot is None else (snapshot.record, snapshot.sequence)

    def load_job(self, job: JobId) -> Job:
        """Return one job as it stands."""
        found = self.run(resolve(self.broker, job))
        assert isinstance(found, Job), f"{job} is a group"
        return found

    def load_spec(self, group: str) -> Spec:
        """Return the spec of a job of its own."""
        return self.run(find(self.broker, JobId(group))).spec

    def read_jobs(self, group: str) -> list[Job]:
        """Return the jobs of a group, in the order of their indexes."""
        link, names = self.link, self.names
        messages = self.collect(oldest_first(link, names.jobs, names.job_anywhere(JobId(group), element=False)))
        jobs = {split_tail(one.subject)[1]: describe(decode_spec(one.body), None) for one in messages}
        for one in self.collect(oldest_first(link, names.records, names.records_of(group))):
            record = decode_record(one.body)
            jobs[split_tail(one.subject)[1]] = describe(decode_spec(bytes(record.spec)), record)
        return [jobs[index] for index in sorted(jobs)]

    def _conclude(self, spec: Spec, outcome: Outcome, verdict: Verdict, *, at: datetime | None = None) -> Record:
        last, expected = self.read(spec)
        record = conclude(last, outcome, verdict, now=at or datetime.now(UTC))
        self.run(write_record(self.broker, spec.group, spec.index, record, expected=expected))
        return record

    def _item(self, spec: Spec) -> Item:
        subject = self.names.job(spec.queue, spec.priority, spec.group, spec.index)
        return Item(subject, str(spec.id), encode_spec(spec))

    def _specs(self, indexes: list[int], size: int | None, ago: timedelta, fields: dict[str, Any]) -> list[Spec]:
        now = datetime.now(UTC) - ago
        group = make_group_id(now, secrets.randbits(40))
        given: dict[str, Any] = {"work": Shell(("true",)), "submitted_at": now, "size": size} | fields
        return [Spec(v=WIRE_VERSION, group=group, index=index, **given) for index in indexes]
