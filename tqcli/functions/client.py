"""A broker, for a Python program: submit to it, and ask it for jobs."""

from __future__ import annotations

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Self

from tqcli.client.once import submit_once
from tqcli.client.submit import submit
from tqcli.core.ids import parse_job_id
from tqcli.core.names import quote
from tqcli.core.spec import Python
from tqcli.errors import Conflict, InvalidInput
from tqcli.functions.background import Background
from tqcli.functions.handle import Handle
from tqcli.functions.specs import prepare
from tqcli.settings.target import choose_target

if TYPE_CHECKING:
    from types import TracebackType

    from tqcli.core.spec import Spec
    from tqcli.functions.call import Call, Submittable
    from tqcli.functions.generic import P, R
    from tqcli.functions.specs import Prepared
    from tqcli.jetstream.broker import Broker


class Client:
    """A connection to the broker that `tq` on the command line would use, or to the one that is named here.

    It is made when it is first needed, and made again after it was lost. Without settings it is tq's own broker on this
    machine: the one that `tq up` keeps, or else one for the life of this process, with an agent.

    It can be used by any number of threads and coroutines, and by the children of a fork. `close` leaves it; so does
    the end of a `with` or `async with`, and that of the program.
    """

    def __init__(self, server: str | None = None, *, context: str | None = None) -> None:
        """Choose the broker, by URL or by the name of a context; nothing is sent yet.

        Raises:
            InvalidInput: both are given, or the URL is none.
            SettingsError: there is no such context, or a variable or the settings file is wrong.
        """
        self._background = Background(choose_target(server=server, context=context))
        self._finalizer = weakref.finalize(self, self._background.close)

    def submit(self, job: Submittable[P, R], *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Submit a job that calls the function with these arguments; return once the broker has accepted it.

        Raises:
            TypeError: the function does not take these arguments.
            InvalidInput: no other process can import the function, or an argument or option does not fit.
            NotFound: there is no such queue.
            Unavailable, QueueFull, Forbidden: the broker did not take it.
            Unknown: it may have taken it.
            Conflict: another function was submitted with this key.
        """
        return self.send(job.s(*args, **kwargs))

    async def asubmit(self, job: Submittable[P, R], *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Submit a job; as `submit`."""
        return await self.asend(job.s(*args, **kwargs))

    def send(self, call: Call[R]) -> Handle[R]:
        """Submit a job that makes this call; as `submit`."""
        prepared, has_key = self._prepare(call)
        sent = self._background.run(lambda broker: _send(broker, prepared, has_key=has_key))
        return Handle(self._background, sent.id, owner=self, existed=sent is not prepared.spec)

    async def asend(self, call: Call[R]) -> Handle[R]:
        """Submit a job that makes this call; as `submit`."""
        prepared, has_key = self._prepare(call)
        sent = await self._background.arun(lambda broker: _send(broker, prepared, has_key=has_key))
        return Handle(self._background, sent.id, owner=self, existed=sent is not prepared.spec)

    def handle(self, job_id: str) -> Handle[Any]:
        """Return the job of this id, wherever it was submitted.

        Raises:
            InvalidInput: it has not the form of an id.
        """
        return Handle(self._background, parse_job_id(job_id), owner=self)

    def close(self) -> None:
        """Leave the broker. Handles and further calls connect again."""
        self._background.close()

    async def aclose(self) -> None:
        """Leave the broker."""
        import asyncio  # noqa: PLC0415 - loaded long since

        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the broker."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the broker."""
        await self.aclose()

    @staticmethod
    def _prepare(call: Call[Any]) -> tuple[Prepared, bool]:
        module = getattr(sys.modules.get("tqcli.process.entry"), "importing", None)
        if module is not None:
            msg = f"{module} submits a job while it is imported, by a job: that would never end"
            raise InvalidInput(msg, hint='put what a script does by itself below `if __name__ == "__main__":`')
        return prepare(call), call.given.get("key") is not None


async def _send(broker: Broker, prepared: Prepared, *, has_key: bool) -> Spec:
    """Return the job that there is now."""
    spec, payload = prepared
    if not has_key:
        await submit(broker, [spec], payload=payload)
        return spec
    before = await submit_once(broker, [spec], payload=payload)
    if before is None:
        return spec
    ours, theirs = spec.work, before.work
    if isinstance(ours, Python) and (not isinstance(theirs, Python) or theirs.entrypoint != ours.entrypoint):
        what = quote(theirs.entrypoint) if isinstance(theirs, Python) else "a command"
        msg = f"the key belongs to job {before.id}, which runs {what}"
        raise Conflict(msg, hint="choose another key")
    return before


_lock = threading.Lock()
_default: list[Client] = []


def default_client() -> Client:
    """Return the client that this process uses where none is named; it is made on first use."""
    if not _default:
        with _lock:
            if not _default:
                _default.append(Client())
    return _default[0]
