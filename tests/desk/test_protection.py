"""What the desk refuses from other sites, and what it lets a browser do with its answers."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import nicegui
import pytest
import pytest_asyncio
from fastapi import FastAPI


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
    "/authorise/S01.token",
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
async def test_every_answer_lays_down_what_is_allowed(
    visitor: httpx.AsyncClient, path: str
) -> None:
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


async def test_a_failure_lays_down_the_same(
    visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(nicegui.app.state.desk, "sign_in")
    answer = await visitor.get("/sign-in")
    assert answer.status_code == 500
    assert _policy(answer)["frame-ancestors"] == "'none'"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_only_scripts_of_the_template_run(visitor: httpx.AsyncClient) -> None:
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


async def test_the_customers_page_is_in_no_search_engine(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/authorise/S01.token")
    assert '<meta name="robots" content="noindex">' in answer.text


@pytest.mark.parametrize("path", ["/sign-in", "/authorise/S01.token", "/stores/S01/photos/1"])
async def test_pages_are_kept_by_no_cache(visitor: httpx.AsyncClient, path: str) -> None:
    assert (await visitor.get(path)).headers["Cache-Control"] == "no-store"


async def test_cookies_and_sockets_are_encrypted_behind_https(visitor: httpx.AsyncClient) -> None:
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
async def test_another_origin_sends_and_opens_nothing(
    visitor: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for method, path in COMMANDS:
        answer = await visitor.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/another_origin")
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("headers", [OWN, {}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}])
async def test_own_pages_and_programs_are_answered(
    visitor: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await visitor.request(*POLLING, headers=headers)).status_code == 200
    assert (await visitor.post("/sign-out", headers=headers)).status_code == 303


async def test_links_from_other_sites_lead_here(visitor: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await visitor.get("/sign-in", headers=headers)).status_code == 200


async def test_socket_of_another_origin_is_closed(visitor: httpx.AsyncClient) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/_nicegui_ws/socket.io/",
        "headers": [(b"host", b"desk"), (b"origin", b"http://evil.example")],
    }
    await visitor._transport.app(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
