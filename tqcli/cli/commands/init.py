"""`tq init`: the streams of a broker, with as many copies as they shall have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tqcli.cli.parameter import Option

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.client.init import Change


def init(
    tq: Invocation,
    *,
    replicas: Annotated[
        int, Option("--replicas", metavar="N", help="copies of each stream: 1, or 3 or 5 in a cluster")
    ] = 1,
) -> None:
    """Make the streams of tq, or change how many copies of them a cluster keeps. Jobs go on meanwhile.

    Without it the first use makes them with one copy. Three outlive the loss of any one server. After an upgrade it
    makes the consumers of the queues as the new version needs them.

    Examples:
        tq --context prod init --replicas 3
    """
    from tqcli.client.init import init_consumers, init_streams  # noqa: PLC0415 - help needs no broker

    with tq.session() as session:
        changes = session.run(init_streams(session.broker, copies=replicas))
        updated = session.run(init_consumers(session.broker))
    for name in updated:
        tq.output.note(f"tq: the consumer {name} is as this version needs it now")
    if tq.output.json:
        tq.output.document(changes)
        return
    width = max(len(change.stream) for change in changes)
    tq.output.lines(f"{change.stream:{width}}  {_describe(change)}" for change in changes)


def _describe(change: Change) -> str:
    copies = f"{change.copies} copies" if change.copies > 1 else "1 copy"
    if change.before is None:
        return f"made, {copies}"
    return f"{copies}, as before" if change.before == change.copies else f"{copies}, {change.before} before"
