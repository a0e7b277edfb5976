"""Commands that do the same to each of several jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.core.exit_status import worst
from tqcli.errors import TqError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.cli.invocation import Invocation
    from tqcli.cli.session import Session
    from tqcli.core.ids import JobId


def do_to_each(tq: Invocation, words: Sequence[str] | None, act: Callable[[Session, JobId], tuple[object, str]]) -> int:
    """Do `act` to each job named by `words` (none: `@last`); return the worst exit code.

    `act` returns what to print: the document for JSON, and the line otherwise. All are tried, and each failure is told.

    Raises:
        TqError: there is one job, and it failed.
    """
    codes = []
    with tq.session() as session:
        jobs = session.ids(words or [])
        for job in jobs:
            try:
                document, line = act(session, job)
            except TqError as error:
                if len(jobs) == 1:
                    raise
                tq.output.error(error)
                codes.append(error.exit_code)
                continue
            if tq.output.json:
                tq.output.document(document)
            else:
                tq.output.line(line)
    return worst(codes)
