"""The rules of tq: pure, without I/O, clock, chance or asyncio. Callers bring `now` and the draws.

A job's states, and every move between them::

    scheduled → queued, cancelled, expired
    blocked → queued, cancelled, expired
    queued → running, retrying, succeeded, failed, cancelled, expired
    running → running, queued, retrying, succeeded, failed, cancelled, expired
    retrying → running, queued, retrying, succeeded, failed, cancelled, expired
    succeeded → nothing
    failed → nothing
    cancelled → nothing
    expired → nothing

`running → running` is another agent that takes over a lost lease; `running → queued`, a job given back. What an attempt
did is an `Outcome`, a fact; what follows is a `Verdict`, decided in `verdict` from the spec, the counts, the outcome,
the time and a draw; `record` turns it into the next record, and nothing else changes a state.

What users write (`duration`, `size`, `backoff`, `codes`, `names`, `jobfile`) is parsed here into `options`, and from
those into a `spec`, which `check` accepts or refuses and `codec` takes to the wire and back.

What is decided of schedules is in `schedules`.

What Python jobs take and return is described in `values`; `pack` and `unpack` do it.
"""
