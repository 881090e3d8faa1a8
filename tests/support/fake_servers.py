"""Mail server, gateways and token endpoint outside the platform, as real servers."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded.settings import free_ports

SECRET = "of the gateway"
_CLIENT = "administration"


@dataclass
class MailServer:
    """Mail server that keeps what it receives. ``responses`` are given to coming mails instead of
    taking them; ``"silence"`` takes one and closes the connection without a response.
    """

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)
    recipient_response: str = ""

    async def handle_RCPT(  # noqa: N802
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if not self.recipient_response:
            envelope.rcpt_tos.append(address)
        return self.recipient_response or "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self.responses.pop(0) if self.responses else "250 OK"
        if reply in ("250 OK", "silence"):
            assert isinstance(envelope.content, bytes)
            self.taken.append(message_from_bytes(envelope.content, policy=default))
        if reply == "silence":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return reply

    def settings(self) -> dict[str, str]:
        return {
            "AFTERSALES_SMTP_HOST": "127.0.0.1",
            "AFTERSALES_SMTP_PORT": str(self.port),
            "AFTERSALES_SMTP_SECURITY": "none",
            "AFTERSALES_SMTP_SENDER": "service@dealer.example",
        }


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """Yield an SMTP server on a free port until the block ends."""
    server = MailServer(port=free_ports(1)[0])
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@dataclass
class Gateway:
    """Gateway that keeps each id once, as the protocol asks. ``responses`` are statuses for coming
    requests instead of taking them; 0 takes one and closes the connection; ``before`` is called
    with each request.
    """

    port: int = 0
    taken: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)
    responses: list[int] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def respond(self, body: bytes, stamp: str, signature: str) -> int:
        expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        if signature != f"sha256={expected.hexdigest()}":
            return 401
        request = json.loads(body)
        self.requests.append(request)
        self.before()
        status = self.responses.pop(0) if self.responses else 202
        if status in (0, 202):
            self.taken.setdefault(request["id"], request)
        return status

    @staticmethod
    def headers(
        body: bytes, key: str, *, channel: str = "sms", age_s: int = 0, secret: str = SECRET
    ) -> dict[str, str]:
        """Return the headers with which the gateway hands over what a customer has written."""
        stamp = str(int(time.time()) - age_s)
        signed = hmac.new(
            secret.encode(), f"{stamp}.{channel}.{key}.".encode() + body, hashlib.sha256
        )
        return {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Timestamp": stamp,
            "X-Signature": f"sha256={signed.hexdigest()}",
        }

    def settings(self, channel: str) -> dict[str, str]:
        return {
            f"AFTERSALES_{channel.upper()}_GATEWAY_URL": f"http://127.0.0.1:{self.port}",
            f"AFTERSALES_{channel.upper()}_GATEWAY_SECRET": SECRET,
        }


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    """Yield a gateway on a free port until the block ends."""
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = (
                state.respond(body, self.headers["X-Timestamp"], self.headers["X-Signature"])
                if self.path == "/messages"
                else 404
            )
            if status:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.connection.close()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing: tests read the state instead."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


@dataclass
class TokenEndpoint:
    """Token endpoint of an issuer that knows one client; its tokens are to be renewed at once."""

    new_token: Callable[[], str]
    url: str = ""
    given: int = 0

    def respond(self, authorization: str, body: str) -> tuple[int, dict[str, object]]:
        client = base64.b64encode(f"{_CLIENT}:{SECRET}".encode()).decode()
        if authorization != f"Basic {client}":
            return 401, {"error": "invalid_client"}
        if "grant_type=client_credentials" not in body.split("&"):
            return 400, {"error": "unsupported_grant_type"}
        self.given += 1
        return 200, {"access_token": self.new_token(), "expires_in": 0}

    def settings(self) -> dict[str, str]:
        return {
            "AFTERSALES_TOKEN_URL": self.url,
            "AFTERSALES_CLIENT_ID": _CLIENT,
            "AFTERSALES_CLIENT_SECRET": SECRET,
        }


@contextmanager
def token_endpoint(new_token: Callable[[], str]) -> Iterator[TokenEndpoint]:
    """Yield a token endpoint on a free port until the block ends."""
    endpoint = TokenEndpoint(new_token)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, content = endpoint.respond(self.headers["Authorization"], body)
            response = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing: tests read the endpoint instead."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
