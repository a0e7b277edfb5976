"""Crontab files: what becomes a schedule, under which name, and what is said of the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.core.check import check_env
from tqcli.core.names import check_name
from tqcli.core.schedules.cron import parse_cron
from tqcli.core.schedules.crontab import DEFAULT_SHELL, Crontab, Entry, parse_crontab, split_input
from tqcli.errors import InvalidInput

# In the form of what packages of Debian bring: sysstat, php-common, certbot, mdadm, and the distribution's own.
PACKAGES = r"""# The first directory is where the collector is
PATH=/usr/lib/collector:/usr/sbin:/usr/bin:/sbin:/bin

# Reports every ten minutes, all day
5-55/10 * * * * root command -v collect > /dev/null && collect 1 1

# Turn the file at midnight
59 23 * * * root command -v collect > /dev/null && collect 60 2

# /etc/cron.d/sessions: this purges what is older than X, where
# X is the largest value there is

# Look for old sessions every half hour and delete them then
09,39 *  * * *  www-data  [ -x /usr/lib/web/sessionclean ] && if [ ! -d /run ]; then /usr/lib/web/sessionclean; fi

SHELL=/bin/bash
0 */12 * * * root test -x /usr/bin/renew -a \! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && renew -q
57 0 * * 0 root if [ -x /usr/share/disks/check ] && [ $(date +\%d) -le 7 ]; then /usr/share/disks/check --all; fi
17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
25 6	* * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
@reboot root /usr/local/bin/warm-up
"""

OWN = r"""# Edit this file to introduce tasks to be run by cron.
#
# m h  dom mon dow   command
MAILTO=ann@example.org
HOME = "/srv/data dir"
LANG='C.UTF-8'
GREETING = it is "quoted" in part
# nightly backup
30 4 * * * ./backup.sh --to="$HOME/b" >> log 2>&1
@daily	/usr/bin/python3 -u tools/report.py
0 8 * * mon-fri mail -s "100\% done" ann%Dear Ann,%%all is well%
CRON_TZ=Asia/Tokyo
*/5 * * * * FOO=bar nice -n 5 python3 -m tools.sync \\server
61 * * * * echo never
0 0 31 2 * echo never
not a line
* * * * *
CRON_TZ=Asia/Toky
TQ_QUEUE=fast
TZ=UTC
LOGNAME=root
MAILTO=""
RANDOM_DELAY=45
@hourly echo after all
"""


def by_name(crontab: Crontab) -> dict[str, Entry]:
    """Return the entries by their names."""
    return {entry.name: entry for entry in crontab.entries}


def remarks(crontab: Crontab) -> dict[int, str]:
    """Return the remarks by their lines."""
    return {remark.line: remark.text for remark in crontab.remarks}


def test_files_of_packages_are_read() -> None:
    """Users stand before the commands; what only tests whether a program is there does not give the name."""
    crontab = parse_crontab(PACKAGES, system=True)
    entries = by_name(crontab)
    assert list(entries) == [
        "reports-every-ten-minutes-all-day",
        "turn-the-file-at-midnight",
        "sessionclean",
        "renew",
        "check",
        "cron-hourly",
        "cron-daily",
    ]
    assert [entry.cron for entry in crontab.entries] == [
        "5-55/10 * * * *",
        "59 23 * * *",
        "09,39 * * * *",
        "0 */12 * * *",
        "57 0 * * 0",
        "17 * * * *",
        "25 6 * * *",
    ]
    assert entries["turn-the-file-at-midnight"].command == "command -v collect > /dev/null && collect 60 2"
    assert entries["turn-the-file-at-midnight"].env == {"PATH": "/usr/lib/collector:/usr/sbin:/usr/bin:/sbin:/bin"}
    assert entries["turn-the-file-at-midnight"].shell == DEFAULT_SHELL
    assert entries["renew"].shell == "/bin/bash"
    assert "-le 7" in entries["check"].command
    assert "$(date +%d)" in entries["check"].command
    assert {entry.user for entry in crontab.entries} == {"root", "www-data"}
    assert "the jobs of 'www-data' run as the user of the agent" in remarks(crontab)[14]
    assert "the jobs of 'root'" in remarks(crontab)[5]
    assert remarks(crontab)[21].startswith("not kept: the cron expression '@reboot' names no time")


def test_own_crontab_is_read() -> None:
    """Variables hold for what is below them; what can't be kept is said with its line."""
    crontab = parse_crontab(OWN)
    entries = by_name(crontab)
    assert list(entries) == ["nightly-backup", "report", "mail", "tools-sync", "echo"]
    env = {"HOME": "/srv/data dir", "LANG": "C.UTF-8", "GREETING": 'it is "quoted" in part'}
    assert entries["nightly-backup"] == Entry(
        line=9,
        name="nightly-backup",
        cron="30 4 * * *",
        command='./backup.sh --to="$HOME/b" >> log 2>&1',
        env=env,
        cwd="/srv/data dir",
    )
    assert entries["report"].cron == "@daily"
    assert entries["mail"].command == 'mail -s "100% done" ann'
    assert entries["mail"].stdin == "Dear Ann,\n\nall is well\n"
    assert entries["mail"].zone is None
    assert entries["tools-sync"].command == r"FOO=bar nice -n 5 python3 -m tools.sync \server"
    assert entries["tools-sync"].zone == entries["echo"].zone == "Asia/Tokyo"
    assert entries["echo"].env == env | {"TZ": "UTC", "RANDOM_DELAY": "45"}
    assert remarks(crontab) == {
        4: "no mail is sent to 'ann@example.org'",
        14: "not kept: the cron expression '61 * * * *', the minute field, at position 1: '61' is more than 59",
        15: "not kept: the cron expression '0 0 31 2 *' never matches: none of its months has such a day",
        16: "not kept: the cron expression 'not a line', at position 11: the month field is missing",
        17: "not kept: there is no command",
        18: "not kept: there is no time zone 'Asia/Toky'",
        19: "not kept: the environment variable 'TQ_QUEUE' is reserved: tq sets TQ_… itself",
        20: "TZ is what the jobs see; it does not change when they run, nor does it with Debian's cron",
        21: "LOGNAME is the agent's user; cron does not let it be set either",
        23: "the jobs are not delayed at random, by up to '45' minutes",
    }


