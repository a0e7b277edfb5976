"""A model of tq: its real code over a simulated broker, driven by hypothesis through everything that can go wrong.

`machine` draws what happens: submits, deliveries, ends of children, cancels, and the trouble: an operation that is
lost, one that happens and then reports a timeout, one that arrives late, crashes, freezes, restarts, time. `link` turns
each operation of the product's coroutines into one step of its own, `broker` does what nats-server does with it,
`fleet` holds the agents, `world` puts them together, and `ledger` watches from outside: it knows what was promised,
which children really ran, and what was ever written, and raises `Broken` where that does not fit.

What runs is the product's own: `enqueue`, `Attempt`, `Execution`, `Leases`, `Control`, `Firings._move`, the records,
the timers, `cancel`, and all of the core. `rules` is the little that is copied, so that one rule after the other can be
switched off: without it the model must fail.

`python -m tests.model --runs N` runs it for as long as one likes.
"""
