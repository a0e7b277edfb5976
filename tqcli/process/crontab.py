"""The user's own crontab, from the program that keeps it."""

from __future__ import annotations

import subprocess

from tqcli.errors import NotFound

_PATIENCE_S = 10.0


def read_own_crontab() -> bytes:
    """Return what `crontab -l` prints.

    Raises:
        NotFound: there is no such program, or it has no crontab of this user.
    """
    try:
        done = subprocess.run(
            ["crontab", "-l"], check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE_S
        )
    except OSError as error:
        msg = f"`crontab -l` can't be run: {error.strerror}"
        raise NotFound(msg, hint="name a file, as in: tq cron import FILE") from error
    except subprocess.TimeoutExpired as error:
        msg = f"`crontab -l` did not end within {_PATIENCE_S:g} s"
        raise NotFound(msg, hint="name a file, as in: tq cron import FILE") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        msg = f"`crontab -l` failed: {said or f'exit code {done.returncode}'}"
        raise NotFound(msg, hint="name a file, as in: tq cron import FILE; those of a system need --system")
    return done.stdout
