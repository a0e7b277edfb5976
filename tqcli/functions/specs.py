"""The spec of a call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.client.origin import load_origin
from tqcli.core.check import check_spec
from tqcli.core.pack import pack
from tqcli.core.spec import WIRE_VERSION, Python, Spec
from tqcli.core.values import Misfit
from tqcli.errors import InvalidInput
from tqcli.functions.entrypoint import find_entrypoint, name_importable
from tqcli.functions.options import build_fields

if TYPE_CHECKING:
    from tqcli.functions.call import Call

FITS = "JSON's own, and datetime, date, time, timedelta, Decimal, UUID, bytes, set, enum and dataclass"


def build_spec(call: Call[Any]) -> Spec:
    """Return the checked spec of a job that makes this call.

    Raises:
        InvalidInput: nobody else can import the function, an argument does not fit, or an option is wrong.
    """
    entrypoint = find_entrypoint(call.function)
    options = call.given
    key = options.get("key")
    origin = load_origin(key(*call.args, **call.kwargs) if callable(key) else key)
    cwd = options.get("cwd")
    spec = Spec(
        v=WIRE_VERSION,
        group=origin.group,
        work=Python(
            entrypoint.name,
            args=_encode("args", list(call.args)),
            kwargs=_encode_named(call.kwargs),
        ),
        submitted_at=origin.now,
        submitted_by=origin.submitted_by,
        cwd=cwd or entrypoint.root or origin.cwd,
        cwd_required=cwd is not None,
        **build_fields(options, origin.now),
    )
    check_spec(spec)
    return spec


def _encode(name: str, value: Any) -> msgspec.Raw:
    try:
        packed = pack(value, name_importable)
    except Misfit as misfit:
        raise InvalidInput(misfit.describe(name), hint=f"a job's arguments can be {FITS}") from None
    return msgspec.Raw(json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())


def _encode_named(kwargs: Any) -> msgspec.Raw:
    members = [b"%b:%b" % (json.dumps(name).encode(), bytes(_encode(name, value))) for name, value in kwargs.items()]
    return msgspec.Raw(b"{" + b",".join(members) + b"}")
