"""The ends of a worker's jobs are read whole, however they arrive."""

from __future__ import annotations

import pytest

from tqcli.process.ends import End, Ends
from tqcli.process.worker_wire import DONE, LAST, RETIRED, encode_end

SENT = (
    encode_end(DONE, 1, 0, b'{"value":1}', unread=False)
    + encode_end(RETIRED, 2, 3, b"", unread=True)
    + encode_end(LAST, 4_000_000_000, 255, b"x" * 70_000, unread=True)
)
EXPECTED = [
    End(DONE, 1, 0, False, b'{"value":1}'),  # noqa: FBT003
    End(RETIRED, 2, 3, True, b""),  # noqa: FBT003
    End(LAST, 4_000_000_000, 255, True, b"x" * 70_000),  # noqa: FBT003
]


@pytest.mark.parametrize("size", [1, 7, 4096, len(SENT)])
def test_ends_come_in_any_pieces(size: int) -> None:
    """A byte at a time, or several at once."""
    ends = Ends()
    assert [end for at in range(0, len(SENT), size) for end in ends.feed(SENT[at : at + size])] == EXPECTED


def test_what_no_worker_says_is_refused() -> None:
    """An unknown kind, and more than any result can be."""
    for nonsense in (b"?" * 20, encode_end(DONE, 1, 0, b"", unread=False)[:-4] + b"\xff" * 4):
        with pytest.raises(ValueError, match="understood"):
            list(Ends().feed(nonsense))
