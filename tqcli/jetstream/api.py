"""JetStream's API: requests in JSON, and its error codes as tq's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from tqcli.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    QueueFull,
    SettingsError,
    TqError,
    Unavailable,
    Unknown,
)
from tqcli.jetstream.link import NoResponders

if TYPE_CHECKING:
    from tqcli.jetstream.link import Link, Message

API = "$JS.API"


class WrongSequence(Conflict):
    """The subject changed since it was read: compare-and-set failed."""


class DuplicateInBatch(Conflict):
    """A message id of the batch is known already: the whole batch was rejected."""


class ApiError(msgspec.Struct, frozen=True):
    """What JetStream says is wrong. Source: `err_code` in nats-server's errors.json."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class PubAck(msgspec.Struct, frozen=True):
    """JetStream's answer to a publish; `duplicate` means that it was stored before, which is success."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: ApiError | None = None


_ERRORS: dict[int, type[TqError]] = {
    10071: WrongSequence,
    10164: WrongSequence,  # the same, said of a message inside an atomic batch
    10201: DuplicateInBatch,
    10077: QueueFull,  # maximum messages, bytes or messages per subject exceeded
    10122: QueueFull,
    10023: QueueFull,  # insufficient resources
    10047: QueueFull,  # insufficient storage
    10054: InvalidInput,  # message larger than the stream takes
    10109: Forbidden,  # the stream is sealed
    10014: NotFound,
    10037: NotFound,
    10059: NotFound,
    10039: Forbidden,  # JetStream not enabled for account
    10058: SettingsError,  # stream name already in use with a different configuration
    10065: SettingsError,  # subjects overlap with an existing stream
}

_decode_ack = msgspec.json.Decoder(PubAck).decode


def fail(error: ApiError, what: str) -> NoReturn:
    """Raise JetStream's `error` as the tq error that belongs to it; `what` names the thing that was tried."""
    kind = _ERRORS.get(error.err_code, Unavailable)
    msg = f"{what}: {error.description} (JetStream error {error.err_code})"
    raise kind(msg)


def check_ack(message: Message, what: str) -> PubAck:
    """Return the PubAck in `message`.

    Raises:
        WrongSequence, DuplicateInBatch, QueueFull, NotFound, Unavailable: the stream refused it.
        Unknown: the answer is no PubAck.
    """
    try:
        ack = _decode_ack(message.body)
    except msgspec.DecodeError as error:
        msg = f"{what}: the broker's answer is no PubAck: {message.body[:80]!r}"
        raise Unknown(msg) from error
    if ack.error is not None:
        fail(ack.error, what)
    return ack


async def call(link: Link, subject: str, body: object = None, *, timeout_s: float = 5.0) -> dict[str, Any]:
    """Return JetStream's answer to an API request.

    Raises:
        NotFound, Conflict, Forbidden, Unavailable …: what its error code means.
        Unknown: no answer in time.
    """
    request = b"" if body is None else msgspec.json.encode(body)
    try:
        reply = await link.post(f"{API}.{subject}", request, timeout_s=timeout_s)
    except NoResponders as error:
        msg = f"JetStream does not answer at {link.server.url}"
        raise Unavailable(msg, hint="is JetStream enabled for this account, and has the cluster a leader?") from error
    answer: dict[str, Any] = msgspec.json.decode(reply.body)
    if "error" in answer:
        fail(msgspec.convert(answer["error"], ApiError), subject)
    return answer
