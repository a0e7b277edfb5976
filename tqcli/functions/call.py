"""A call that is to be a job: the function, its arguments, and what the user asks of the job."""

from __future__ import annotations

from tqcli.functions.generic import Generic, R

TYPE_CHECKING = False  # `typing` costs a job's start 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime, timedelta
    from typing import Any, ParamSpec, Protocol, TypedDict

    P = ParamSpec("P")
    Kinds = type[BaseException] | str | int | Iterable[type[BaseException] | str | int]

    class Options(TypedDict, total=False):
        """What a user may ask of a job: see `functions.job.job`."""

        queue: str
        priority: str
        retries: int
        backoff: str
        retry_on: Kinds
        no_retry_on: Kinds
        timeout: timedelta | str
        grace: timedelta | str
        delay: timedelta | str
        at: datetime
        expires: timedelta | str | datetime
        name: str
        key: str | Callable[..., str]
        env: Mapping[str, str]
        cwd: str

    class Submittable(Protocol[P, R]):
        """What can say which call it would be."""

        def s(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
            """Return the call."""
            ...


class Call(Generic[R]):
    """A function with its arguments, and the options of the job that is to call it."""

    def __init__(
        self, function: Callable[..., object], args: tuple[Any, ...], kwargs: Mapping[str, Any], options: Options
    ) -> None:
        """Nothing is checked yet."""
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.given = options
