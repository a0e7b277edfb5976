"""Every record that was ever committed: a mirror of the records, which themselves keep only the last of each job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.core.codec import decode_record
from tqcli.core.ids import JobId
from tqcli.jetstream.api import call
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import split_tail
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tqcli.core.record import Record


class History:
    """The records of one stage."""

    def __init__(self, stage: Stage) -> None:
        """Begin to watch; before the first record, so none is missed."""
        self._stage = stage
        self._name = f"{stage.names.records}_HISTORY"
        config = {
            "name": self._name,
            "mirror": {"name": stage.names.records},
            "storage": "file",
            "allow_direct": True,
        }
        stage.run(call(stage.link, f"STREAM.CREATE.{self._name}", config))

    def is_complete(self) -> bool:
        """Return whether it has the newest record."""
        ours, theirs = (
            self._stage.run(stream_state(self._stage.link, name))["last_seq"]
            for name in (self._name, self._stage.names.records)
        )
        return bool(ours == theirs)

    def read(self) -> dict[str, list[Record]]:
        """Return the records of every job, in the order they were written. The jobs' names are `<group>.<index>`."""
        found: dict[str, list[Record]] = {}
        wildcard = self._stage.names.records_of()
        for stored in self._stage.collect(oldest_first(self._stage.link, self._name, wildcard, page=256)):
            found.setdefault(str(JobId(*split_tail(stored.subject))), []).append(decode_record(stored.body))
        return found
