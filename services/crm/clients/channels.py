"""Channels of messages: e-mail by SMTP, SMS and WeCom by HTTP gateways.

``docs/messages.md`` describes the gateways' protocol.
"""

import asyncio
import hashlib
import hmac
import smtplib
import ssl
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol

import httpx
import orjson
import structlog

from services.crm.domain.message import Channel, SendResult
from services.crm.domain.message_text import MessageText
from shared.settings import Settings

log = structlog.get_logger()

LONGEST_CALL_S = 30.0
"""Seconds after which a server that has not responded is given up."""

_TIMEOUT_S = 5.0
_SKEW_S = 300
_TAKEN = frozenset({200, 201, 202, 409})
_REFUSED = frozenset({400, 410, 422})
_NOT_NOW = frozenset({401, 403, 404, 429, 503})
_COMPLETED = 2


@dataclass(frozen=True)
class OutboundMessage:
    """One message for one address."""

    message_id: str
    address: str = field(repr=False)
    content: MessageText = field(repr=False)


class Sender(Protocol):
    """One channel; it never raises for failures of the other side."""

    async def send(self, message: OutboundMessage) -> SendResult: ...


def senders(settings: Settings) -> Mapping[Channel, Sender]:
    """Return the channels for which ``settings`` name a server."""
    found: dict[Channel, Sender] = {}
    if settings.wecom_gateway_url:
        found["wecom"] = Gateway(settings.wecom_gateway_url, settings.wecom_gateway_secret)
    if settings.sms_gateway_url:
        found["sms"] = Gateway(settings.sms_gateway_url, settings.sms_gateway_secret)
    if settings.smtp_host:
        found["email"] = Mailer(settings)
    return found


class Gateway:
    """Client of a gateway that recognizes a repeated message by its id."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = f"{url.rstrip('/')}/messages"
        self._secret = secret.encode()

    async def send(self, message: OutboundMessage) -> SendResult:
        """Send once; the result is ``unanswered`` where the message may have been accepted."""
        body = orjson.dumps(
            {
                "id": message.message_id,
                "to": message.address,
                "title": message.content.title,
                "text": message.content.text,
            }
        )
        try:
            async with (
                asyncio.timeout(LONGEST_CALL_S),
                httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client,
            ):
                response = await client.post(self._url, content=body, headers=self._headers(body))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            log.warning("gateway does not respond", url=self._url, error=type(error).__name__)
            return "later"
        except (httpx.HTTPError, TimeoutError) as error:
            log.warning("gateway broke off", url=self._url, error=type(error).__name__)
            return "unanswered"
        return self._send_result(response.status_code)

    def has_signed(
        self, stamp: int, signature: str, channel: Channel, message_id: str, body: bytes
    ) -> bool:
        """Return whether the gateway has signed this message within the last five minutes."""
        is_recent = abs(time.time() - stamp) <= _SKEW_S
        signed = f"{channel}.{message_id}.".encode() + body
        return is_recent and hmac.compare_digest(
            signature.encode(), self._signature(str(stamp), signed).encode()
        )

    def _headers(self, body: bytes) -> dict[str, str]:
        stamp = str(int(time.time()))
        return {
            "Content-Type": "application/json",
            "X-Timestamp": stamp,
            "X-Signature": self._signature(stamp, body),
        }

    def _signature(self, stamp: str, body: bytes) -> str:
        signed = f"{stamp}.".encode() + body
        return f"sha256={hmac.digest(self._secret, signed, hashlib.sha256).hex()}"

    def _send_result(self, status: int) -> SendResult:
        if status in _TAKEN:
            return "accepted"
        log.warning("gateway did not take a message", url=self._url, status=status)
        if status in _REFUSED:
            return "refused"
        return "later" if status in _NOT_NOW else "unanswered"


class Mailer:
    """Client of an SMTP server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context()

    async def send(self, message: OutboundMessage) -> SendResult:
        """Send once.

        When the server does not answer after the text, it is not known whether it has accepted it.
        """
        try:
            async with asyncio.timeout(LONGEST_CALL_S):
                return await asyncio.to_thread(self._deliver, message)
        except TimeoutError:
            log.warning("mail server is slow")
            return "unanswered"

    def _deliver(self, message: OutboundMessage) -> SendResult:
        with ExitStack() as stack:
            try:
                server = self._connected()
                stack.callback(server.close)
                self._introduce(server)
                status = self._offer(server, message.address)
            except (OSError, smtplib.SMTPException) as error:
                log.warning("mail server is not available", error=type(error).__name__)
                return "later"
            if status // 100 != _COMPLETED:
                return _mail_result(status, "later")
            try:
                status, _ = server.data(self._email(message).as_bytes())
            except smtplib.SMTPDataError as error:
                return _mail_result(error.smtp_code, "later")
            except (OSError, smtplib.SMTPException) as error:
                log.warning("mail server fell silent", error=type(error).__name__)
                return "unanswered"
            return _mail_result(status, "unanswered")

    def _connected(self) -> smtplib.SMTP:
        host, port = self._settings.smtp_host, self._settings.smtp_port
        if self._settings.smtp_security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=self._tls)
        return smtplib.SMTP(host, port, timeout=_TIMEOUT_S)

    def _introduce(self, server: smtplib.SMTP) -> None:
        if self._settings.smtp_security == "starttls":
            server.starttls(context=self._tls)
        if self._settings.smtp_username:
            server.login(self._settings.smtp_username, self._settings.smtp_password)
        server.ehlo_or_helo_if_needed()

    def _offer(self, server: smtplib.SMTP, address: str) -> int:
        """Return the server's status for sender and recipient."""
        status, _ = server.mail(self._settings.smtp_sender)
        if status // 100 == _COMPLETED:
            status, _ = server.rcpt(address)
        return status

    def _email(self, message: OutboundMessage) -> EmailMessage:
        sender = self._settings.smtp_sender
        mail = EmailMessage(policy=SMTP)
        mail["From"] = sender
        mail["To"] = message.address
        mail["Subject"] = message.content.title
        mail["Message-ID"] = f"<{message.message_id}@{sender.partition('@')[2]}>"
        mail.set_content(message.content.text)
        return mail


def _mail_result(status: int, otherwise: SendResult) -> SendResult:
    """Return the meaning of an SMTP status (RFC 5321, 4.2.1); ``otherwise`` where it is none."""
    send_results: Mapping[int, SendResult] = {2: "accepted", 4: "later", 5: "refused"}
    send_result = send_results.get(status // 100, otherwise)
    if send_result != "accepted":
        log.warning("mail server did not take a message", status=status)
    return send_result
