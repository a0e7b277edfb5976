"""Settings: where tq keeps its files, how a broker is reached, and where each value came from.

Precedence is flag > environment > file > local. A value that is refused is refused by the name of its source.
"""
