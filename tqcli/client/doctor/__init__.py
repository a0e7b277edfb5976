"""The doctor: looks at all that jobs depend on, and says of each thing whether it is well, and if not what to do.

`examine` runs the checks, one after the other; each is a function that returns its findings and changes nothing, except
that `storage` stores a message and removes it. What can't be looked at is *unknown*, never well.

- `server`: the broker's version, its answer time, its clock against ours
- `storage`: streams and consumers as tq needs them, copies, leaders, room; whether a message can be stored just now
- `durability`: whether an accepted job outlives a power cut
- `residue`: messages that an acknowledgement should have removed (H19)
- `fleet`: agents that are silent, old or whose clock is wrong; jobs that wait where nobody serves them
"""
