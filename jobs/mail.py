r"""Send a mail through an SMTP server.

::

    tq submit -f jobs/mail.toml --arg to=ann@example.org --arg subject="Build log" \
        --arg body_file="$PWD/build.log"

- **A retry is not a second mail.** A job may run twice: the server took the mail, and the connection broke before it
  said so. `Message-ID` is made from the job's id, so both copies carry the same one, and mailboxes know them as one.
- **All or nobody.** If the server refuses one recipient, nobody gets the mail: otherwise a retry would send it again to
  those who have it.
- **What can help is tried again.** `TransientMailError` is a server that says "later" (4xx), is away or breaks off;
  `PermanentMailError` is one that says "no" (5xx): the same mail will never pass.
- **The password is in the agent's environment** (SMTP_USER, SMTP_PASSWORD), never in an argument or in `tq submit -e`:
  those are stored with the job, where whoever may read jobs can read them.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from jobs._arguments import check_choice, list_texts
from jobs._message import Letter, compose, list_recipients
from jobs._progress import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PORTS = {"starttls": 587, "ssl": 465, "none": 25}
"""The values of `security`, each with its usual port."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PERMANENT = range(500, 600)
_POSITIVE = range(200, 300)


class MailError(Exception):
    """The mail was not sent; the message says by which server, and what it said."""


class TransientMailError(MailError):
    """The server is away or says "later" (4xx): the same mail may pass the next time."""


class PermanentMailError(MailError):
    """The server says "no" (5xx), or can't do what is asked: the same mail will never pass."""


class Receipt(TypedDict):
    """A mail that the server took over."""

    message_id: str
    recipients: list[str]
    size_bytes: int


class Login(NamedTuple):
    """Who logs in; what is shown of it, in a traceback for example, is without the password."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Return the user alone."""
        return f"Login(user={self.user!r})"


class Server(NamedTuple):
    """Where mails are handed over, and how."""

    host: str
    port: int
    security: str
    trust: ssl.SSLContext
    timeout_s: float
    login: Login | None

    def __str__(self) -> str:
        """Return what messages call it."""
        return f"{self.host}:{self.port}"


def send(  # noqa: PLR0913 -- a job's arguments are the keys of its file
    *,
    host: str,
    sender: str,
    to: str | Sequence[str],
    subject: str,
    body: str | None = None,
    body_file: str | None = None,
    cc: str | Sequence[str] = (),
    bcc: str | Sequence[str] = (),
    attachments: str | Sequence[str] = (),
    security: str = "starttls",
    port: int | None = None,
    ca_file: str | None = None,
    timeout_s: float = 30,
) -> Receipt:
    """Send one mail, and return its receipt.

    An address is `ann@example.org` or `Ann <ann@example.org>`. The text is what is in `body_file`, as HTML where that
    ends in `.html`; without one, it is `body`. `security` is one of `PORTS`; the server's certificate is checked with
    `ca_file`, or what the system trusts. `timeout_s` bounds each wait for the server, not all of them together.

    Raises:
        ValueError, OSError: an argument is wrong, or a file can't be read; no server was asked.
        TransientMailError: not sent, or not known to be sent.
        PermanentMailError: not sent.
    """
    check_choice(security, tuple(PORTS), argument="security")
    login = load_login(host, security)
    server = Server(host, PORTS[security] if port is None else port, security, _load_trust(ca_file), timeout_s, login)
    letter = Letter(
        sender=sender,
        to=list_texts(to, argument="to"),
        cc=list_texts(cc, argument="cc"),
        bcc=list_texts(bcc, argument="bcc"),
        subject=subject,
        body=body,
        body_file=body_file,
        attachments=list_texts(attachments, argument="attachments"),
    )
    recipients = list_recipients(letter)
    message = compose(letter, job_id=os.environ.get("TQ_JOB_ID"))
    message_id, content = str(message["Message-ID"]), message.as_bytes()
    say(f"{message_id}: {len(content)} bytes to {server} ({security})")
    with _translate_errors(server), _open_session(server) as smtp:
        _hand_over(smtp, message["From"].addresses[0].addr_spec, recipients, content)
    say(f"{message_id}: accepted for {', '.join(recipients)}")
    return Receipt(message_id=message_id, recipients=recipients, size_bytes=len(content))


