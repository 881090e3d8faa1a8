"""Access tokens: accepted issuers, and changed keys or an unavailable issuer."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from deploy.embedded.settings import free_ports
from shared import signing_keys
from shared.problems import add_problem_handlers
from shared.routing import Router
from shared.security import Principal, Verifier, require_roles
from shared.settings import Settings
from tests.support.claims import Claims
from tests.support.polling import until


class KeyPublisher:
    """Issuer's key endpoint that counts its requests."""

    def __init__(self) -> None:
        self.key = _new_key()
        self.others: list[dict[str, Any]] = []
        self.said: Any = None
        self.asked = 0
        self.unavailable = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}/jwks"
        self.app = FastAPI()

        @self.app.get("/jwks")
        async def jwks() -> JSONResponse:
            self.asked += 1
            await self.may_answer.wait()
            if self.unavailable:
                return JSONResponse({}, 503)
            if self.said is not None:
                return JSONResponse(self.said)
            return JSONResponse({"keys": [*self.others, self.key.as_dict(private=False)]})

    def token(self, *, key: ECKey | None = None, kid: str | None = "", **claims: Any) -> str:
        """Return a valid token, but for ``claims``; ``kid`` None leaves it out."""
        key = key or self.key
        named = {} if kid is None else {"kid": kid or key.kid}
        content = json.dumps({**_claims(), **claims}).encode()
        return jws.serialize_compact({"alg": "ES256", **named}, content, key)


def _new_key() -> ECKey:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
    key.ensure_kid()
    return key


def _claims() -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": "issuer",
        "aud": ["aftersales", "account"],
        "sub": "S01-advisor-1",
        "roles": ["service_advisor"],
        "stores": ["S01"],
        "iat": now,
        "exp": now + 600,
    }


