"""Requests from other sites that the desk refuses, and browser rights on its responses."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from unittest.mock import Mock

import httpx
import nicegui
import pytest
import pytest_asyncio
from fastapi import FastAPI
from nicegui import Client, core, ui
from starlette.requests import Request
from starlette.types import ASGIApp, Message

from services.desk import session
from services.desk.protection import behind_proxies, names_of_desk
from shared.settings import Settings


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _running(lonely_desk: FastAPI) -> AsyncIterator[None]:
    async with lonely_desk.router.lifespan_context(lonely_desk):
        yield


PUBLIC = (
    "/",
    "/sign-in",
    "/no/such/page",
    "/session",
    "/board/S01",
    "/authorize/S01.token",
    "/static/desk.css",
    "/static/nothing.css",
    "/stores/S01/photos/1",
    "/stores/S01/orders",
    f"/_nicegui/{nicegui.__version__}/static/nicegui.js",
    "/_nicegui_ws/socket.io/?EIO=4&transport=polling",
)
OWN = {"Origin": "http://desk"}


def _policy(answer: httpx.Response) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split(";")
    return {name: sources for name, _, sources in (part.strip().partition(" ") for part in parts)}


@pytest.mark.parametrize("path", PUBLIC)
async def test_every_response_has_security_headers(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    policy = _policy(answer)
    for nothing in ("object-src", "base-uri", "frame-ancestors"):
        assert policy[nothing] == "'none'"
    assert policy["default-src"] == policy["form-action"] == "'self'"
    assert policy["connect-src"] == "'self' ws://desk"
    assert "'unsafe-inline'" not in policy["script-src"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer.headers


async def test_failure_response_has_security_headers(
    visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(nicegui.app.state.app_context, "sign_in")
    answer = await visitor.get("/sign-in")
    assert answer.status_code == 500
    assert _policy(answer)["frame-ancestors"] == "'none'"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_only_template_scripts_have_nonce(visitor: httpx.AsyncClient) -> None:
    first, second = await visitor.get("/sign-in"), await visitor.get("/no/such/page")
    assert (first.status_code, second.status_code) == (200, 404)
    nonces = set()
    for answer in (first, second):
        nonce = re.search(r"'nonce-([\w-]{20,})'", _policy(answer)["script-src"])
        assert nonce
        nonces.add(nonce[1])
        inline = [tag for tag in re.findall(r"<script[^>]*>", answer.text) if "src=" not in tag]
        assert inline
        assert all(f'nonce="{nonce[1]}"' in tag for tag in inline)
    assert len(nonces) == 2


async def test_customer_page_forbids_indexing(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/authorize/S01.token")
    assert '<meta name="robots" content="noindex">' in answer.text


@pytest.mark.parametrize("path", ["/sign-in", "/authorize/S01.token", "/stores/S01/photos/1"])
async def test_pages_are_not_cached(visitor: httpx.AsyncClient, path: str) -> None:
    assert (await visitor.get(path)).headers["Cache-Control"] == "no-store"


async def test_cookies_are_secure_behind_https(visitor: httpx.AsyncClient) -> None:
    plain = await visitor.get("/language/en")
    encrypted = await visitor.get("https://desk/language/en")
    assert "secure" not in plain.headers["Set-Cookie"].lower()
    for flag in ("httponly", "samesite=lax", "secure"):
        assert flag in encrypted.headers["Set-Cookie"].lower().split("; ")
    assert encrypted.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert _policy(encrypted)["connect-src"] == "'self' wss://desk"


POLLING = ("GET", "/_nicegui_ws/socket.io/?EIO=4&transport=polling")
COMMANDS = (
    POLLING,
    ("POST", "/_nicegui_ws/socket.io/?EIO=4&transport=polling&sid=x"),
    ("POST", "/sign-out"),
    ("POST", "/sign-in/person"),
    ("POST", "/_nicegui/client/1/upload/1"),
)
FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "http://evil.example"},
    {"Origin": "https://desk"},
    {"Origin": "http://desk:81"},
    {"Origin": "http://desk.evil.example"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


@pytest.mark.parametrize("headers", FOREIGN)
async def test_request_of_another_origin_is_rejected(
    visitor: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for method, path in COMMANDS:
        answer = await visitor.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/another_origin")
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("headers", [OWN, {}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}])
async def test_request_of_own_origin_is_accepted(
    visitor: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await visitor.request(*POLLING, headers=headers)).status_code == 200
    assert (await visitor.post("/sign-out", headers=headers)).status_code == 303


async def test_navigation_from_another_site_is_accepted(visitor: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await visitor.get("/sign-in", headers=headers)).status_code == 200


async def _socket(app: ASGIApp, **headers: str) -> list[str]:
    """Return the reason why the desk closes a socket that a browser opens with these headers."""
    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message.get("reason", ""))

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/_nicegui_ws/socket.io/",
        "query_string": b"EIO=4&transport=websocket",
        "client": ("127.0.0.1", 5000),
        "headers": [
            (name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()
        ],
    }
    await app(scope, receive, send)
    return sent


async def test_websocket_of_another_origin_is_closed(lonely_desk: FastAPI) -> None:
    reasons = await _socket(lonely_desk, host="desk", origin="http://evil.example")
    assert reasons == ["another_origin"]


async def test_websocket_of_another_host_is_closed(lonely_desk: FastAPI) -> None:
    reasons = await _socket(lonely_desk, host="evil.example", origin="http://evil.example")
    assert reasons == ["unknown_host"]


@pytest.mark.parametrize(
    ("host", "forwarded", "origin", "taken"),
    [
        ("desk:443", "https", "https://desk", True),
        ("desk", "https, http", "https://desk", True),
        ("desk", "https,https", "https://desk:443", True),
        ("desk:80", "", "http://desk", True),
        ("desk:443", "", "http://desk", False),
        ("desk:80", "https", "https://desk", False),
        ("desk", "http, https", "https://desk", False),
        ("desk", "https", "http://desk", False),
    ],
)
async def test_origin_check_respects_ports_and_proxies(
    lonely_desk: FastAPI, host: str, forwarded: str, origin: str, taken: bool
) -> None:
    app = behind_proxies(lonely_desk, "127.0.0.1")
    headers = {"host": host, "origin": origin, "x_forwarded_proto": forwarded}
    assert ("another_origin" in await _socket(app, **headers)) is not taken
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        answer = await client.post("/sign-out", headers=sent)
        assert answer.status_code == (303 if taken else 403)


async def test_forwarded_scheme_of_untrusted_proxy_is_ignored(lonely_desk: FastAPI) -> None:
    app = behind_proxies(lonely_desk, "10.0.0.0/8")
    headers = {"host": "desk", "origin": "https://desk", "x_forwarded_proto": "https"}
    assert await _socket(app, **headers) == ["another_origin"]


KNOWN_HOSTS = (
    "desk",
    "DESK:8080",
    "desk.",
    "localhost:8080",
    "shop.localhost",
    "127.0.0.1:8080",
    "192.168.1.20",
    "[::1]:8080",
    f"{socket.gethostname()}:8080",
    f"{socket.gethostname()}.local",
)
STRANGE_HOSTS = (
    "evil.example",
    "evil.example:8080",
    "desk.evil.example",
    "evil-desk",
    "127.0.0.1.evil.example",
    "desk@evil.example",
    "evil.example/desk",
    "desk:x",
    "[desk]",
    "",
    " ",
)


@pytest.mark.parametrize("host", KNOWN_HOSTS)
async def test_known_host_is_accepted(visitor: httpx.AsyncClient, host: str) -> None:
    assert (await visitor.get("/sign-in", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", STRANGE_HOSTS)
async def test_unknown_host_is_rejected(visitor: httpx.AsyncClient, host: str) -> None:
    for method, path in (("GET", "/sign-in"), ("GET", "/static/desk.css"), *COMMANDS):
        answer = await visitor.request(method, path, headers={"Host": host})
        assert (answer.status_code, answer.json()["type"]) == (421, "/problems/unknown_host")


async def test_request_with_two_hosts_is_rejected(visitor: httpx.AsyncClient) -> None:
    headers = [("Host", "desk"), ("Host", "evil.example")]
    assert (await visitor.get("/sign-in", headers=headers)).status_code == 421


def test_configured_hosts_are_accepted() -> None:
    settings = Settings(public_url="https://Service.Example:8443/", desk_hosts="desk.lan, other")
    names = names_of_desk(settings)
    assert {"service.example", "desk.lan", "other", "localhost"} <= names


async def test_closed_page_is_deleted_without_error(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[Exception] = []
    monkeypatch.setattr(core.app, "handle_exception", failures.append)
    monkeypatch.setattr(session, "_HANG_UP_S", 0)
    shown = session.Session("name", Mock(), 0.0, Mock())
    page = Client(
        ui.page("/closing", reconnect_timeout=0.05),
        request=Request({"type": "http", "path": "/closing", "headers": []}),
    )
    shown.shown_on(page)
    await page.handle_handshake("socket", "tab", None, "document", None)
    page.handle_disconnect("socket")
    [deletion] = page._delete_tasks.values()
    shown.close_pages("/sign-in")
    await asyncio.wait({deletion})
    await asyncio.sleep(0)
    assert page.is_deleted
    assert failures == []
