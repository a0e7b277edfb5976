"""Printing on a stage: log messages as an agent would store them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.jetstream.logs import STDOUT, Frame, encode_frames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.stage import Stage
    from tqcli.client.printed import Printed
    from tqcli.core.spec import Spec


def print_frames(stage: Stage, spec: Spec, number: int, *frames: Frame, attempt: int = 1) -> None:
    """Store message `number` of an attempt's log."""
    stage.put(stage.names.log(spec.group, spec.index, attempt), encode_frames(number, frames))


def print_text(stage: Stage, spec: Spec, number: int, text: str, *, attempt: int = 1) -> None:
    """Store a message in which the job printed `text` on stdout."""
    print_frames(stage, spec, number, Frame(STDOUT, number, text.encode()), attempt=attempt)


def join(printed: Iterable[Printed]) -> str:
    """Return what was printed, both streams together."""
    return b"".join(one.frame.data for one in printed).decode()
