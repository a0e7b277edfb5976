"""What reaches those who listen to a job on a stage: log messages, and records that nobody should believe."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tqcli.core.codec import encode
from tqcli.core.conclusion import conclude
from tqcli.core.outcome import Exited
from tqcli.core.verdict import Succeed
from tqcli.jetstream.logs import STDOUT, Frame, encode_frame, encode_message
from tqcli.jetstream.subjects import HEADER_EXPECTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.stage import Stage
    from tqcli.client.printed import Printed
    from tqcli.core.spec import Spec


def encode_frames(number: int, frames: Iterable[Frame]) -> bytes:
    """Return the body of a log message."""
    return encode_message(number, b"".join(encode_frame(*frame) for frame in frames))


def print_frames(stage: Stage, spec: Spec, number: int, *frames: Frame, attempt: int = 1) -> None:
    """Store message `number` of an attempt's log."""
    stage.put(stage.names.log(spec.group, spec.index, attempt), encode_frames(number, frames))


def print_text(stage: Stage, spec: Spec, number: int, text: str, *, attempt: int = 1) -> None:
    """Store a message in which the job printed `text` on stdout."""
    print_frames(stage, spec, number, Frame(STDOUT, number, text.encode()), attempt=attempt)


def publish_refused(stage: Stage, spec: Spec) -> None:
    """Publish a final record of a running job that the broker refuses: its holder has lost its fence."""
    last, _ = stage.read(spec)
    record = conclude(last, Exited(0), Succeed(), now=datetime.now(UTC))

    async def post() -> None:
        subject = stage.names.record(spec.group, spec.index)
        reply = await stage.link.post(subject, encode(record), headers={HEADER_EXPECTED: "999999999"})
        assert b"error" in reply.body

    stage.run(post())


def join(printed: Iterable[Printed]) -> str:
    """Return what was printed, both streams together."""
    return b"".join(one.frame.data for one in printed).decode()
