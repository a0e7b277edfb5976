"""Completion in bash, zsh and fish.

The scripts hold every command and option themselves, so that most completions start no process at all. They ask
`tq __complete KIND PREFIX` only for what changes: names of queues, agents and contexts, and ids of recent jobs. All
three read the line alike: find the command, skip the options and their values, and leave what follows `--`, or the
first word of `tq run WORD…`, to the shell's completion of that command.
"""
