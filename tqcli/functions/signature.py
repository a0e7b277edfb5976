"""A call that is not made yet."""

from __future__ import annotations

from tqcli.functions.call import Call
from tqcli.functions.generic import R

TYPE_CHECKING = False  # `typing` costs a job's start 5 ms
if TYPE_CHECKING:
    from typing import Unpack

    from tqcli.functions.call import Options
    from tqcli.functions.handle import Handle


class Signature(Call[R]):
    """A function, arguments and options: `submit` makes it a job, as often as it is called."""

    def options(self, **options: Unpack[Options]) -> Signature[R]:
        """Return it with these options; the others stay."""
        return Signature(self.function, self.args, self.kwargs, {**self.given, **options})

    def submit(self) -> Handle[R]:
        """Submit it; as `Client.submit`."""
        from tqcli.functions.client import default_client  # noqa: PLC0415 - no job needs it to define its functions

        return default_client().send(self)

    async def asubmit(self) -> Handle[R]:
        """Submit it; as `Client.submit`."""
        from tqcli.functions.client import default_client  # noqa: PLC0415 - as above

        return await default_client().asend(self)
