"""Results that are too large for a record: objects in the broker's store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.core.conclusion import MAX_RESULT_BYTES
from tqcli.core.outcome import Failure, Raised, Returned
from tqcli.core.spec import Stored
from tqcli.errors import QueueFull, TqError, Unavailable, Unknown
from tqcli.jetstream.objects import put_object

if TYPE_CHECKING:
    from tqcli.core.outcome import Outcome
    from tqcli.jetstream.broker import Broker

RETRY_PAUSE_S = 0.5

_NOTHING = msgspec.Raw(b"null")


async def store_result(broker: Broker, outcome: Outcome) -> Outcome:
    """Return the outcome once its value, where that is too large for a record, is stored.

    A broker that is away is asked again for as long as it takes, as with the record. Where it has no room, or refuses
    us, that is how the attempt failed.
    """
    if not isinstance(outcome, Returned) or len(value := bytes(outcome.value)) <= MAX_RESULT_BYTES:
        return outcome
    while True:
        try:
            digest = await put_object(broker, value)
        except QueueFull as error:
            return _describe_refusal(value, error)
        except (Unknown, Unavailable):
            await broker.link.sleep(RETRY_PAUSE_S)
        except TqError as error:
            return _describe_refusal(value, error)
        else:
            return Returned(_NOTHING, stored=Stored(digest, len(value)))


def _describe_refusal(value: bytes, error: TqError) -> Raised:
    text = f"the returned value, {len(value):,} bytes of JSON, could not be stored: {error.message}"
    return Raised(Failure("ResultNotStored", text))
