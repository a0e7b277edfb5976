"""`jobs.mail` against a real SMTP server."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from jobs.mail import Login, MailError, PermanentMailError, Receipt, TransientMailError, send
from tests.jobs.smtp_server import CERTIFICATE, PASSWORD, USER, SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOB_ID = "1xkbbg00a7c3k9mf"


@pytest.fixture(autouse=True)
def job_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what the agent would, and none of the tester's own credentials."""
    monkeypatch.setenv("TQ_JOB_ID", JOB_ID)
    monkeypatch.delenv("SMTP_USER", raising=False)
    monkeypatch.delenv("SMTP_PASSWORD", raising=False)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    """Return a server without TLS."""
    with SmtpServer() as server:
        yield server


def send_to(server: SmtpServer, **arguments: Any) -> Receipt:
    """Send a mail to this server, with `arguments` instead of the usual ones."""
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "sender": "tq@example.org",
        "to": "ann@example.org",
        "subject": "Hello",
        "body": "A job sent this.",
        "timeout_s": 5,
    }
    return send(**(usual | arguments))


def test_mail_arrives_with_its_headers_and_text(server: SmtpServer) -> None:
    """What was asked for is what the recipient reads, beyond ASCII too."""
    receipt = send_to(
        server,
        sender="Zoë's jobs <tq@example.org>",
        to=["Ann Ó <ann@example.org>", "bob@example.org"],
        cc="carol@example.org",
        subject="Grüße, 日本",
        body="Ünïcode\nand a line with\n.\nonly a dot\n",
    )
    (mail,) = server.mails
    assert mail.sender == "tq@example.org"
    assert mail.recipients == receipt["recipients"] == ["ann@example.org", "bob@example.org", "carol@example.org"]
    assert mail.message["From"] == "Zoë's jobs <tq@example.org>"
    assert mail.message["To"] == "Ann Ó <ann@example.org>, bob@example.org"
    assert mail.message["Cc"] == "carol@example.org"
    assert mail.message["Subject"] == "Grüße, 日本"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Date"].datetime.tzinfo is not None
    assert mail.message.get_content().replace("\r\n", "\n") == "Ünïcode\nand a line with\n.\nonly a dot\n"


def test_hidden_recipients_get_the_mail_and_are_not_in_it(server: SmtpServer) -> None:
    """`bcc` is in the envelope only; an address named twice gets one mail."""
    send_to(server, bcc=["boss@example.org", "ann@example.org"])
    (mail,) = server.mails
    assert mail.recipients == ["ann@example.org", "boss@example.org"]
    assert "boss@example.org" not in mail.message.as_string()


def test_attachments_arrive_byte_for_byte(server: SmtpServer, tmp_path: Path) -> None:
    """Files keep name, type and bytes; a compressed file is not passed off as what is in it."""
    table, archive = tmp_path / "sales März.csv", tmp_path / "log.txt.gz"
    table.write_bytes(b"a,b\r\n1,2\n")
    archive.write_bytes(bytes(range(256)) * 100)
    letter = tmp_path / "forwarded.eml"
    letter.write_bytes(b"Subject: x\n\ny\n")
    send_to(server, attachments=[str(table), str(archive), str(letter)])
    parts = list(server.mails[0].message.iter_attachments())
    assert [(part.get_filename(), part.get_content_type()) for part in parts] == [
        ("sales März.csv", "text/csv"),
        ("log.txt.gz", "application/octet-stream"),
        ("forwarded.eml", "application/octet-stream"),
    ]
    assert [part.get_payload(decode=True) for part in parts] == [
        table.read_bytes(),
        archive.read_bytes(),
        letter.read_bytes(),
    ]


@pytest.mark.parametrize(("name", "kind"), [("report.html", "text/html"), ("build.log", "text/plain")])
def test_body_file_is_sent_as_what_its_name_says(server: SmtpServer, tmp_path: Path, name: str, kind: str) -> None:
    """A page is shown as one; a log with a byte that is no UTF-8 is sent all the same."""
    path = tmp_path / name
    path.write_bytes(b"<b>done</b> \xff")
    send_to(server, body="displaced, as that of a job file", body_file=str(path))
    assert server.mails[0].message.get_content_type() == kind
    assert server.mails[0].message.get_content().strip() == "<b>done</b> \ufffd"


