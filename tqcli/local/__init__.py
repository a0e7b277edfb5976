"""The embedded server: tq's own nats-server and agent, for one state folder.

A *keeper* process starts both, restarts what crashes, and stops both when nobody needs them any more. There is one
keeper per state folder. What is true is told by locks, which the kernel releases with their holder; never by a pid or a
flag that is left lying about:

    users.lock    held shared by every command for as long as it needs the broker. The keeper leaves once it gets the
                  lock for itself, and has it until it is gone: newcomers wait, find no keeper, and start the next.
    keeper.lock   held by the keeper, and by its nats-server: no other can open the store before both are gone.
    server.json   what runs, and how to connect. Its writer keeps it locked: an unlocked one is a dead keeper's.
    start.lock    held by a command while it starts the keeper, so that many at once start one.
    keeper.fifo   wishes to the running keeper: `agent`, `keep` (`tq up`), `stop` (`tq down`), `check` (somebody left).

What each crash leaves behind: kill -9 of a command releases its lock, and the keeper leaves within a second or two.
kill -9 of the keeper kills its server and its agent (PDEATHSIG); the store syncs always, so no accepted job is lost. A
power cut leaves files that nobody has locked.

The keeper's modules import little, and nothing of tqcli that imports much: a user is waiting for it.
"""
