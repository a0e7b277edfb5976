"""The agent: takes deliveries, runs them, writes what happened, settles them.

`intake` asks for as many jobs as can start; `attempt` takes each from its delivery to its settling; `lease` confirms what
is held; `reporting` commits records in groups; `printing` brings output to the broker; `handover` and `control` are how
agents and users talk to an agent at work; `service` is the process around all of it.

What a crash leaves behind, step by step:

| the agent dies | on the broker | then |
|---|---|---|
| before its first write | an unsettled delivery | redelivered when its lease ends; this time the record is written first |
| while the job runs | a `running` record, an unsettled delivery | whoever gets it asks the holder, gets no answer, counts a loss, runs the job again; the child died with its agent |
| after the final record, before the ack | a final record, an unsettled delivery | redelivered, found final, acked |
| after a `retrying` record, before its timer | the record, an unsettled delivery | redelivered, found early, the timer is set again |
| after the timer, before the ack | all three | the timer replaces itself; the job's copy, if it fires twice, finds the other one running, or final |
| after a firing was enqueued, before its ack | the job, and the firing again | enqueued under the same id: one job |
"""
