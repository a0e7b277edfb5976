"""A broker as tq's verbs take it: a link and the names of one namespace on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tqcli.jetstream.link import Link
    from tqcli.jetstream.subjects import Names


class Broker(NamedTuple):
    """Where tq's streams are."""

    link: Link
    names: Names
