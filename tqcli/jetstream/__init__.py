"""Everything that goes over the wire: the only package that imports nats.

Streams, subjects and why their limits are so: `topology` and `subjects`. Two kinds of connection behind one interface:
`link`. One module for each thing that is stored: `enqueue` (jobs), `records`, `logs`, `timers`, `objects`, `presence`,
`limits`, `schedules`; `scan` reads any of them without leaving a consumer behind; `pull` is how agents get their
deliveries.

Two rules carry all the rest. *Only a PubAck counts*: what is handed to a socket may be lost, so everything durable is a
request, repeated under the same id until it is answered. *Acks prove nothing*: JetStream answers OK to whoever lost the
lease long ago, so what an attempt did is written by compare-and-set, and the write that fails is the word that the job
is somebody else's.
"""
