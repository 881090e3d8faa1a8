"""Signing in at an OIDC issuer: code flow with PKCE, renewal, and what is refused."""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI, Form
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from deploy.embedded.settings import free_ports
from services.desk.addresses import inside
from services.desk.session import OidcSignIn, SignedOutError
from shared.issuer import DevelopmentIssuer
from shared.settings import Settings


class Provider:
    """A small OIDC issuer that remembers its codes and their PKCE challenges."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.lifetime_s = 600
        self.refuses_renewal = False
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
        self._key.ensure_kid()
        key_file = folder / "issuer.json"
        key_file.write_text(json.dumps(self._key.as_dict(private=True)))
        self.jwks_file = folder / "jwks.json"
        self.jwks_file.write_text(json.dumps({"keys": [self._key.as_dict(private=False)]}))
        self._issuer = DevelopmentIssuer(key_file, self.url, "aftersales")
        self._codes: dict[str, dict[str, list[str]]] = {}
        self.app = FastAPI()
        self._serve()

    def authorize(self, address: str) -> str:
        """What the browser is sent back with after the person agreed at ``address``."""
        asked = parse_qs(urlsplit(address).query)
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return f"{asked['redirect_uri'][0]}?code={code}&state={asked['state'][0]}"

    def _serve(self) -> None:
        @self.app.get("/.well-known/openid-configuration")
        async def metadata() -> dict[str, Any]:
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "id_token_signing_alg_values_supported": ["ES256"],
            }

        @self.app.get("/jwks")
        async def jwks() -> dict[str, Any]:
            return {"keys": [self._key.as_dict(private=False)]}

        @self.app.post("/token")
        async def token(
            grant_type: str = Form(), code: str = Form(""), code_verifier: str = Form("")
        ) -> JSONResponse:
            if grant_type == "refresh_token":
                if self.refuses_renewal:
                    return JSONResponse({"error": "invalid_grant"}, 400)
                return JSONResponse(self._tokens(None))
            asked = self._codes.pop(code, None)
            digest = hashlib.sha256(code_verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if asked is None or asked["code_challenge"] != [challenge]:
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse(self._tokens(asked["nonce"][0]))

    def _tokens(self, nonce: str | None) -> dict[str, Any]:
        access = self._issuer.token("S01-advisor-1", roles=["advisor"], stores=["S01"], name="何强")
        tokens = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
            "refresh_token": "again",
        }
        return tokens if nonce is None else tokens | {"id_token": self._id_token(nonce)}

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "aftersales-desk",
            "sub": "S01-advisor-1",
            "nonce": nonce,
            "iat": now,
            "exp": now + 60,
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key)


@pytest_asyncio.fixture(scope="module")
async def provider(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provider]:
    provider = Provider(tmp_path_factory.mktemp("issuer"), free_ports(1)[0])
    port = urlsplit(provider.url).port
    assert port
    server = uvicorn.Server(uvicorn.Config(provider.app, port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield provider
    server.should_exit = True
    await serving


@pytest.fixture
def sign_in(provider: Provider) -> OidcSignIn:
    return OidcSignIn(Settings(issuer=provider.url, jwks_file=provider.jwks_file))


@pytest_asyncio.fixture
async def browser(sign_in: OidcSignIn) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at a desk that has the routes of signing in only."""
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key="test")

    @app.get("/start")
    async def start(request: Request) -> Response:
        return await sign_in.redirect(request, "http://desk/callback")

    @app.get("/callback")
    async def callback(request: Request) -> Response:
        try:
            await sign_in.complete(request)
        except SignedOutError:
            return RedirectResponse("/sign-in", 303)
        return RedirectResponse("/", 303)

    @app.get("/token")
    async def token(request: Request) -> Response:
        signed_in = sign_in.current(request.session)
        if signed_in is None:
            return PlainTextResponse("nobody", 401)
        try:
            return PlainTextResponse(await signed_in.token(), headers={"X-Role": _role(signed_in)})
        except SignedOutError:
            return PlainTextResponse("ended", 401)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


def _role(signed_in: Any) -> str:
    return f"{','.join(signed_in.person.roles)} in {','.join(signed_in.person.stores)}"


async def _signed_in(browser: httpx.AsyncClient, provider: Provider) -> httpx.Response:
    at_issuer = (await browser.get("/start")).headers["location"]
    return await browser.get(provider.authorize(at_issuer))


async def test_a_person_comes_back_with_their_roles_and_stores(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    assert (await browser.get("/token")).status_code == 401
    assert (await _signed_in(browser, provider)).headers["location"] == "/"
    answer = await browser.get("/token")
    assert answer.headers["X-Role"] == "advisor in S01"
    assert answer.text.count(".") == 2


async def test_no_token_leaves_the_desk(browser: httpx.AsyncClient, provider: Provider) -> None:
    back = await _signed_in(browser, provider)
    token = (await browser.get("/token")).text
    cookie = base64.b64decode(browser.cookies["session"].split(".")[0] + "==")
    assert token.encode() not in cookie
    assert token not in str(back.headers)


async def test_a_forged_answer_signs_nobody_in(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    at_issuer = (await browser.get("/start")).headers["location"]
    back = provider.authorize(at_issuer)
    for forged in (back.replace("state=", "state=x"), back.replace("code=", "code=x")):
        assert (await browser.get(forged)).headers["location"] == "/sign-in"
    assert (await browser.get("/token")).status_code == 401


async def test_a_session_is_renewed_and_ends_when_the_issuer_says_so(
    browser: httpx.AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "lifetime_s", 0)
    await _signed_in(browser, provider)
    assert (await browser.get("/token")).status_code == 200
    monkeypatch.setattr(provider, "refuses_renewal", True)
    ended = await browser.get("/token")
    assert (ended.status_code, ended.text) == (401, "ended")


@pytest.mark.parametrize(
    "address",
    [
        "x",
        "https://evil.example/",
        "javascript:alert(1)",
        "//evil.example",
        "//[",
        "/\\evil.example",
        "/\t/evil.example",
        "/\u200b/evil.example",
        "/today\r\nSet-Cookie: a=b",
        "/%2Fevil.example",
        "/%5cevil.example",
        "/%09/evil.example",
        "/%252Fevil.example",
        "/stores//evil.example",
        "/%25252525252Fevil.example",
        "/" + "a" * 2_000,
    ],
)
def test_signing_in_leads_to_the_desk_only(address: str) -> None:
    assert inside(address) == "/"


@pytest.mark.parametrize(
    "address",
    ["/stores/S01/orders?view=ready", "/stores/S01/orders/a%20b", "/authorise/S01.x?a=//b"],
)
def test_signing_in_leads_back_to_a_page(address: str) -> None:
    assert inside(address) == address
