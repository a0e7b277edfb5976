"""What a job returned, wherever it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.patience import insist

if TYPE_CHECKING:
    from tqcli.core.job import Job
    from tqcli.jetstream.broker import Broker


async def load_result(broker: Broker, job: Job) -> bytes:
    """Return the JSON of what a job returned; `null` where it returned nothing, or has not.

    Raises:
        NotFound: it was large, so it was stored apart from the record, and is forgotten by now.
        CorruptRecord: it is damaged.
    """
    stored = job.stored_result
    if stored is None:
        return b"null" if job.result is None else bytes(job.result)
    from tqcli.jetstream.objects import get_object  # noqa: PLC0415 - most results are in their record

    return await insist(broker, lambda: get_object(broker, stored.digest))
