"""The command `tq`: words in, data and an exit code out.

Typer reads the words, finds the command, and calls it. `root` is `tq` itself; `command` builds a command, importing its
module alone, from what `verbs` lists and what its function declares (see `parameter` and `signature`); `mistakes` and
`help` are the words for it. Then `session` connects; `render` makes lines of what `client` returned; `output` writes
them, tables and bars with rich, which is imported only where one is drawn.
"""