@pytest.mark.parametrize(
    ("text", "command", "stdin"),
    [
        ("cat", "cat", None),
        ("cat%", "cat", ""),
        ("cat%one", "cat", "one\n"),
        ("cat%one%%two%", "cat", "one\n\ntwo\n"),
        (r"date +\%F", "date +%F", None),
        (r"date +\%F%100\%", "date +%F", "100%\n"),
        (r"printf a\\b\nc", r"printf a\b\nc", None),
        (r"grep \\%x\n\\y", "grep \\", "x\\n\\\\y\n"),
        ("%x", "", "x\n"),
    ],
)
def test_percent_ends_the_command(text: str, command: str, stdin: str | None) -> None:
    r"""Behind it stands the standard input, with a new line for each %; \% is a %."""
    assert split_input(text) == (command, stdin)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        (["* * * * * /a/b.sh", "* * * * * /c/b.sh", "* * * * * b"], ["b", "b-2", "b-3"]),
        (["# 5 4 * * * /old/job", "* * * * * /new/job"], ["5-4-old-job"]),
        (["# one", "# two", "* * * * * true"], ["job"]),
        (["# one", "", "* * * * * /x/y.tar.gz"], ["y-tar"]),
        (["# Über-Prüfung", "* * * * * x"], ["ber-pr-fung"]),
        (["# " + "long " * 30, "* * * * * /opt/Über"], ["ber"]),
        (["* * * * * " + "x" * 100, "* * * * * " + "x" * 100], ["x" * 64, "x" * 62 + "-2"]),
        (["* * * * * bash -c 'a b'", "* * * * * sh /x/run.sh", "* * * * * (cd /x; ./go)"], ["bash", "run", "go"]),
        (["* * * * * ::", "* * * * * '$X'"], ["job", "x"]),
    ],
)
def test_name_is_short_and_the_only_one(lines: list[str], names: list[str]) -> None:
    """It comes from a short comment above, or the program, with a number where it is taken."""
    assert [entry.name for entry in parse_crontab("\n".join(lines)).entries] == names


def test_prefix_begins_each_name() -> None:
    """Names of another host's crontab don't meet those of this one's."""
    crontab = parse_crontab("* * * * * a\n* * * * * a\n", prefix="web1-")
    assert [entry.name for entry in crontab.entries] == ["web1-a", "web1-a-2"]
    for prefix in ("Web", "-", "a b", "x" * 64):
        with pytest.raises(InvalidInput, match="can't name a schedule"):
            parse_crontab("", prefix=prefix)


def test_user_is_not_looked_for_in_an_own_crontab() -> None:
    """The first word of the command is one."""
    assert parse_crontab("* * * * * root x").entries[0].command == "root x"
    (remark,) = parse_crontab("* * * * * root", system=True).remarks
    assert remark.text == "not kept: there is no command after the user 'root'"
    assert remark.hint == "a line of a user's own crontab has no user"


def test_what_no_program_can_be_given_is_refused() -> None:
    """Neither the command nor what it reads nor a variable may have a NUL."""
    crontab = parse_crontab("* * * * * a\0b\n* * * * * cat%a\0b\nA=b\0c\n")
    assert crontab.entries == ()
    assert all("contains a NUL byte" in remark.text for remark in crontab.remarks)
    assert [remark.line for remark in crontab.remarks] == [1, 2, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_end_of_line_is_no_part_of_the_command(end: str) -> None:
    """A file from another system runs the same commands."""
    crontab = parse_crontab(f"A=b{end or chr(10)}  0 4 * * * run it{end}")
    assert crontab.entries[0].command == "run it"
    assert crontab.entries[0].env == {"A": "b"}


lines = st.text(alphabet="*/05 \t#@dailyreboot=%\\'\"$;&|[]-MAILTOCRZHE.ü\x00", max_size=40)


@given(text=st.lists(lines, max_size=8).map("\n".join), system=st.booleans())
def test_any_text_is_read(text: str, system: bool) -> None:  # noqa: FBT001 - hypothesis
    """Each line becomes an entry, a variable or a remark, and each entry can be a schedule."""
    crontab = parse_crontab(text, system=system)
    names = [entry.name for entry in crontab.entries]
    assert len(names) == len(set(names))
    for entry in crontab.entries:
        check_name(entry.name, noun="schedule")
        parse_cron(entry.cron)
        check_env(entry.env)
        assert entry.command.strip()
