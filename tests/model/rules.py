"""The test's copy of three rules, each of which can be switched off: without any of them the model must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tqcli.agent.attempt import Attempt
from tqcli.core.verdict import Retry, Return
from tqcli.jetstream.pull import ACK
from tqcli.jetstream.subjects import HEADER_EXPECTED, HEADER_MSG_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.model.fleet import Agent
    from tqcli.core.outcome import Outcome
    from tqcli.core.record import Output
    from tqcli.core.verdict import Verdict
    from tqcli.jetstream.pull import Delivery


class Rules(NamedTuple):
    """Which rules hold."""

    compare_and_set: bool = True
    record_before_ack: bool = True
    message_id: bool = True

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return what of a message's headers is sent."""
        dropped = {HEADER_EXPECTED: not self.compare_and_set, HEADER_MSG_ID: not self.message_id}
        return {name: value for name, value in headers.items() if not dropped.get(name)}


class ModelAttempt(Attempt):
    """The product's attempt, which can be made to settle before it records."""

    def __init__(self, agent: Agent, delivery: Delivery) -> None:
        """As an attempt; its child is one of the model's."""
        super().__init__(agent.desk, delivery, free_slot=lambda: None)
        self.agent = agent
        self.delivery = delivery
        self.number = int(delivery.settle.rpartition(".")[2])
        self._execution = agent.execute(self)

    @property
    def running(self) -> int:
        """The number of the attempt that runs."""
        return self._record.attempt

    async def _conclude(
        self, outcome: Outcome, *, verdict: Verdict | None = None, output: Output | None = None
    ) -> None:
        verdict = verdict or self._decide(outcome)
        if not self.agent.world.rules.record_before_ack and not isinstance(verdict, Retry | Return):
            await self._settle(ACK)
        await super()._conclude(outcome, verdict=verdict, output=output)
