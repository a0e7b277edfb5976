"""The agent: takes deliveries, runs them, writes what happened, settles them.

`intake` asks for as many jobs as can start; `attempt` takes each from its delivery to its settling; `lease` confirms
what is held; `reporting` commits records in groups; `printing` brings output to the broker; `handover` and `control`
are how agents and users talk to an agent at work; `service` is the process around all of it.

What a crash leaves behind, wherever it comes, is a delivery that nobody settled. It comes back when its lease ends, and
the record says what to do:

- before the first write: no record. The job runs, and this time the record is written first.
- while the job ran: a `running` record. Whoever gets the delivery asks the holder, gets no answer, counts a loss and
  runs the job; the old child died with its agent.
- after the final record, before the ack: a final record. The delivery is acked.
- after a `retrying` record, before its timer: early. The timer is set.
- after the timer, before the ack: the same; the timer replaces itself. Should the job be queued twice all the same, the
  copy finds the other one running, or ended, and goes.
- after a firing was enqueued, before the firing's ack: it is enqueued again under the same id, which makes one job.
"""
