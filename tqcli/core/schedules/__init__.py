"""Schedules: what is decided of them, without a broker and without a clock.

`rule` says which times are planned, by `cron` expressions, at intervals or once; `daylight` what becomes of them where
clocks are changed. `schedule` is a schedule as it is stored, and `planning` makes the next snapshot out of the last
one. `options`, `table` and `file` read what users write, `applying` compares it with what is there, `view` is what they
see; `crontab` reads what they had before.
"""
