"""`tq cron import`: a crontab's entries become schedules."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.tq import Ended, Tq

CRONTAB = r"""MAILTO=ann@example.org
# nightly backup
30 4 * * * ./backup.sh >> log 2>&1
0 8 * * mon-fri mail -s "100\% done" ann%Dear Ann,%%all is well%
CRON_TZ=Asia/Tokyo
SHELL=/bin/bash
HOME=/srv/x
*/5 * * * * nice -n 5 python3 -m tools.sync
61 * * * * never
"""
SYSTEM = "*/10 * * * * root command -v collect > /dev/null && collect 1\n"
NAMES = ["mail", "nightly-backup", "tools-sync"]


@pytest.fixture
def own(tq: Tq) -> Tq:
    """Return a `tq` whose user has a crontab."""
    return give_program(tq, "cat <<'END'\n" + CRONTAB + "END\n")


def give_program(tq: Tq, body: str) -> Tq:
    """Put a program `crontab` before all others."""
    folder = tq.home / "bin"
    folder.mkdir()
    program = folder / "crontab"
    program.write_text(f'#!/bin/sh\n[ "$*" = -l ] || exit 9\n{body}')
    program.chmod(0o755)
    tq.env["PATH"] = f"{folder}:{tq.env['PATH']}"
    tq.env["TZ"] = "Europe/Berlin"
    return tq


def names(done: Ended) -> list[str]:
    """Return the names in the answer of `tq schedule ls --json`."""
    return [one["name"] for one in json.loads(done.stdout)]


def test_dry_run_prints_a_schedule_file_and_what_is_not_kept(own: Tq) -> None:
    """No broker is needed; each entry has the zone, the directory and the shell that cron gave it."""
    done = own("--server", "nats://127.0.0.1:1", "cron", "import", "--dry-run")
    assert done.code == 0
    home = str(own.home)
    usual = {"tz": "Europe/Berlin", "overlap": "allow", "catch-up": "none", "cwd": home}
    assert tomllib.loads(done.text) == {
        "nightly-backup": usual | {"cron": "30 4 * * *", "shell": "./backup.sh >> log 2>&1"},
        "mail": usual
        | {
            "cron": "0 8 * * mon-fri",
            "shell": 'mail -s "100% done" ann',
            "stdin-text": "Dear Ann,\n\nall is well\n",
        },
        "tools-sync": usual
        | {
            "cron": "*/5 * * * *",
            "tz": "Asia/Tokyo",
            "command": ["/bin/bash", "-c", "nice -n 5 python3 -m tools.sync"],
            "cwd": "/srv/x",
            "env": {"SHELL": "/bin/bash", "HOME": "/srv/x"},
        },
    }
    assert done.text.startswith("# line 3\n[nightly-backup]\n")
    told = done.stderr.splitlines()
    assert told[0].startswith("line 1: no mail is sent to 'ann@example.org' (")
    assert told[1].startswith("line 9: not kept: the cron expression '61 * * * *', the minute field, at position 1: ")
    assert len(told) == 2


@pytest.mark.usefixtures("stage")
def test_crontab_is_imported_once(own: Tq) -> None:
    """The second time nothing changes; another schedule of that name is not taken over unasked."""
    done = own("cron", "import", "--paused")
    assert done.code == 0, done.stderr
    assert done.text.splitlines()[-1] == "3 added, 0 unchanged"
    assert "+ nightly-backup  30 4 * * * Europe/Berlin, paused" in done.text
    assert "cron still runs them too" not in done.stderr
    assert names(own("schedule", "ls", "--json")) == NAMES
    again = own("cron", "import", "--json")
    told = json.loads(again.stdout)
    assert (told["added"], told["changed"], told["unchanged"], told["dry_run"]) == ([], [], NAMES, False)
    assert told["schedules"]["mail"]["cron"] == "0 8 * * mon-fri"
    assert [remark["line"] for remark in told["remarks"]] == [1, 9]

    own("schedule", "add", "mail", "--replace", "--every", "1h", "--", "true")
    refused = own("cron", "import")
    assert refused.code == 4
    assert "there is a schedule 'mail' already, and it is another: nothing is imported" in refused.stderr
    other = own("cron", "import", "--prefix", "web1-")
    assert "cron still runs them too" in other.stderr
    assert names(own("schedule", "ls", "--json")) == [*NAMES, *(f"web1-{name}" for name in NAMES)]
    replaced = own("cron", "import", "--replace")
    assert replaced.text.splitlines()[-1] == "1 changed, 2 unchanged"
    assert "declared" not in replaced.text


@pytest.mark.usefixtures("stage")
def test_dry_run_declares_the_same_schedules(own: Tq) -> None:
    """Applying what the dry run printed, and importing then, changes nothing."""
    (own.home / "all.toml").write_bytes(own("cron", "import", "--dry-run").stdout)
    assert own("schedule", "apply", "all.toml").text.splitlines()[-1] == "3 added, 0 unchanged"
    assert own("cron", "import").text == "3 unchanged"
    assert own("schedule", "apply", "all.toml").text == "3 unchanged"


def test_file_of_a_system_has_users(tq: Tq) -> None:
    """They are no part of the command, nor of the schedule; neither is a home."""
    done = tq("cron", "import", "-", "--system", "--dry-run", stdin=SYSTEM.encode(), env={"TZ": "UTC"})
    table = tomllib.loads(done.text)["collect"]
    assert table["shell"] == "command -v collect > /dev/null && collect 1"
    assert "cwd" not in table
    assert "line 1: the jobs of 'root' run as the user of the agent that gets them" in done.stderr


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo 'no crontab for ann' >&2; exit 1\n", "`crontab -l` failed: no crontab for ann"),
        ("exit 3\n", "exit code 3"),
    ],
)
def test_no_crontab_is_said(tq: Tq, body: str, said: str) -> None:
    """What the program says is passed on."""
    done = give_program(tq, body)("cron", "import", "--dry-run")
    assert done.code == 3
    assert said in done.stderr
    assert "hint: name a file" in done.stderr


def test_what_is_no_crontab_is_said(tq: Tq, tmp_path: Path) -> None:
    """No program, no file, no text, nothing in it, no prefix."""
    done = tq("cron", "import", "--dry-run", env={"PATH": str(tmp_path)})
    assert (done.code, "`crontab -l` can't be run: No such file" in done.stderr) == (3, True)
    assert tq("cron", "import", "nothing").code == 2
    done = tq("cron", "import", "-", "--dry-run", stdin=b"# x\n* * * * * echo \xff\n")
    assert (done.code, "the crontab is not UTF-8 text, in line 2" in done.stderr) == (2, True)
    done = tq("cron", "import", "-", "--dry-run", stdin=b"# nothing\n")
    assert (done.code, done.stdout, "has no entry" in done.stderr) == (0, b"", True)
    assert tq("cron", "import", "-", "--prefix", "A b", "--dry-run", stdin=b"").code == 2