def load_login(host: str, security: str) -> Login | None:
    """Return user and password from the environment, or None where neither is set.

    Raises:
        ValueError: only one of them is set, or the password would cross a network in the clear.
    """
    user, password = os.environ.get("SMTP_USER"), os.environ.get("SMTP_PASSWORD")
    if user is None and password is None:
        return None
    if user is None or password is None:
        msg = "SMTP_USER and SMTP_PASSWORD go together: set both or neither"
        raise ValueError(msg)
    if security == "none" and host not in _LOOPBACK:
        msg = f"SMTP_PASSWORD would go to {host} in the clear: set security to starttls or ssl"
        raise ValueError(msg)
    return Login(user, password)


def _load_trust(ca_file: str | None) -> ssl.SSLContext:
    """Return what servers' certificates are checked against: the file, or what the system trusts.

    Raises:
        ValueError: the file can't be used.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        msg = f"ca_file can't be used: {ca_file}: {error}"
        raise ValueError(msg) from error


@contextmanager
def _open_session(server: Server) -> Iterator[smtplib.SMTP]:
    """Yield a connection that is encrypted and logged in, where that is asked for."""
    smtp = (
        smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=server.trust)
        if server.security == "ssl"
        else smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    )
    try:
        if server.security == "starttls":
            smtp.starttls(context=server.trust)
        smtp.ehlo_or_helo_if_needed()
        if server.login is not None:
            smtp.login(server.login.user, server.login.password)
        yield smtp
    finally:
        with suppress(smtplib.SMTPException):  # once the mail is accepted, a failing goodbye changes nothing
            smtp.quit()
        smtp.close()


def _hand_over(smtp: smtplib.SMTP, sender: str, recipients: Sequence[str], content: bytes) -> None:
    """Do one mail transaction (RFC 5321, section 3.3), but give it up where one recipient is refused."""
    size = [f"SIZE={len(content)}"] if smtp.has_extn("size") else []  # too big is said before it is sent
    code, reply = smtp.mail(sender, size)
    if code not in _POSITIVE:
        raise smtplib.SMTPSenderRefused(code, reply, sender)
    replies = {recipient: smtp.rcpt(recipient) for recipient in recipients}
    refused = {recipient: reply for recipient, reply in replies.items() if reply[0] not in _POSITIVE}
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)
    code, reply = smtp.data(content)
    if code not in _POSITIVE:
        raise smtplib.SMTPDataError(code, reply)


@contextmanager
def _translate_errors(server: Server) -> Iterator[None]:
    """Turn what smtplib, ssl and the network raise into a `MailError`: may it pass the next time, or never?"""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        replies = "; ".join(f"{name}: {_show(*reply)}" for name, reply in error.recipients.items())
        msg = f"{server} refused {replies}; nobody got the mail"
        raise _choose_error(codes)(msg) from error
    except smtplib.SMTPResponseException as error:
        msg = f"{server} said {_show(error.smtp_code, error.smtp_error)}"
        raise _choose_error([error.smtp_code])(msg) from error
    except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
        msg = f"{server}: {error}"
        raise PermanentMailError(msg) from error
    except OSError as error:  # smtplib's own errors included: the connection failed, broke off or timed out
        msg = f"{server}: {error}"
        raise TransientMailError(msg) from error


def _choose_error(codes: Sequence[int]) -> type[MailError]:
    return PermanentMailError if any(code in _PERMANENT for code in codes) else TransientMailError


def _show(code: int, reply: bytes | str) -> str:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())}"
