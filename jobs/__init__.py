"""Ready-made jobs: to use as they are, and to learn from.

==============  =======================  ===============================================================
job file        function                 does
==============  =======================  ===============================================================
mail.toml       `jobs.mail:send`         sends a mail, attachments included; a retry is not a second mail
report.toml     `jobs.report:generate`   makes an HTML page with a table and a chart out of a CSV file
backup.toml     `jobs.backup:create`     archives a directory, verifies that, removes old archives by rules
restore.toml    `jobs.backup:restore`    unpacks such an archive into an empty directory
clean.toml      `jobs.clean:normalize`   tidies a CSV file; rows it can't tidy go aside, with the reason
==============  =======================  ===============================================================

A job file names the function, its arguments and how the job is to be run. Arguments on the command line win::

    tq submit -f jobs/report.toml --arg source="$PWD/sales.csv" --arg group_by=region --arg value=amount
    tq wait @last && tq result @last

`schedules/` has a file for `tq schedule apply`, which runs some of them again and again.

They need Python alone. Relative paths start at the directory that holds `jobs/`, as the files' `cwd` says: from
elsewhere, give absolute ones.

How to write one that fits in:

- **A plain function**: arguments in and value out are JSON, so `tq result` can show it and the next job can read it.
- **Safe to run twice.** tq runs a job at least once; after a crash, again. What these jobs write appears with one
  rename at the end, and what they send carries the job's id (TQ_JOB_ID).
- **An exception means failed**, and its message is what the user reads: it says which file and which line.
  One with a type of its own lets others tell "try again" from "never".
- **What it prints is its progress**, flushed at once: stdout is a pipe, and `tq logs -f` shows each line as it comes.
- **Secrets come from the agent's environment**; arguments are stored with the job.
"""