@pytest_asyncio.fixture(scope="module")
async def _served() -> AsyncIterator[KeyPublisher]:
    publisher = KeyPublisher()
    config = uvicorn.Config(publisher.app, port=publisher.port, log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield publisher
    server.should_exit = True
    await serving


@pytest.fixture
def publisher(_served: KeyPublisher) -> KeyPublisher:
    _served.key, _served.others, _served.said = _new_key(), [], None
    _served.asked, _served.unavailable = 0, False
    _served.may_answer.set()
    return _served


@pytest.fixture
def verifier(publisher: KeyPublisher) -> Verifier:
    return Verifier(Settings(issuer="issuer", jwks_url=publisher.url))


@pytest_asyncio.fixture
async def service(verifier: Verifier) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a service that returns its caller."""
    app = FastAPI()
    app.state.verifier = verifier
    app.state.service = SimpleNamespace(callers_posts=Claims())
    add_problem_handlers(app)
    router = Router()

    @router.get("/me")
    async def me(
        who: Annotated[Principal, Depends(require_roles("service_advisor"))],
    ) -> dict[str, Any]:
        return {"sub": who.subject, "stores": sorted(who.stores)}

    app.include_router(router)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


async def ask(service: httpx.AsyncClient, token: str) -> httpx.Response:
    return await service.get("/me", headers={"Authorization": f"Bearer {token}"})


async def test_valid_token_gives_person_and_stores(
    service: httpx.AsyncClient, publisher: KeyPublisher
) -> None:
    response = await ask(service, publisher.token())
    assert response.json() == {"sub": "S01-advisor-1", "stores": ["S01"]}
    assert (await ask(service, publisher.token(kid=None))).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": ["a"]},
        {"sub": ""},
        {"sub": "a\0"},
        {"sub": None},
        {"sub": 7},
        {"name": {"zh": "a"}},
        {"name": "\ud800"},
        {"roles": "service_advisor"},
        {"roles": None},
        {"roles": {"service_advisor": True}},
        {"stores": [["S01"]]},
        {"stores": [1]},
        {"stores": "S01"},
        {"aud": 1},
        {"aud": "other"},
        {"aud": [["aftersales"]]},
        {"iss": ["issuer"]},
        {"iss": "other"},
        {"exp": "4102444800"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"exp": True},
        {"exp": None},
        {"iat": True},
        {"iat": -1},
        {"iat": "now"},
        {"nbf": "now"},
        {"nbf": [0]},
    ],
)
async def test_token_with_invalid_claim_is_rejected(
    service: httpx.AsyncClient, publisher: KeyPublisher, claims: dict[str, Any]
) -> None:
    await assert_rejected(service, publisher.token(**claims))


@pytest.mark.parametrize(
    ("iat", "nbf", "exp"),
    [
        (0, 0, 3601),
        (-3000, 0, 3000),
        (60, 0, 600),
        (0, 60, 600),
        (-600, 0, -31),
        (0, 0, 10**9),
    ],
)
async def test_token_outside_its_lifetime_is_rejected(
    service: httpx.AsyncClient, publisher: KeyPublisher, iat: int, nbf: int, exp: int
) -> None:
    now = int(time.time())
    times: dict[str, Any] = {"iat": now + iat, "nbf": now + nbf, "exp": now + exp}
    await assert_rejected(service, publisher.token(**times))


@pytest.mark.parametrize("claim", ["iat", "exp", "sub", "iss", "aud"])
async def test_token_without_required_claim_is_rejected(
    service: httpx.AsyncClient, publisher: KeyPublisher, claim: str
) -> None:
    content = {name: value for name, value in _claims().items() if name != claim}
    header = {"alg": "ES256", "kid": publisher.key.kid}
    signed = jws.serialize_compact(header, json.dumps(content).encode(), publisher.key)
    await assert_rejected(service, signed)


async def test_malformed_token_is_rejected(
    service: httpx.AsyncClient, publisher: KeyPublisher
) -> None:
    good = publisher.token()
    header, payload, signature = good.split(".")
    secret = json.dumps(publisher.key.as_dict(private=False))
    confused = jws.serialize_compact(
        {"alg": "HS256", "kid": publisher.key.kid}, json.dumps(_claims()), OctKey.import_key(secret)
    )
    headers: list[Any] = [
        {"alg": "none"},
        {"alg": ["ES256"]},
        {"alg": "ES256", "kid": ["a"]},
        {"alg": "ES256", "kid": {}},
        {"alg": "ES256", "kid": publisher.key.kid, "crit": ["b64"], "b64": False},
        [1],
        None,
    ]
    texts = [json.dumps(each).encode() for each in headers] + [b"[" * 9000, b"\xff", b"{"]
    for token in (
        *(f"{_encoded(text)}.{payload}.{signature}" for text in texts),
        confused,
        header,
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature}.{signature}",
        "é",
        "a" * 40_000,
        jws.serialize_compact({"alg": "ES256"}, b"[" * 9000, publisher.key),
        jws.serialize_compact({"alg": "ES256"}, b"[]", publisher.key),
        jws.serialize_compact({"alg": "ES256"}, b"", publisher.key),
    ):
        await assert_rejected(service, token)


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


async def assert_rejected(service: httpx.AsyncClient, token: str) -> None:
    headers = {b"Authorization": b"Bearer " + token.encode("utf-8", "surrogatepass")}
    response = await service.get("/me", headers=headers)
    kind = response.headers["content-type"]
    assert (response.status_code, kind) == (401, "application/problem+json"), response.text
    assert response.json()["type"] == "/problems/token_rejected"


async def test_new_signing_key_is_accepted_without_restart(
    service: httpx.AsyncClient, publisher: KeyPublisher
) -> None:
    old = publisher.token()
    assert (await ask(service, old)).status_code == 200
    publisher.key = _new_key()
    assert (await ask(service, publisher.token())).status_code == 200
    assert publisher.asked == 2
    await assert_rejected(service, old)


async def test_unknown_key_flood_requests_key_set_once(
    service: httpx.AsyncClient, publisher: KeyPublisher
) -> None:
    assert (await ask(service, publisher.token())).status_code == 200
    publisher.may_answer.clear()
    forger = _new_key()
    flood = [ask(service, publisher.token(key=forger, kid=f"k{n}")) for n in range(100)]
    attacked = asyncio.gather(*flood)
    assert await until(lambda: publisher.asked == 2, pause_s=0.01)
    assert (await ask(service, publisher.token())).status_code == 200
    assert not attacked.done()
    publisher.may_answer.set()
    assert {response.status_code for response in await attacked} == {401}
    await assert_rejected(service, publisher.token(key=forger, kid="late"))
    assert publisher.asked == 2


async def test_concurrent_first_requests_fetch_keys_once(
    service: httpx.AsyncClient, publisher: KeyPublisher
) -> None:
    publisher.may_answer.clear()
    asking = asyncio.gather(*(ask(service, publisher.token()) for _ in range(20)))
    assert await until(lambda: publisher.asked == 1, pause_s=0.01)
    publisher.may_answer.set()
    assert {response.status_code for response in await asking} == {200}
    await assert_rejected(service, publisher.token(kid="unknown"))
    assert publisher.asked == 2


async def test_known_keys_work_while_issuer_is_unavailable(
    service: httpx.AsyncClient, publisher: KeyPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ask(service, publisher.token())).status_code == 200
    publisher.unavailable = True
    monkeypatch.setattr(signing_keys, "FRESH_S", 0.0)
    assert (await ask(service, publisher.token())).status_code == 200
    await assert_rejected(service, publisher.token(kid="unknown"))
    assert publisher.asked == 2
    monkeypatch.setattr(signing_keys, "LAST_RESORT_S", 0.0)
    await assert_unavailable(service, publisher.token())


async def test_missing_keys_return_unavailable_instead_of_rejection(
    service: httpx.AsyncClient, publisher: KeyPublisher, verifier: Verifier
) -> None:
    publisher.unavailable = True
    for _ in range(5):
        await assert_unavailable(service, publisher.token())
    assert publisher.asked == 1
    publisher.unavailable = False
    verifier._keys._paused_until = 0.0
    assert (await ask(service, publisher.token())).status_code == 200


async def assert_unavailable(service: httpx.AsyncClient, token: str) -> None:
    response = await ask(service, token)
    kind = response.headers["content-type"]
    assert (response.status_code, kind) == (503, "application/problem+json"), response.text
    assert int(response.headers["Retry-After"]) > 0


async def test_unusable_published_keys_are_ignored(
    service: httpx.AsyncClient, publisher: KeyPublisher
) -> None:
    kids: tuple[Any, ...] = (["a"], {}, 7)
    publisher.others = [
        {"kty": "RSA", "kid": "broken"},
        {"kty": "new", "kid": "unknown"},
        {"kty": "EC", "crv": "P-256", "kid": "empty"},
        *({**publisher.key.as_dict(private=False), "kid": kid} for kid in kids),
        *(_new_key().as_dict(private=False) | {"key_ops": each} for each in (3, [3], "verify")),
        {**_new_key().as_dict(private=False), "use": ["sig"]},
        ECKey.generate_key("P-256", {"use": "enc", "kid": "for encryption"}).as_dict(private=False),
        ECKey.generate_key("P-384", {"kid": "other curve"}).as_dict(private=False),
    ]
    assert (await ask(service, publisher.token())).status_code == 200


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)
JWK = st.fixed_dictionaries(
    {"kty": st.just("EC"), "crv": st.just("P-256")},
    optional=dict.fromkeys(("x", "y", "d", "kid", "use", "alg", "key_ops", "x5c"), ANYTHING),
)


@pytest.mark.parametrize("said", [{"keys": 5}, {"keys": True}, {"keys": {"a": 1}}, 5, [], "keys"])
async def test_malformed_key_set_keeps_known_keys(
    service: httpx.AsyncClient,
    publisher: KeyPublisher,
    verifier: Verifier,
    said: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher.said = said
    await assert_unavailable(service, publisher.token())
    publisher.said, verifier._keys._paused_until = None, 0.0
    assert (await ask(service, publisher.token())).status_code == 200
    publisher.said = said
    monkeypatch.setattr(signing_keys, "FRESH_S", 0.0)
    assert (await ask(service, publisher.token())).status_code == 200
    assert (await ask(service, publisher.token(kid="unknown"))).status_code == 401


@given(st.fixed_dictionaries({"keys": ANYTHING | st.lists(JWK | ANYTHING, max_size=3)}) | ANYTHING)
def test_any_key_set_is_usable_or_refused(published: Any) -> None:
    with suppress(ValueError):
        assert signing_keys.usable_keys(published)
