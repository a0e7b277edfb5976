"""A mail from its parts: headers checked and encoded, attachments typed, a Message-ID that a retry repeats."""

from __future__ import annotations

import mimetypes
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.headerregistry import Address

_POLICY = policy.SMTP.clone(cte_type="7bit")
"""CRLF line ends, and nothing but ASCII on the wire: every server takes that, whatever extensions it has."""


class Letter(NamedTuple):
    """What the user wants to send: a `body_file`, if any, takes the place of `body`; `bcc` never shows in the mail."""

    sender: str
    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    subject: str
    body: str | None
    body_file: str | None
    attachments: Sequence[str]


def compose(letter: Letter, *, job_id: str | None) -> EmailMessage:
    """Return the mail. Its Message-ID comes from `job_id`, so that each attempt of a job makes the same one.

    Raises:
        ValueError: an address, the subject or the body is unusable.
        OSError: the body file or an attachment can't be read.
    """
    sender = _parse_sender(letter.sender)
    if not letter.to:
        msg = "to is empty: name somebody who gets the mail"
        raise ValueError(msg)
    message = EmailMessage(policy=_POLICY)
    message["Date"] = datetime.now(UTC)
    message["From"] = sender
    message["To"] = parse_addresses(letter.to, argument="to")
    if letter.cc:
        message["Cc"] = parse_addresses(letter.cc, argument="cc")
    message["Subject"] = _check_line(letter.subject, argument="subject")
    message["Message-ID"] = f"<tq.{job_id}@{sender.domain}>" if job_id else make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from out-of-office programs, please
    _set_body(message, letter)
    for name in letter.attachments:
        _attach(message, Path(name).absolute())
    return message


def list_recipients(letter: Letter) -> list[str]:
    """Return the address of everybody who is to get the mail, each once."""
    addresses = [
        *parse_addresses(letter.to, argument="to"),
        *parse_addresses(letter.cc, argument="cc"),
        *parse_addresses(letter.bcc, argument="bcc"),
    ]
    return list(dict.fromkeys(address.addr_spec for address in addresses))


def parse_addresses(texts: Sequence[str], *, argument: str) -> tuple[Address, ...]:
    """Return the addresses in these texts, each of them like `ann@example.org` or `Ann <ann@example.org>`.

    Raises:
        ValueError: one of them is no address, or is not ASCII (which not every server can deliver).
    """
    found: list[Address] = []
    for text in texts:
        parser = EmailMessage(policy=_POLICY)
        parser["To"] = _check_line(text, argument=argument)
        addresses: tuple[Address, ...] = () if parser["To"].defects else parser["To"].addresses
        if not addresses or not all(_is_deliverable(address) for address in addresses):
            msg = f"{argument}: {text!r} is not a mail address"
            raise ValueError(msg)
        found += addresses
    return tuple(found)


def _is_deliverable(address: Address) -> bool:
    return bool(address.username and address.domain) and address.addr_spec.isascii() and " " not in address.addr_spec


def _parse_sender(text: str) -> Address:
    addresses = parse_addresses([text], argument="sender")
    if len(addresses) != 1:
        msg = f"sender: one address, please, not {text!r}"
        raise ValueError(msg)
    return addresses[0]


def _check_line(text: object, *, argument: str) -> str:
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        msg = f"{argument} must be one line of text, not {text!r}"  # a line end would smuggle in a header
        raise ValueError(msg)
    return text


def _set_body(message: EmailMessage, letter: Letter) -> None:
    if letter.body_file is None:
        if letter.body is None:
            msg = "give body or body_file"
            raise ValueError(msg)
        message.set_content(letter.body)
        return
    path = Path(letter.body_file).absolute()  # so that an error says where it was looked for
    text = path.read_text(encoding="utf-8", errors="replace")  # a log with a stray byte is still worth a mail
    message.set_content(text, subtype="html" if path.suffix.lower() in {".html", ".htm"} else "plain")


def _attach(message: EmailMessage, path: Path) -> None:
    guessed, encoding = mimetypes.guess_type(path.name)
    kind = "application/octet-stream" if guessed is None or encoding else guessed
    maintype, _, subtype = kind.partition("/")
    if maintype in {"message", "multipart"}:  # RFC 2045 forbids base64 for these
        maintype, subtype = "application", "octet-stream"
    message.add_attachment(path.read_bytes(), maintype=maintype, subtype=subtype, filename=path.name)
