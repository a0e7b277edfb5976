"""The proof that tq loses nothing, whatever dies.

Two suites. `test_crash_points` finds every step that an agent takes between a job's delivery and its end, and kills an
agent right before and right after each of them. `test_storm` lets a fleet work behind bad lines while faults drawn at
random come down on it; `python -m tests.chaos` does the same for as long as you like.

Neither believes tq. What ran is in a *ledger*, a file to which the jobs themselves append; what was accepted is in the
submitters' *receipts*; which records were ever committed, in a stream to which the server copies them; which processes
are left, in /proc. `judge` compares the four:

- lost: accepted, but without a final record; or called succeeded, but no run of it ended so; or output is missing.
- missed: a planned time of a schedule at which nothing began, nor later.
- doubled: two final records; two jobs of one planned time; a record, or a run, that no submit explains; more attempts
  or losses than allowed.
- late: its agent was killed, and ten seconds of calm later it had neither begun again nor ended.
- left over: a process of an attempt, five seconds after the attempt ended or its agent was killed.
"""
