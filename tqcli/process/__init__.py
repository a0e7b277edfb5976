"""Programs: the only package that starts them. Who starts what, and who kills what when.

::

    agent                      one process per host, on asyncio
    └── zygote                 forks runners; sub-reaper for what a killed runner leaves
        ├── runner             one per slot, reused; sub-reaper for its one attempt
        │   └── command        leader of its own session and process group
        │       └── …          whatever it starts, daemons included
        ├── runner
        │   └── worker         a command that stays: one Python job at a time; sub-reaper for that
        │       └── …
        └── runner …

The agent hands a runner a command and its files (`handover`), reads the output pipes itself (`output`), and gets one
answer when the command has ended and nothing of it is left (`child`). A runner does one attempt at a time, so *every*
descendant it has belongs to that attempt: `setsid`, double forks and ignored signals change nothing (`tree`).

A warm worker (`worker` is the program, `warm` the agent's side, `workers` who gets which) takes Python jobs from a
socket and tells their ends on a stream. It is to a job what a new interpreter would be, as far as a job can see: after
each it looks whether the process is as it was (`surroundings`), whether a child is left, whether a source file has
changed (`sources`). If it is not, the worker ends as a program does, and the job's end is that of the process; so the
worst that can happen to the next job is to wait for a new worker. What a crash takes with it is the job that had begun;
what still lay in the socket has not, and goes to another worker, uncounted.

============================  ====================================================================================
what happens                  what follows
============================  ====================================================================================
the command ends              the runner kills what it left behind at once, and answers when no child remains
`stop(grace)`                 TERM to every process of the attempt; KILL to what is left after the grace; a worker
                              with it, which is replaced
`run` cancelled               KILL to all of it; the slot gets a new runner
TERM to runner or zygote      nothing: a service manager sends it to all, and an agent that drains needs them
agent dies, `kill -9` too     each runner sees its socket end (or gets SIGUSR1, should a copy of it hold that open):
                              KILL to all of its attempt, then it ends; the zygote ends after the last
runner dies                   its orphans come to the zygote, which kills them; `run` returns `RunnerLost`
zygote dies                   its runners get SIGUSR1: as when the agent dies; the pool starts another zygote
zygote and runner at once     orphans come to the agent where it is a sub-reaper, which knows them by TQ_CLAIM (`stop`)
all of them at once           the next agent's start finds them by their `cgroup`, where the host delegates one, else
                              by TQ_CLAIM (`stop.kill_strays`)
============================  ====================================================================================

What the kernel won't let die (or is not ours to kill: set-user-ID) within a minute costs the slot its runner, not the
agent its peace. Source: prctl(2), PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG.
"""
