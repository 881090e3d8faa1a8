"""Sign-in at an OIDC issuer: code flow with PKCE, renewal, and refusals."""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI, Form
from fastapi.responses import JSONResponse
from itsdangerous import TimestampSigner
from joserfc import jwt
from joserfc.jwk import ECKey
from nicegui import Client, core, ui
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from deploy.embedded.settings import free_ports
from services.desk.addresses import inside
from services.desk.directory import Directories, Store
from services.desk.session import Session, Sessions, SignedOutError
from services.desk.session_store import SessionStore, name_of
from services.desk.sign_in import OidcSignIn
from shared.calls import ServiceUnavailableError
from shared.clients.management.models import DirectoryPerson
from shared.contracts.management import Post
from shared.files import FileStorage
from shared.issuer import DevelopmentIssuer
from shared.settings import Settings


class Provider:
    """Small OIDC issuer that remembers its codes and their PKCE challenges."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.lifetime_s = 600
        self.refuses_renewal = False
        self.away = False
        self.subject = "S01-advisor-1"
        self.roles: list[str] = []
        self.stores: list[str] = []
        self.refresh_tokens: set[str] = set()
        self.renewals = 0
        self.revoked: list[str] = []
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
        self._key.ensure_kid()
        key_file = folder / "issuer.json"
        key_file.write_text(json.dumps(self._key.as_dict(private=True)))
        self.jwks_file = folder / "jwks.json"
        self.jwks_file.write_text(json.dumps({"keys": [self._key.as_dict(private=False)]}))
        self._issuer = DevelopmentIssuer(key_file, self.url, "aftersales")
        self._codes: dict[str, dict[str, list[str]]] = {}
        self.may_renew = asyncio.Event()
        self.app = FastAPI()
        self._publish()
        self._grant()

    def authorize(self, address: str) -> str:
        """Return the address of the redirect after the person agreed at ``address``."""
        asked = parse_qs(urlsplit(address).query)
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return f"{asked['redirect_uri'][0]}?code={code}&state={asked['state'][0]}"

    def _publish(self) -> None:
        @self.app.get("/.well-known/openid-configuration")
        async def metadata() -> dict[str, Any]:
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "revocation_endpoint": f"{self.url}/revoke",
                "id_token_signing_alg_values_supported": ["ES256"],
            }

        @self.app.get("/jwks")
        async def jwks() -> dict[str, Any]:
            return {"keys": [self._key.as_dict(private=False)]}

    def _grant(self) -> None:
        @self.app.post("/revoke")
        async def revoke(token: str = Form()) -> Response:
            if self.away:
                return Response(status_code=503)
            self.revoked.append(token)
            self.refresh_tokens.discard(token)
            return Response()

        @self.app.post("/token")
        async def token(
            grant_type: str = Form(),
            code: str = Form(""),
            code_verifier: str = Form(""),
            refresh_token: str = Form(""),
        ) -> JSONResponse:
            if self.away:
                return JSONResponse({}, 503)
            if grant_type == "refresh_token":
                if self.refuses_renewal or refresh_token not in self.refresh_tokens:
                    return JSONResponse({"error": "invalid_grant"}, 400)
                self.refresh_tokens.remove(refresh_token)
                self.renewals += 1
                await asyncio.sleep(0.05)
                await self.may_renew.wait()
                return JSONResponse(self._tokens(None))
            asked = self._codes.pop(code, None)
            digest = hashlib.sha256(code_verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if asked is None or asked["code_challenge"] != [challenge]:
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse(self._tokens(asked["nonce"][0]))

    def _tokens(self, nonce: str | None) -> dict[str, Any]:
        access = self._issuer.token(
            self.subject, roles=self.roles, stores=self.stores, name="首位管理员"
        )
        refresh = secrets.token_urlsafe(8)
        self.refresh_tokens.add(refresh)
        tokens = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
            "refresh_token": refresh,
        }
        return tokens if nonce is None else tokens | {"id_token": self._id_token(nonce)}

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "aftersales-desk",
            "sub": self.subject,
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


@pytest.fixture(autouse=True)
def _well(provider: Provider) -> None:
    provider.lifetime_s, provider.subject = 600, "S01-advisor-1"
    provider.roles, provider.stores = [], []
    provider.refuses_renewal = provider.away = False
    provider.may_renew.set()
    provider.refresh_tokens, provider.renewals, provider.revoked = set(), 0, []


class Staff(Directories):
    """Staff records of a group with the stores S01 and S02."""

    def __init__(self) -> None:
        self.away = False
        self.roles = ["service_advisor"]
        self.in_store: str | None = "S01"

    async def person(self, subject: str) -> DirectoryPerson | None:
        if self.away:
            raise ServiceUnavailableError("management")
        if subject != "S01-advisor-1":
            return None
        posts = [Post(role=role, in_store=self.in_store) for role in self.roles]
        return DirectoryPerson(zh="何强", en="Qiang He", posts=posts)

    async def all_stores(self) -> Mapping[str, Store]:
        return {each: Store.unknown(each) for each in ("S01", "S02")}


@dataclass
class Desk:
    """Desk that has the routes of sign-in and sign-out only."""

    sessions: Sessions
    staff: Staff
    app: FastAPI

    @property
    def present(self) -> list[Session]:
        return list(self.sessions._known.values())


def _desk(provider: Provider, folder: Path, **settings: Any) -> Desk:
    own = Settings(issuer=provider.url, jwks_file=provider.jwks_file, **settings)
    staff = Staff()
    sign_in = OidcSignIn(own, staff)
    sessions = Sessions(own, SessionStore(FileStorage(str(folder)), "secret"), sign_in)
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key="test")
    _add_ways_in(app, sessions, sign_in)
    _add_token(app, sessions)
    return Desk(sessions, staff, app)


def _add_ways_in(app: FastAPI, sessions: Sessions, sign_in: OidcSignIn) -> None:
    @app.get("/start")
    async def start(request: Request) -> Response:
        return await sign_in.redirect(request, "http://desk/callback")

    @app.get("/callback")
    async def callback(request: Request) -> Response:
        try:
            await sessions.begin(request.session, await sign_in.complete(request))
        except SignedOutError:
            return RedirectResponse("/sign-in", 303)
        return RedirectResponse("/", 303)

    @app.get("/out")
    async def out(request: Request) -> Response:
        await sessions.sign_out(request.session)
        return Response()


def _add_token(app: FastAPI, sessions: Sessions) -> None:
    @app.get("/token")
    async def token(request: Request) -> Response:
        signed_in = await sessions.current(request.session)
        if signed_in is None:
            return PlainTextResponse("nobody", 401)
        try:
            return PlainTextResponse(await signed_in.token(), headers={"X-Role": _role(signed_in)})
        except SignedOutError:
            return PlainTextResponse("ended", 401)
        except ServiceUnavailableError:
            return PlainTextResponse("away", 503)


@asynccontextmanager
async def _browser(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(desk.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


@pytest.fixture
def desk(provider: Provider, tmp_path: Path) -> Desk:
    return _desk(provider, tmp_path)


@pytest_asyncio.fixture
async def browser(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a browser at the desk."""
    async with _browser(desk) as client:
        yield client


