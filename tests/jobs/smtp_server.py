"""A real SMTP server on the loopback interface, which answers as it is told and keeps what it gets."""

from __future__ import annotations

import asyncio
import email.policy
import ssl
import threading
from collections import defaultdict, deque
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    from types import TracebackType

    from aiosmtpd.smtp import Envelope, Session

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Certificate and key of `localhost` and 127.0.0.1, signed by itself, good until 2126, worth nothing elsewhere."""

USER, PASSWORD = "postman", "rings twice"


class Mail(NamedTuple):
    """A mail that the server took."""

    sender: str
    recipients: list[str]
    message: EmailMessage


class SmtpServer:
    """An SMTP server in a thread of its own: plain, with STARTTLS, or with TLS from the start.

    `answers` holds, for MAIL, RCPT and DATA, what to answer the next times instead of "250 OK"; an answer of "" drops
    the connection, and "250 lost" takes the mail and drops it then. `asked` is every command
    that came, `logins` every user who logged in.
    """

    def __init__(self, *, security: str = "none", login: bool = False) -> None:
        """Prepare; the context manager starts and stops it."""
        self.mails: list[Mail] = []
        self.asked: list[str] = []
        self.logins: list[str] = []
        self.answers: defaultdict[str, deque[str]] = defaultdict(deque)
        self.port = 0
        self._security = security
        self._login = login
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        """Start it; it takes connections when this returns."""
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def handle_MAIL(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer MAIL FROM."""
        envelope.mail_from = address
        return self._answer(server, "MAIL")

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        answer = self._answer(server, "RCPT")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer the end of the mail."""
        answer = self._answer(server, "DATA")
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(envelope.content)
            self.mails.append(Mail(str(envelope.mail_from), list(envelope.rcpt_tos), message))
        if answer == "250 lost":
            _drop(server)
        return answer

    def _answer(self, server: SMTP, command: str) -> str:
        self.asked.append(command)
        answer = self.answers[command].popleft() if self.answers[command] else "250 OK"
        if not answer:
            _drop(server)
        return answer

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: object
    ) -> AuthResult:
        right = isinstance(login, LoginPassword) and login == LoginPassword(USER.encode(), PASSWORD.encode())
        if right:
            self.logins.append(USER)
        return AuthResult(success=right, handled=False)

    def _speak(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            data_size_limit=1024 * 1024,
            loop=self._loop,
            tls_context=_load_certificate() if self._security == "starttls" else None,
            require_starttls=self._security == "starttls",
            authenticator=self._authenticate if self._login else None,
            auth_required=self._login and self._security == "starttls",  # with TLS from the start it is left to us
            auth_require_tls=self._security == "starttls",
        )

    async def _listen(self) -> asyncio.Server:
        tls = _load_certificate() if self._security == "ssl" else None
        return await self._loop.create_server(self._speak, "127.0.0.1", 0, ssl=tls)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _drop(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


def _load_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context
