"""The agent: takes deliveries, runs them, writes what happened, settles them.

`intake` asks for as many jobs as can start; `attempt` takes each from its delivery to its settling; `lease` confirms
what is held; `reporting` commits records in groups; `printing` brings output to the broker; `handover` and `control`
are how agents and users talk to an agent at work; `firings` and `schedules` see to what comes due; `service` is the
process around all of it.

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
- within a tick of a schedule: the firing comes back. What was decided stands in the schedule's snapshot, and is done.

Which firings are the server's, and which times are ours: nats-server fires one-shot timers (`@at`), and nothing else.
All planned times of a schedule are computed by tq (`core.schedules.rule`), and the next one is set as such a timer by
whichever agent handles a firing, before it settles it. The server's own recurring schedules would fire while nobody is
there to decide, once for all that was missed; they know no jitter, no overlap, no end and no catch-up rule, and at a
change of clocks they leave out or repeat what crontab(5) does not. Here each planned time has its job's id, so a second
firing makes no second job; preview, runs and backfill follow one rule. And the chain can't break: a timer that is lost,
or was never set, is found missing by the sweep.
"""
