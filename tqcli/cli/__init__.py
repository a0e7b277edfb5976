"""The command `tq`: words in, data and an exit code out.

`app` finds the command in the table of `verbs` and imports its module alone; `parameter` and `parser` turn words into
the arguments of its function; `session` connects; `render` makes lines of what `client` returned; `output` writes them.
Parser, tables and progress bar are our own: importing any library for them takes longer than the rest of a submit.
"""
