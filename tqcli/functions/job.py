"""The decorator: a function that runs here when it is called, and elsewhere when it is submitted."""

from __future__ import annotations

import functools
import sys

from tqcli.functions.generic import Generic, P, R
from tqcli.functions.signature import Signature

TYPE_CHECKING = False  # `typing` costs a job's start 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime, timedelta
    from inspect import Signature as Parameters
    from typing import Any, Protocol, Self, TypeVar, Unpack, overload

    from tqcli.functions.call import Options
    from tqcli.functions.handle import Handle

    T = TypeVar("T")

    class Decorate(Protocol):
        """What `job(…)` with options returns."""

        @overload
        def __call__(self, function: Callable[P, Coroutine[Any, Any, T]], /) -> AsyncJob[P, T]: ...  # type: ignore[overload-overlap]
        @overload
        def __call__(self, function: Callable[P, T], /) -> SyncJob[P, T]: ...
        def __call__(self, function: Callable[P, Any], /) -> Any:
            """Return the function as one that can run as a job."""
            ...


class Job(Generic[P, R]):
    """A function that can run as a job. Calling it runs it here."""

    def __init__(self, function: Callable[P, Any], options: Options) -> None:
        """Use `job`."""
        functools.update_wrapper(self, function)  # type: ignore[arg-type]
        self.function = function
        self.given = options
        self._parameters: Parameters | None = None

    def __repr__(self) -> str:
        """Return what tells it from others."""
        return f"<job {self.function.__module__}:{self.function.__qualname__}>"

    def options(self, **options: Unpack[Options]) -> Self:
        """Return the same function with these options; the others stay. See `job`."""
        _check(options)
        return type(self)(self.function, {**self.given, **options})

    def s(self, *args: P.args, **kwargs: P.kwargs) -> Signature[R]:
        """Return the call with these arguments, to be submitted later.

        Raises:
            TypeError: the function does not take these arguments.
        """
        if self._parameters is None:
            import inspect  # noqa: PLC0415 - only who submits needs it

            self._parameters = inspect.signature(self.function)
        self._parameters.bind(*args, **kwargs)
        return Signature(self.function, args, kwargs, self.given)

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Submit a job that calls the function with these arguments; raises as `Client.submit`."""
        return self.s(*args, **kwargs).submit()

    async def asubmit(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Submit a job, from a coroutine; raises as `Client.submit`."""
        return await self.s(*args, **kwargs).asubmit()

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Submit a job: Celery's word for `submit`."""
        return self.s(*args, **kwargs).submit()

    def apply_async(  # noqa: PLR0913 - Celery's words, each by name
        self,
        args: tuple[Any, ...] | list[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        countdown: float | None = None,
        eta: datetime | None = None,
        expires: float | timedelta | datetime | None = None,
        queue: str | None = None,
        priority: str | None = None,
    ) -> Handle[R]:
        """Submit a job in Celery's words: `countdown` and `expires` in seconds, `eta` a time, for `delay` and `at`."""
        from datetime import timedelta  # noqa: PLC0415 - only who submits needs it

        given: dict[str, Any] = {"at": eta, "queue": queue, "priority": priority}
        given["delay"] = None if countdown is None else timedelta(seconds=countdown)
        given["expires"] = timedelta(seconds=expires) if isinstance(expires, (int, float)) else expires
        chosen: Any = {name: value for name, value in given.items() if value is not None}
        return self.s(*args, **kwargs or {}).options(**chosen).submit()


class SyncJob(Job[P, R]):
    """A job's function, called as what it is."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it here."""
        result: R = self.function(*args, **kwargs)
        return result


class AsyncJob(Job[P, R]):
    """A job's coroutine function, called as what it is."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Return the coroutine that runs it here."""
        coroutine: Coroutine[Any, Any, R] = self.function(*args, **kwargs)
        return coroutine


if TYPE_CHECKING:

    @overload
    def job(function: Callable[P, Coroutine[Any, Any, T]], /) -> AsyncJob[P, T]: ...  # type: ignore[overload-overlap]
    @overload
    def job(function: Callable[P, T], /) -> SyncJob[P, T]: ...
    @overload
    def job(**options: Unpack[Options]) -> Decorate: ...


def job(function: Callable[P, Any] | None = None, /, **options: Unpack[Options]) -> Any:
    """Make a function one that can run as a job: `@job`, or `@job(…)` with what its jobs are to be like.

    `queue`, `priority` ("high", "normal", "low"), `name`
        where it waits, and what it is called in lists
    `retries`, `backoff` ("exp:1s..5m", "fixed:10s", "none")
        how often it runs again after a failure, and how long after
    `retry_on`, `no_retry_on`
        after which failures: exceptions, exit codes, or words as "timeout" and "signal", one or several; all are meant
        where none is named, and else only these
    `timeout`, `grace`
        how long it may run, and how long it has for its end after SIGTERM
    `delay` or `at`, `expires`
        when it may start at the earliest, and until when it must have started
    `key`
        text, or a function of the arguments that returns one: jobs of one key are one job
    `env`, `cwd`
        variables, and a directory; without one, it is that which the function's module is imported from

    Durations are `timedelta` or tq's words, such as "90s" or "1h30m"; times are aware.

    Raises:
        InvalidInput: an option is none of these, or the function is a lambda, or made inside another function.
    """
    _check(options)
    if function is None:
        return functools.partial(_decorate, options=options)
    return _decorate(function, options)


def _decorate(function: Callable[P, Any], options: Options) -> Job[P, Any]:
    if "<" in getattr(function, "__qualname__", "<"):
        from tqcli.functions.entrypoint import name_importable  # noqa: PLC0415 - it has the words for it

        name_importable(function)
    is_coroutine = function.__code__.co_flags & 0x80 if hasattr(function, "__code__") else False
    return (AsyncJob if is_coroutine else SyncJob)(function, options)


def _check(options: Mapping[str, Any]) -> None:
    """Refuse wrong options where they are given; a job, which is only to run its function, has no time for that."""
    entry = sys.modules.get("tqcli.process.entry")
    if options and getattr(entry, "importing", None) is None:
        from datetime import UTC, datetime  # noqa: PLC0415 - few have options

        from tqcli.functions.options import build_fields  # noqa: PLC0415 - as above

        build_fields(options, datetime.now(UTC))  # type: ignore[arg-type]
