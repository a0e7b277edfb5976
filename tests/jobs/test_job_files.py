"""Every job file in `jobs/` through the real command, with a server and an agent of its own."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.jobs.smtp_server import SmtpServer
from tests.support.tq import ROOT, Tq
from tqcli.client.jobfile import load_jobfile

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB_FILES = sorted((ROOT / "jobs").glob("*.toml"))


@pytest.fixture(scope="module")
def tq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tq]:
    """Return the command, with server and agent up in the background."""
    command = Tq(tmp_path_factory.mktemp("tq"))
    assert command("up").code == 0
    try:
        yield command
    finally:
        command("down")


def submit(tq: Tq, job_file: str, *options: str, code: int = 0, **arguments: object) -> str:
    """Submit a job file with these arguments over its own, and wait; return the id once it ended with `code`."""
    overrides = [word for pair in arguments.items() for word in ("--arg", f"{pair[0]}={write_argument(pair[1])}")]
    ended = tq("submit", "-f", str(ROOT / "jobs" / job_file), "--wait", *options, *overrides)
    assert ended.code == code, ended.stderr
    return ended.text


def write_argument(value: object) -> str:
    """Return a value as a user types it: text as it is, unless it would be taken for JSON."""
    try:
        json.loads(str(value))
    except ValueError:
        return value if isinstance(value, str) else json.dumps(value)
    return json.dumps(value)


def load_result(tq: Tq, job_id: str) -> Any:
    """Return what the job returned."""
    return json.loads(tq("result", job_id).text)


def load_status(tq: Tq, job_id: str) -> Any:
    """Return the job as JSON."""
    return json.loads(tq("status", job_id, "--json").text)


@pytest.mark.parametrize("path", JOB_FILES, ids=lambda path: path.name)
def test_job_file_names_a_function_that_takes_its_arguments(path: Path) -> None:
    """No option is misspelt, no argument either, and none that the function needs is missing."""
    options = load_jobfile(path)
    assert options.name == path.stem
    assert options.cwd is not None
    assert Path(options.cwd).resolve() == ROOT
    assert options.python is not None
    assert options.kwargs is not None
    module, _, function = options.python.partition(":")
    signature = inspect.signature(getattr(importlib.import_module(module), function))
    signature.bind(**json.loads(bytes(options.kwargs)))


def test_every_job_file_is_run_here() -> None:
    """A new one needs a test below."""
    assert {path.name for path in JOB_FILES} == {
        "mail.toml",
        "report.toml",
        "backup.toml",
        "restore.toml",
        "clean.toml",
    }


@pytest.mark.product
def test_mail_toml_retries_with_the_same_message_id(tq: Tq) -> None:
    """The server says 450, then takes the mail and breaks off, then takes it: three attempts, one Message-ID."""
    with SmtpServer() as server:
        server.answers["RCPT"].append("450 Greylisted")
        server.answers["DATA"].append("250 lost")
        job_id = submit(
            tq,
            "mail.toml",
            *("--backoff", "fixed:100ms"),
            host="127.0.0.1",
            port=server.port,
            to=["Ann <ann@example.org>"],
            subject="42",
            body="Sent by a job file.",
        )
    result, status = load_result(tq, job_id), load_status(tq, job_id)
    assert (status["state"], status["attempt"], status["kind"]) == ("succeeded", 3, "python")
    assert [mail.message["Message-ID"] for mail in server.mails] == [f"<tq.{job_id}@localhost>"] * 2
    assert server.mails[1].message["Subject"] == "42"
    assert result["message_id"] == f"<tq.{job_id}@localhost>"
    assert result["recipients"] == ["ann@example.org"]
    assert "accepted for ann@example.org" in tq("logs", job_id).text


@pytest.mark.product
def test_mail_toml_that_is_refused_fails_with_the_servers_words(tq: Tq) -> None:
    """`tq` ends with 1, as a Python job that raised does, and the record has type and message."""
    with SmtpServer() as server:
        server.answers["RCPT"].append("550 No such user")
        job_id = submit(
            tq, "mail.toml", *("--retries", "0", "--name", "refused"), code=1, host="127.0.0.1", port=server.port
        )
    status = load_status(tq, job_id)
    assert (status["state"], status["reason"], status["name"]) == ("failed", "error", "refused")
    assert "PermanentMailError" in json.dumps(status["error"])
    assert "550 No such user" in json.dumps(status["error"])


@pytest.mark.product
def test_clean_toml_makes_what_report_toml_reads(tq: Tq, tmp_path: Path) -> None:
    """One job's output is the next one's input."""
    dirty, tidy, page = tmp_path / "dirty.csv", tmp_path / "tidy.csv", tmp_path / "report.html"
    dirty.write_text("id;region;amount\n1; north ;1.50\n1;north;1.50\n2;south;null\n3;south;2.25\n4;south\n")
    cleaned = load_result(tq, submit(tq, "clean.toml", source=str(dirty), target=str(tidy), key=["id"]))
    assert (cleaned["written"], cleaned["rejected"], cleaned["duplicates"]) == (3, 1, 1)
    report = load_result(
        tq,
        submit(
            tq, "report.toml", source=str(tidy), target=str(page), group_by="region", value="amount", title="Übersicht"
        ),
    )
    assert (report["rows"], report["missing"], report["groups"]) == (3, 1, 2)
    assert "<h1>Übersicht</h1>" in page.read_text(encoding="utf-8")


@pytest.mark.product
def test_restore_toml_brings_back_what_backup_toml_saved(tq: Tq, tmp_path: Path) -> None:
    """The excludes are those of the file, as nothing on the line overrides them."""
    source, target = tmp_path / "wiki", tmp_path / "backups"
    source.mkdir()
    target.mkdir()
    (source / "page").write_text("text")
    (source / "scratch.tmp").write_text("left out")
    backup = load_result(tq, submit(tq, "backup.toml", source=str(source), target_dir=str(target), keep_last=1))
    assert backup["files"] == 1
    back = tmp_path / "back"
    restored = load_result(tq, submit(tq, "restore.toml", archive=backup["path"], target=str(back)))
    assert restored == {"path": str(back), "files": 1, "verified": True}
    assert [(path.name, path.read_text()) for path in back.iterdir()] == [("page", "text")]


@pytest.mark.product
def test_wrong_argument_of_a_job_file_is_the_jobs_error(tq: Tq, tmp_path: Path) -> None:
    """The record says which file and which line."""
    table = tmp_path / "sales.csv"
    table.write_text("region,amount\nnorth,many\n")
    job_id = submit(
        tq, "report.toml", code=1, source=str(table), target=str(tmp_path / "x"), group_by="region", value="amount"
    )
    error = json.dumps(load_status(tq, job_id)["error"])
    assert "sales.csv, line 2, column 'amount': 'many' is not a number" in error
    assert not (tmp_path / "x").exists()


@pytest.mark.product
def test_schedule_files_are_applied_and_their_jobs_run(tq: Tq, tmp_path: Path) -> None:
    """As they are, twice; and, with other paths, up to the archive that the backup makes."""
    folder = ROOT / "jobs" / "schedules"
    assert tq("schedule", "apply", str(folder)).text.splitlines()[-1] == "2 added, 0 unchanged"
    assert tq("schedule", "apply", str(folder)).text == "2 unchanged"
    source, target, file = tmp_path / "wiki", tmp_path / "backups", tmp_path / "nightly.toml"
    source.mkdir()
    target.mkdir()
    (source / "page").write_text("text")
    text = (folder / "nightly.toml").read_text().replace("../", f"{ROOT / 'jobs'}/")
    file.write_text(text.replace("/srv", str(source)).replace("/var/backups", str(target)))
    assert "~ backup\n    kwargs  " in tq("schedule", "apply", str(file)).text
    job_id = tq("schedule", "run", "backup").text
    assert tq("wait", job_id).code == 0
    assert Path(load_result(tq, job_id)["path"]).parent == target
    assert [tq("schedule", "rm", name).code for name in ("backup", "report")] == [0, 0]