def test_retry_sends_the_same_message_id(server: SmtpServer) -> None:
    """The server took the mail and broke off: the second attempt's copy is known as the same mail."""
    server.answers["DATA"].append("250 lost")
    with pytest.raises(TransientMailError, match="Connection unexpectedly closed"):
        send_to(server)
    receipt = send_to(server)
    assert [mail.message["Message-ID"] for mail in server.mails] == [f"<tq.{JOB_ID}@example.org>"] * 2
    assert receipt["message_id"] == f"<tq.{JOB_ID}@example.org>"


def test_two_calls_outside_tq_are_two_mails(server: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no job there is nothing to derive an id from."""
    monkeypatch.delenv("TQ_JOB_ID")
    assert send_to(server)["message_id"] != send_to(server)["message_id"]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_later_is_transient_and_then_it_passes(server: SmtpServer, command: str) -> None:
    """A greylisting server says 450 to a stranger; the same mail passes the second time."""
    server.answers[command].append("450 4.7.1 Greylisted, try again later")
    with pytest.raises(TransientMailError, match=r"127\.0\.0\.1:\d+ .*450 4\.7\.1 Greylisted"):
        send_to(server)
    assert not server.mails
    send_to(server)
    assert len(server.mails) == 1


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_no_is_permanent(server: SmtpServer, command: str) -> None:
    """5xx is an exception of its own type, with the server's words."""
    server.answers[command].append("550 5.1.1 No such user")
    with pytest.raises(PermanentMailError, match=r"550 5\.1\.1 No such user"):
        send_to(server)


def test_one_refused_recipient_means_nobody_gets_it(server: SmtpServer) -> None:
    """Else a retry would send the mail again to those who have it; the message names who was refused."""
    server.answers["RCPT"].extend(["250 OK", "450 mailbox busy", "250 OK"])
    with pytest.raises(TransientMailError, match=r"refused bob@example\.org: 450 mailbox busy; nobody got the mail"):
        send_to(server, to=["ann@example.org", "bob@example.org", "carol@example.org"])
    assert "DATA" not in server.asked


def test_one_permanent_refusal_outweighs_a_transient_one(server: SmtpServer) -> None:
    """The mail as a whole will never pass."""
    server.answers["RCPT"].extend(["450 busy", "550 unknown"])
    with pytest.raises(PermanentMailError):
        send_to(server, to=["ann@example.org", "bob@example.org"])


def test_too_big_mail_is_refused_before_it_is_sent(server: SmtpServer) -> None:
    """The server names its limit; the mail's size goes with MAIL FROM."""
    with pytest.raises(PermanentMailError, match="552"):
        send_to(server, body="x" * 2_000_000)
    assert server.asked == []


def test_connection_that_breaks_off_is_transient(server: SmtpServer) -> None:
    """Nobody knows what the server would have said."""
    server.answers["RCPT"].append("")
    with pytest.raises(TransientMailError, match="Connection unexpectedly closed"):
        send_to(server)


def test_absent_server_is_transient(server: SmtpServer) -> None:
    """A server that is down comes back; the message says which."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound and not listening: the port refuses
        port = sock.getsockname()[1]
        with pytest.raises(TransientMailError, match=rf"127\.0\.0\.1:{port}: .*Connection refused"):
            send_to(server, port=port)


def test_silent_server_is_transient_within_the_timeout(server: SmtpServer) -> None:
    """A server that takes the connection and says nothing is given up."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TransientMailError, match="timed out"):
        send_to(server, port=silent.getsockname()[1], timeout_s=0.1)


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_encrypted_session_logs_in_with_the_environment(security: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """User and password come from the environment; the server's certificate is checked."""
    monkeypatch.setenv("SMTP_USER", USER)
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    with SmtpServer(security=security, login=True) as server:
        send_to(server, host="localhost", security=security, ca_file=str(CERTIFICATE))
    assert server.logins == [USER]
    assert len(server.mails) == 1


def test_wrong_password_is_permanent_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of a failed job is read by many; the password is not in it."""
    monkeypatch.setenv("SMTP_USER", USER)
    monkeypatch.setenv("SMTP_PASSWORD", "not-the-password")
    with SmtpServer(security="starttls", login=True) as server, pytest.raises(PermanentMailError, match="535") as error:
        send_to(server, host="localhost", security="starttls", ca_file=str(CERTIFICATE))
    assert "not-the-password" not in str(error.value)
    assert "not-the-password" not in repr(Login(USER, "not-the-password"))


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_certificate_that_nobody_vouches_for_is_permanent(security: str) -> None:
    """Without `ca_file` the system's authorities decide, and they don't know this one."""
    with (
        SmtpServer(security=security) as server,
        pytest.raises(PermanentMailError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        send_to(server, host="localhost", security=security)


def test_server_without_starttls_gets_no_mail(server: SmtpServer) -> None:
    """Encryption that was asked for is never left out silently."""
    with pytest.raises(PermanentMailError, match="STARTTLS"):
        send_to(server, security="starttls")
    assert not server.mails


def test_password_never_crosses_a_network_in_the_clear(server: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is refused before any server is asked."""
    monkeypatch.setenv("SMTP_USER", USER)
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    with pytest.raises(ValueError, match=r"in the clear: set security to starttls or ssl"):
        send_to(server, host="mail.example.org")


def test_user_without_password_is_a_mistake(server: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the credentials is most likely a misspelt variable."""
    monkeypatch.setenv("SMTP_USER", USER)
    with pytest.raises(ValueError, match="SMTP_USER and SMTP_PASSWORD go together"):
        send_to(server)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"to": []}, "to is empty"),
        ({"to": [""]}, "to must be a text or a list of texts"),
        ({"to": "nobody"}, "to: 'nobody' is not a mail address"),
        ({"to": "a b@example.org"}, "is not a mail address"),
        ({"to": "änn@example.org"}, "is not a mail address"),
        ({"to": "ann@exämple.org"}, "is not a mail address"),
        ({"to": "ann@example.org\nBcc: eve@example.org"}, "to must be one line"),
        ({"cc": 7}, "cc must be a text or a list of texts"),
        ({"sender": "a@example.org, b@example.org"}, "sender: one address"),
        ({"subject": "Hi\r\nBcc: eve@example.org"}, "subject must be one line"),
        ({"subject": None}, "subject must be one line"),
        ({"body": None}, "give body or body_file"),
        ({"security": "starttls", "ca_file": "/missing.pem"}, "ca_file can't be used: /missing.pem"),
        ({"security": "starttls", "ca_file": __file__}, "ca_file can't be used"),
        ({"security": "tls"}, "security must be one of starttls, ssl, none, not 'tls'"),
    ],
)
def test_wrong_argument_is_said_before_any_server_is_asked(
    server: SmtpServer, arguments: dict[str, Any], complaint: str
) -> None:
    """The message names the argument; a line end can't smuggle in a header."""
    with pytest.raises(ValueError, match=complaint):
        send_to(server, **arguments)
    assert not server.asked


def test_missing_attachment_is_said_before_any_server_is_asked(server: SmtpServer, tmp_path: Path) -> None:
    """A mail without what it announces helps nobody."""
    with pytest.raises(FileNotFoundError, match=r"gone\.csv"):
        send_to(server, attachments=str(tmp_path / "gone.csv"))
    assert not server.asked


def test_missing_file_is_named_in_full(server: SmtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's directory is seldom the one that its user has in mind."""
    monkeypatch.chdir(tmp_path)
    for argument in ("body_file", "attachments"):
        with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "gone"))):
            send_to(server, **{argument: "gone"})


def test_progress_names_mail_and_server(server: SmtpServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Who follows the log sees what was sent where."""
    send_to(server)
    began, ended = capsys.readouterr().out.splitlines()
    assert began.startswith(f"<tq.{JOB_ID}@example.org>: ")
    assert f"127.0.0.1:{server.port}" in began
    assert ended.endswith("accepted for ann@example.org")


def test_errors_share_a_base() -> None:
    """Whoever calls `send` from a job of his own catches both with one name."""
    assert issubclass(PermanentMailError, MailError)
    assert issubclass(TransientMailError, MailError)
