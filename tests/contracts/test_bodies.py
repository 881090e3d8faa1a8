"""Request bodies: not read before the caller is known, nor beyond the operation's limit (R39, R40).

The operations are those that the services describe; no service runs, as no request here is let in.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI

from tests.support.idle_services import Idle

CHUNK = b"[" * 64_000
ENDLESS = 14_000_000
"""Size above the limit of every operation."""

MALFORMED = b'{"plate": '
JSON = "application/json"

OPEN = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/schemas/{kind}.json"),
    ("GET", "/authorizations/{token}"),
    ("POST", "/authorizations/{token}"),
    ("GET", "/survey-links/{token}"),
    ("POST", "/survey-links/{token}"),
    ("POST", "/gateways/{channel}/messages"),
}
"""Operations without sign-in."""

LARGER = {
    ("POST", "/stores/{store_id}/orders/{order_id}/photos"): 12_000_000,
    ("POST", "/stores/{store_id}/photos"): 12_000_000,
    ("POST", "/group/imports"): 4_000_000,
    ("POST", "/stores/{store_id}/attendance/imports"): 1_000_000,
    ("POST", "/group/sheet-imports"): 12_010_000,
    ("POST", "/stores/{store_id}/sheet-imports"): 12_010_000,
    ("POST", "/stores/{store_id}/customer-imports"): 12_010_000,
}
"""Operations that take more than the 256,000 bytes of all others."""


@dataclass
class Call:
    """Request at the edge of an application; its body has ENDLESS bytes unless it is given."""

    app: FastAPI
    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None = None
    read: int = 0
    sent: list[Any] = field(default_factory=list)

    async def made(self) -> "Call":
        headers = {"Idempotency-Key": "test-key-1", "Content-Type": JSON, **self.headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"kind=damage",
            "root_path": "",
            "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        await self.app(scope, self._receive, self._send)
        return self

    async def _receive(self) -> Any:
        part = CHUNK if self.body is None else self.body
        self.read += len(part)
        more = self.body is None and self.read < ENDLESS
        return {"type": "http.request", "body": part, "more_body": more}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def header(self) -> dict[str, str]:
        return {name.decode(): text.decode() for name, text in self.sent[0]["headers"]}

    @property
    def problem(self) -> Any:
        assert self.header["content-type"] == "application/problem+json", self.sent
        return json.loads(b"".join(each.get("body", b"") for each in self.sent[1:]))


def operations(idle: Idle) -> Iterator[tuple[FastAPI, str, str]]:
    for app in idle.apps.values():
        for path, found in app.openapi()["paths"].items():
            for method in found:
                yield app, method.upper(), path


def address(path: str) -> str:
    return path.replace("{store_id}", "S01").replace("{", "").replace("}", "")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "100000000"}, None),
        ({"Transfer-Encoding": "chunked"}, None),
        ({"Content-Length": str(len(MALFORMED))}, MALFORMED),
        ({"Content-Length": "100", "Content-Encoding": "gzip"}, b"\x1f\x8b" + bytes(98)),
        ({"Content-Length": "5", "Authorization": "Bearer no-token"}, b"plain"),
    ],
)
async def test_body_of_unauthenticated_caller_is_not_read(
    idle: Idle, headers: Any, body: Any
) -> None:
    tried = 0
    for app, method, path in operations(idle):
        if (method, path) in OPEN:
            continue
        tried += 1
        call = await Call(app, method, address(path), headers, body).made()
        assert (call.status, call.problem["status"], call.read) == (401, 401, 0), (method, path)
        assert call.header["connection"] == "close"
    assert tried > 100


@pytest.mark.parametrize("length", [{"Content-Length": "100000000"}, {}])
async def test_oversized_body_is_rejected_with_its_limit(idle: Idle, length: Any) -> None:
    token = {"Authorization": f"Bearer {idle.token}"}
    for app, method, path in operations(idle):
        limit = LARGER.get((method, path), 256_000)
        chunked = {} if length else {"Transfer-Encoding": "chunked"}
        call = await Call(app, method, address(path), token | length | chunked).made()
        assert call.status == 413, (method, path, call.sent)
        fault = call.problem["errors"][0]
        assert (fault["field"], fault["rule"]) == ("body", "too_large")
        assert call.problem["values"] == {"largest": limit}
        assert call.read <= (0 if length else limit + len(CHUNK))
        assert call.header["connection"] == "close"


async def test_compressed_body_is_rejected_unread(idle: Idle) -> None:
    headers = {"Authorization": f"Bearer {idle.token}", "Content-Encoding": "gzip"}
    for app, method, path in operations(idle):
        call = await Call(app, method, address(path), headers, b"\x1f\x8b" + bytes(98)).made()
        assert (call.status, call.read) == (415, 0), (method, path, call.sent)
        assert call.problem["errors"][0]["field"] == "Content-Encoding"
        assert call.header["accept-encoding"] == "identity"


@pytest.mark.parametrize("body", [MALFORMED, b"[" * 200_000, b"1" * 200_000, b"\xff\xfe{}"])
async def test_malformed_json_is_rejected_with_problem(idle: Idle, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {idle.token}", "Content-Length": str(len(body))}
    for app, method, path in operations(idle):
        if method == "GET":
            continue
        call = await Call(app, method, address(path), headers, body).made()
        assert call.status in (400, 404, 422), (method, path, call.sent)
        assert call.problem["status"] == call.status
