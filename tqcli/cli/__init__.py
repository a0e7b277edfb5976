"""The command `tq`: words in, data and an exit code out.

`app` finds the command in the table of `verbs` and imports its module alone; `parameter` and `parser` turn words into the
arguments of its function; `session` connects; `render` makes lines of what `client` returned; `output` writes them. What
a submit imports is counted: no parser, table or progress bar from a library, because importing any costs more than the
rest of the command.
"""
