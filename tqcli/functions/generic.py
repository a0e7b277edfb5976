"""`Generic` and its variables for modules that jobs load: `typing` would cost a job's start 5 ms."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic as Generic
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
else:
    P = R = None

    class Generic:
        """A class that can be written with the types it is made for, which say nothing here."""

        def __class_getitem__(cls, _: object) -> type:
            """Return the class itself."""
            return cls