def _role(signed_in: Any) -> str:
    person = signed_in.person
    return f"{','.join(sorted(person.roles))} in {','.join(person.stores)}"


async def _signed_in(browser: httpx.AsyncClient, provider: Provider) -> httpx.Response:
    at_issuer = (await browser.get("/start")).headers["location"]
    return await browser.get(provider.authorize(at_issuer))


async def test_signed_in_user_has_roles_and_stores(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    assert (await browser.get("/token")).status_code == 401
    assert "prompt=login" in (await browser.get("/start")).headers["location"]
    assert (await _signed_in(browser, provider)).headers["location"] == "/"
    response = await browser.get("/token")
    assert response.headers["X-Role"] == "service_advisor in S01"
    assert response.text.count(".") == 2


async def test_person_of_group_has_all_stores(
    desk: Desk, browser: httpx.AsyncClient, provider: Provider
) -> None:
    desk.staff.roles, desk.staff.in_store = ["group_manager"], None
    await _signed_in(browser, provider)
    assert (await browser.get("/token")).headers["X-Role"] == "group_manager in S01,S02"


@pytest.mark.parametrize(("claim", "stores"), [(["*"], "S01,S02"), (["S02"], "S02"), ([], "")])
async def test_first_operator_has_what_issuer_says(
    browser: httpx.AsyncClient, provider: Provider, claim: list[str], stores: str
) -> None:
    provider.subject = "operator"
    provider.roles, provider.stores = ["group_manager", "operator"], claim
    await _signed_in(browser, provider)
    said = (await browser.get("/token")).headers["X-Role"]
    assert said == f"group_manager,operator in {stores}"


async def test_unknown_person_has_no_role_by_claims(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    provider.subject = "stranger"
    provider.roles, provider.stores = ["group_manager"], ["*"]
    await _signed_in(browser, provider)
    assert (await browser.get("/token")).headers["X-Role"] == " in "


async def test_sign_in_alone_needs_staff_records(
    desk: Desk, browser: httpx.AsyncClient, provider: Provider
) -> None:
    desk.staff.away = True
    with pytest.raises(ServiceUnavailableError, match="management"):
        await _signed_in(browser, provider)
    desk.staff.away, provider.lifetime_s = False, 0
    await _signed_in(browser, provider)
    desk.staff.away = True
    response = await browser.get("/token")
    assert (provider.renewals, response.headers["X-Role"]) == (1, "service_advisor in S01")


async def test_token_is_not_sent_to_browser(browser: httpx.AsyncClient, provider: Provider) -> None:
    back = await _signed_in(browser, provider)
    token = (await browser.get("/token")).text
    cookie = base64.b64decode(browser.cookies["session"].split(".")[0] + "==")
    assert token.encode() not in cookie
    assert token not in str(back.headers)


async def test_forged_issuer_response_is_rejected(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    at_issuer = (await browser.get("/start")).headers["location"]
    back = provider.authorize(at_issuer)
    for forged in (back.replace("state=", "state=x"), back.replace("code=", "code=x")):
        assert (await browser.get(forged)).headers["location"] == "/sign-in"
    assert (await browser.get("/token")).status_code == 401


async def test_session_renews_until_issuer_refuses(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    provider.lifetime_s = 0
    await _signed_in(browser, provider)
    for renewals in (1, 2):
        assert (await browser.get("/token")).status_code == 200
        assert (provider.renewals, len(provider.refresh_tokens)) == (renewals, 1)
    provider.refuses_renewal = True
    ended = await browser.get("/token")
    assert (ended.status_code, ended.text) == (401, "ended")
    provider.refuses_renewal = False
    assert (await browser.get("/token")).text == "nobody"


async def test_concurrent_requests_renew_session_once(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    provider.lifetime_s = 0
    await _signed_in(browser, provider)
    answers = await asyncio.gather(*(browser.get("/token") for _ in range(5)))
    assert {response.status_code for response in answers} == {200}
    assert provider.renewals == 1


async def test_sign_in_replaces_session_id(browser: httpx.AsyncClient, provider: Provider) -> None:
    planted = _signed({"session": "chosen by somebody else"})
    browser.cookies.set("session", planted, domain="desk.local", path="/")
    await _signed_in(browser, provider)
    first = browser.cookies["session"]
    assert "chosen" not in str(_content(first))
    await _signed_in(browser, provider)
    assert _content(browser.cookies["session"])["session"] != _content(first)["session"]
    assert (await _with_cookie(browser, first)).text == "nobody"


async def test_copied_cookie_is_invalid_after_sign_out(
    desk: Desk, browser: httpx.AsyncClient, provider: Provider
) -> None:
    await _signed_in(browser, provider)
    copied = browser.cookies["session"]
    assert (await _with_cookie(browser, copied)).status_code == 200
    (refresh,) = provider.refresh_tokens
    provider.away = True
    left = await browser.get("/out")
    assert "expires=Thu, 01 Jan 1970" in left.headers["set-cookie"]
    assert (await _with_cookie(browser, copied)).text == "nobody"
    await desk.sessions.tidy()
    assert provider.revoked == []
    provider.away = False
    desk.sessions._revoke_at = 0
    await desk.sessions.tidy()
    assert provider.revoked == [refresh]
    assert await desk.sessions.store.to_revoke() == {}


async def test_sign_out_during_renewal_revokes_new_token(
    desk: Desk, browser: httpx.AsyncClient, provider: Provider
) -> None:
    provider.lifetime_s = 0
    await _signed_in(browser, provider)
    await browser.get("/token")
    (known,) = desk.present
    provider.may_renew.clear()
    renewing = asyncio.create_task(known.token())
    while provider.renewals < 2:
        await asyncio.sleep(0.01)
    await browser.get("/out")
    provider.may_renew.set()
    with pytest.raises(SignedOutError):
        await renewing
    await desk.sessions.tidy()
    assert provider.refresh_tokens == set()


async def test_session_survives_restart_and_second_instance(
    desk: Desk, browser: httpx.AsyncClient, provider: Provider, tmp_path: Path
) -> None:
    provider.lifetime_s = 0
    await _signed_in(browser, provider)
    cookie = browser.cookies["session"]
    second = _desk(provider, tmp_path)
    async with _browser(second) as elsewhere:
        asked = [_with_cookie(each, cookie) for each in (browser, elsewhere) * 3]
        answers = await asyncio.gather(*asked)
        assert {response.status_code for response in answers} == {200}
        assert len(provider.refresh_tokens) == 1
        provider.lifetime_s = 600
        assert (await _with_cookie(elsewhere, cookie)).status_code == 200
        await browser.get("/out")
        (known,) = second.present
        await second.sessions.look()
        assert known.ended
        assert (await _with_cookie(elsewhere, cookie)).text == "nobody"


async def test_session_ends_when_idle_or_too_old(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limits in ({"session_idle_s": 300}, {"session_max_s": 300}):
        desk = _desk(provider, tmp_path, **limits)
        async with _browser(desk) as browser:
            await _signed_in(browser, provider)
            assert (await browser.get("/token")).status_code == 200
            (known,) = desk.present
            later = time.time() + 301
            with monkeypatch.context() as clock:
                clock.setattr(time, "time", lambda later=later: later)
                await desk.sessions.look()
                assert known.ended
                with pytest.raises(SignedOutError):
                    await known.token()
            assert (await browser.get("/token")).text == "nobody"


@pytest.mark.parametrize("change", ["other roles", "removed"])
async def test_page_closes_when_roles_change_at_renewal(
    desk: Desk,
    browser: httpx.AsyncClient,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    monkeypatch.setattr(core, "loop", asyncio.get_running_loop())
    provider.lifetime_s = 0
    await _signed_in(browser, provider)
    await browser.get("/token")
    (known,) = desk.present
    page = Client(ui.page("/page"))
    known.shown_on(page)
    await desk.sessions.look()
    await asyncio.wait({known._renewing.begin()})
    assert known.pages == {page}
    desk.staff.roles = ["service_manager"]
    provider.refuses_renewal = change == "removed"
    await desk.sessions.look()
    await asyncio.wait({known._renewing.begin()})
    await asyncio.sleep(0)
    assert page.is_deleted
    assert known.pages == set()
    assert known.ended == provider.refuses_renewal


async def test_unavailable_issuer_keeps_session(
    desk: Desk, browser: httpx.AsyncClient, provider: Provider
) -> None:
    provider.lifetime_s = 10
    await _signed_in(browser, provider)
    provider.away = True
    (known,) = [await desk.sessions.current(_content(browser.cookies["session"]))]
    assert known
    known.record = replace(known.record, fresh_until=0.0)
    assert (await browser.get("/token")).status_code == 200
    await asyncio.gather(known._renewing.begin(), return_exceptions=True)
    known.record = replace(known.record, good_until=0.0)
    assert (await browser.get("/token")).status_code == 503
    provider.away = False
    known._renew_after = 0.0
    assert (await browser.get("/token")).status_code == 200


async def test_stored_session_is_encrypted(
    browser: httpx.AsyncClient, provider: Provider, tmp_path: Path
) -> None:
    await _signed_in(browser, provider)
    token = (await browser.get("/token")).text
    identifier = _content(browser.cookies["session"])["session"]
    (refresh,) = provider.refresh_tokens
    kept = _files(tmp_path)
    assert kept
    for path, content in kept.items():
        seen = path.encode() + content
        for secret in (token, identifier, refresh, "S01-advisor-1", "何强"):
            assert secret.encode() not in seen
    other = SessionStore(FileStorage(str(tmp_path)), "another secret")
    assert await other.load(name_of(identifier)) is None


async def test_expired_sessions_are_purged(
    desk: Desk, browser: httpx.AsyncClient, provider: Provider, tmp_path: Path
) -> None:
    await _signed_in(browser, provider)
    await browser.get("/out")
    await _signed_in(browser, provider)
    await desk.sessions.store.purge(time.time() - 60)
    assert (await browser.get("/token")).status_code == 200
    await desk.sessions.store.purge(time.time() + 60)
    assert not _files(tmp_path)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _signed(content: dict[str, Any]) -> str:
    data = base64.b64encode(json.dumps(content).encode())
    return TimestampSigner("test").sign(data).decode()


def _content(cookie: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(base64.b64decode(cookie.split(".", maxsplit=1)[0]))
    return content


async def _with_cookie(browser: httpx.AsyncClient, cookie: str) -> httpx.Response:
    async with httpx.AsyncClient(
        transport=browser._transport, base_url="http://desk", cookies={"session": cookie}
    ) as other:
        return await other.get("/token")


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
def test_external_redirect_after_sign_in_is_ignored(address: str) -> None:
    assert inside(address) == "/"


@pytest.mark.parametrize(
    "address",
    ["/stores/S01/orders?view=ready", "/stores/S01/orders/a%20b", "/authorize/S01.x?a=//b"],
)
def test_sign_in_redirects_to_requested_page(address: str) -> None:
    assert inside(address) == address
