"""A delivery of a job that a record calls running: is its holder alive?

A lease ends when it was not confirmed in time; that says nothing about the job. After a restart of the server every
running job is delivered again at once, to whoever asks first. So the agent that gets such a delivery asks the holder
named in the record. A live one takes the delivery over and the job goes on undisturbed; a dead one has no subscription
any more, and the server says so within a millisecond. Nor has one that is still on its way back to a server that was
away: soon after we came ourselves, that nobody answers means nothing yet.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.claim import Claim
from tqcli.errors import TqError
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.scan import is_stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.core.record import Record
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.link import Message
    from tqcli.jetstream.pull import Delivery

ANSWER_TIMEOUT_S = 1.0
RETURN_S = 2.5
"""So long after us every agent has come back: they try at least every second. An agent that starts just when the lease
ends waits, too, and the job is to run within ten seconds."""

ASK_AGAIN_S = 0.25
YES = b"yes"
NO = b"no"


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A delivery offered to the job's holder: `settle` is where its lease is extended and ended."""

    group: str
    index: int
    claim: str
    settle: str


async def is_copy(broker: Broker, record: Record, delivery: Delivery) -> bool:
    """Return whether the running attempt holds another message of the same job, which is still in the stream."""
    claimed = Claim.parse(record.claim or "").sequence
    return claimed not in (0, delivery.sequence) and await is_stored(broker.link, broker.names.jobs, claimed)


async def hand_over(broker: Broker, record: Record, group: str, index: int, delivery: Delivery) -> bool:
    """Offer the delivery to the agent that the record names; return whether it took it."""
    offer = Offer(group, index, record.claim or "", delivery.settle)
    subject = broker.names.holder(record.agent or "-")
    while True:
        try:
            reply = await broker.link.post(subject, msgspec.json.encode(offer), timeout_s=ANSWER_TIMEOUT_S)
        except NoResponders:
            if time.monotonic() - broker.link.server.connected_at > RETURN_S:
                return False
        except TqError:
            return False
        else:
            return reply.body == YES
        await broker.link.sleep(ASK_AGAIN_S)


async def is_taken(broker: Broker, name: str) -> bool:
    """Return whether an agent of this name is at work: two of them would answer for each other."""
    try:
        await broker.link.post(broker.names.holder(name), b"", timeout_s=ANSWER_TIMEOUT_S)
    except NoResponders:
        return False
    except TqError:
        return True
    return True


def answer(message: Message, adopt: Callable[[Offer], bool]) -> bytes:
    """Return the answer to an offer; `adopt` takes it and says whether the job is still held here."""
    try:
        offer = msgspec.json.decode(message.body, type=Offer)
    except msgspec.DecodeError:
        return NO
    return YES if adopt(offer) else NO
