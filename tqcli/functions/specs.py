"""The spec of a call, and its arguments on their way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tqcli.client.origin import load_origin
from tqcli.core.check import check_spec
from tqcli.core.pack import pack
from tqcli.core.spec import WIRE_VERSION, Python, Spec, Stored
from tqcli.core.values import Misfit
from tqcli.errors import InvalidInput
from tqcli.functions.entrypoint import find_entrypoint, name_importable
from tqcli.functions.options import build_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tqcli.functions.call import Call

INLINE_BYTES = 256 * 1024
"""Arguments up to this travel in the spec, of 512 KiB at most; larger ones are stored apart."""

MAX_ARGUMENT_BYTES = 16 * 1024 * 1024
"""Both ends hold them in memory."""

FITS = "JSON's own, and datetime, date, time, timedelta, Decimal, UUID, bytes, set, enum and dataclass"


class Prepared(NamedTuple):
    """A checked spec, and the object that it refers to, if any."""

    spec: Spec
    payload: bytes | None


def prepare(call: Call[Any]) -> Prepared:
    """Return what is to be sent for a job that makes this call.

    Raises:
        InvalidInput: nobody else can import the function, an argument does not fit, or an option is wrong.
    """
    entrypoint = find_entrypoint(call.function)
    options = call.given
    key = options.get("key")
    origin = load_origin(key(*call.args, **call.kwargs) if callable(key) else key)
    cwd = options.get("cwd")
    work, payload = _build_work(entrypoint.name, call)
    spec = Spec(
        v=WIRE_VERSION,
        group=origin.group,
        work=work,
        submitted_at=origin.now,
        submitted_by=origin.submitted_by,
        cwd=cwd or entrypoint.root or origin.cwd,
        cwd_required=cwd is not None,
        **build_fields(options, origin.now),
    )
    check_spec(spec)
    return Prepared(spec, payload)


def _build_work(name: str, call: Call[Any]) -> tuple[Python, bytes | None]:
    args, kwargs = _encode("args", list(call.args)), _encode_named(call.kwargs)
    size = len(args) + len(kwargs)
    if size <= INLINE_BYTES:
        return Python(name, args=msgspec.Raw(args), kwargs=msgspec.Raw(kwargs)), None
    if size > MAX_ARGUMENT_BYTES:
        msg = f"the arguments are {size:,} bytes of JSON, of at most {MAX_ARGUMENT_BYTES:,}"
        raise InvalidInput(msg, hint="put them into a file that the agents can read, and pass its name")
    from hashlib import sha256  # noqa: PLC0415 - few calls are so large

    payload = b'{"args":%b,"kwargs":%b}' % (args, kwargs)
    return Python(name, stored=Stored(sha256(payload).hexdigest(), len(payload))), payload


def _encode(name: str, value: Any) -> bytes:
    try:
        packed = pack(value, name_importable)
    except Misfit as misfit:
        raise InvalidInput(misfit.describe(name), hint=f"a job's arguments can be {FITS}") from None
    return json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _encode_named(kwargs: Mapping[str, Any]) -> bytes:
    members = [b"%b:%b" % (json.dumps(name).encode(), _encode(name, value)) for name, value in kwargs.items()]
    return b"{" + b",".join(members) + b"}"
