"""A link whose every operation waits until the model lets it happen, fail, or both."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from tqcli.errors import TqError, Unknown
from tqcli.jetstream.link import REQUEST_TIMEOUT_S, Message, NoResponders, ServerInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Mapping

    from tests.model.rules import Rules

T = TypeVar("T")


class Fault(Enum):
    """What becomes of an operation."""

    NONE = auto()
    LOST = auto()
    """It does not happen, and times out."""
    UNHEARD = auto()
    """It happens, and times out."""
    LATE = auto()
    """It times out, and happens later: before the next operation on the same link at the latest."""
    REFUSED = auto()
    """It does not happen, and the broker says so: there is no leader."""
    FULL = auto()
    """It does not happen, and the broker says so: the stream is full. Of a job's message only."""


class Operation:
    """A request or a message on its way; awaited, it is the reply."""

    def __init__(self, link: ModelLink, subject: str, body: bytes, headers: dict[str, str], *, asks: bool) -> None:
        """`asks`: somebody waits for the reply, and learns of a fault."""
        self.link = link
        self.subject = subject
        self.body = body
        self.headers = headers
        self.asks = asks

    def __await__(self) -> Generator[Operation, Message, Message]:
        """Wait for the model."""
        return (yield self)


class NoLoop:
    """A loop whose timers are never due: what is asked of it here is days away."""

    def call_later(self, _seconds: float, _callback: Callable[[], object]) -> NoLoop:
        """Return a handle, which is this."""
        return self

    def cancel(self) -> None:
        """Do nothing."""


class Promise(Generic[T]):
    """What the model uses of `asyncio.Future`, without a loop."""

    def __init__(self) -> None:
        """Not done."""
        self._over = False
        self._result: T | None = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Any], object]] = []

    def done(self) -> bool:
        """Return whether it has a result or an error."""
        return self._over

    def cancelled(self) -> bool:
        """Return False: who would cancel dies whole."""
        return False

    def exception(self) -> BaseException | None:
        """Return the error."""
        return self._error

    def result(self) -> T:
        """Return the result."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # done without an error: it has one

    def get_loop(self) -> NoLoop:
        """Return what stands in for the event loop."""
        return NoLoop()

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Call it once this is done."""
        self._callbacks.append(callback)

    def set_result(self, result: T) -> None:
        """Be done."""
        self._result = result
        self._end()

    def set_exception(self, error: BaseException) -> None:
        """Be done with an error."""
        self._error = error
        self._end()

    def _end(self) -> None:
        self._over = True
        for callback in self._callbacks:
            callback(self)

    def __await__(self) -> Generator[Promise[T], None, T]:
        """Wait until it is done."""
        if not self._over:
            yield self
        return self.result()


class Network(Protocol):
    """Where operations happen."""

    rules: Rules

    def perform(self, operation: Operation) -> Message:
        """Let it happen; return the reply.

        Raises:
            Unknown, NoResponders: there is none.
        """
        ...

    def fail(self, operation: Operation) -> None:
        """Take note of an operation that has a fault."""
        ...


class ModelLink:
    """One connection; see `tqcli.jetstream.link.Link`."""

    server = ServerInfo(url="nats://model", name="model", version="2.15.1", max_payload=1 << 20, jetstream=True)

    def __init__(self, network: Network) -> None:
        """`late` are operations that nobody waits for any more, and that are still on their way."""
        self.network = network
        self.late: list[Operation] = []

    def post(
        self,
        subject: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,  # noqa: ARG002 - the model says when it is over
    ) -> Operation:
        """Return an operation that is to happen."""
        return Operation(self, subject, body, self.network.rules.headers(headers or {}), asks=True)

    async def publish(
        self,
        subject: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        reply: str | None = None,  # noqa: ARG002 - nobody here has one
    ) -> None:
        """Do one whose fate nobody learns."""
        await Operation(self, subject, body, self.network.rules.headers(headers or {}), asks=False)

    async def request_many(self, subject: str, body: bytes, *, timeout_s: float = REQUEST_TIMEOUT_S) -> list[Message]:  # noqa: ARG002 - as `post`
        """Return a batch of messages; others may write between two of them."""
        wanted: dict[str, Any] = msgspec.json.decode(body)
        found = [await self.post(f"{subject}.{one}") for one in wanted.get("multi_last", ())]
        start = wanted.get("seq", 0)
        while start and len(found) < wanted["batch"]:
            found.append(await self.post(subject, msgspec.json.encode({**wanted, "seq": start})))
            start = int(found[-1].headers.get("Nats-Sequence", "-1")) + 1
        return [*(message for message in found if message.status is None), END]

    async def sleep(self, _seconds: float) -> None:
        """Take a step that does nothing: others may do theirs."""
        await Operation(self, "", b"", {}, asks=False)

    async def flush(self) -> None:
        """Return: what was published has had its fate."""

    def new_inbox(self) -> str:
        """Return a subject that nobody uses."""
        return "_INBOX.model"

    def arrive(self) -> None:
        """Let everything happen that is late."""
        late, self.late = self.late, []
        for operation in late:
            try:
                self.network.perform(operation)
            except TqError:
                continue

    def fulfil(self, operation: Operation, fault: Fault) -> Message:
        """Do the operation as `fault` says, and return its reply.

        Raises:
            Unknown, NoResponders: it has none.
        """
        if not operation.subject:
            return NOTHING
        self.arrive()
        try:
            return self._fulfil(operation, fault)
        except TqError:
            if operation.asks:
                raise
            return NOTHING

    def _fulfil(self, operation: Operation, fault: Fault) -> Message:
        if fault is not Fault.NONE:
            self.network.fail(operation)
        match fault:
            case Fault.FULL if ".job." in operation.subject and operation.subject[0] != "$":
                return FULL
            case Fault.NONE | Fault.FULL:
                return self.network.perform(operation)
            case Fault.REFUSED:
                raise NoResponders
            case Fault.UNHEARD:
                self.network.perform(operation)
            case Fault.LATE:
                self.late.append(operation)
            case Fault.LOST:
                pass
        raise Unknown


NOTHING = Message("", None, {}, b"")
END = Message("", None, {}, b"", status=204)
FULL = Message("", None, {}, b'{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}')


class Task:
    """One coroutine of the product, taken from operation to operation."""

    def __init__(self, coroutine: Coroutine[Any, Any, object], ready: list[Task], *, node: object) -> None:
        """`ready` collects tasks whose promise was kept; `node` is whose task it is."""
        self.node = node
        self.waits_for: Operation | None = None
        self.over = False
        self.error: TqError | None = None
        self._coroutine = coroutine
        self._ready = ready
        ready.append(self)

    def resume(self, reply: Message | None = None, error: TqError | None = None) -> None:
        """Go on to the next operation or promise."""
        self.waits_for = None
        try:
            waits_for = self._coroutine.throw(error) if error is not None else self._coroutine.send(reply)
        except StopIteration:
            self.over = True
        except TqError as raised:
            self.over, self.error = True, raised
        else:
            if isinstance(waits_for, Operation):
                self.waits_for = waits_for
            else:
                waits_for.add_done_callback(lambda _: self._ready.append(self))

    def advance(self, fault: Fault) -> None:
        """Let the operation that it waits for have its fate."""
        operation = self.waits_for
        assert operation is not None
        try:
            reply = operation.link.fulfil(operation, fault)
        except TqError as error:
            self.resume(error=error)
        else:
            self.resume(reply)

    def kill(self) -> None:
        """End it where it is, as SIGKILL does: what it would do on its way out goes nowhere."""
        self.over, self.waits_for = True, None
        self._coroutine.close()
