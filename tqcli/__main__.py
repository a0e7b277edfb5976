"""`python -m tqcli`: the command `tq`."""

from __future__ import annotations

from tqcli.cli.app import main

main()
