"""Keycloak as compose runs it, what its administrator does, and people who sign in there."""

import asyncio
import base64
import hashlib
import html
import re
import secrets
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.processes import Process, run_to_end
from deploy.embedded.settings import free_ports
from shared.credentials import TokenAnswer
from tests.cluster.composition import COMPOSE, Composition
from tests.cluster.distributions import JAVA_VARIABLES
from tests.cluster.distributions import keycloak as distribution

OPERATOR = "operator"
"""User whom the realm brings."""

_NAME = "keycloak"
_REALM = "aftersales"
_CLIENT = "aftersales-desk"
_TIMEOUT_S = 30.0
_RENEW_BEFORE_S = 60.0
_FORM = re.compile(r'<form[^>]*\bid="(kc-form-login|kc-passwd-update-form)"[^>]*\baction="([^"]+)"')


def prepared_keycloak(composition: Composition, cache: Path, log: Path) -> tuple[Process, str]:
    """Lay out Keycloak's folder as its container has it; return the process and the address of its
    health check.
    """
    programs, home = distribution(cache), composition.folder(_NAME) / "home"
    (home / "bin").mkdir(parents=True)
    (home / "data/import").mkdir(parents=True)
    (home / "lib").mkdir()
    for program in ("kc.sh", "kcadm.sh"):
        shutil.copy(programs / "bin" / program, home / "bin" / program)
        (home / "bin" / program).chmod(0o700)
    (home / "bin/client").symlink_to(programs / "bin/client")
    shutil.copytree(programs / "lib/quarkus", home / "lib/quarkus")
    for each in ("conf", "providers", "themes", "lib/app", "lib/lib", "lib/quarkus-run.jar"):
        (home / each).symlink_to(programs / each)
    shutil.copy(COMPOSE / "keycloak/aftersales-realm.json", home / "data/import")
    environment = composition.environment(_NAME)
    port, [health] = composition.port(_NAME), free_ports(1)
    for script in ("start", "person"):
        text = (COMPOSE / "keycloak" / script).read_text()
        text = text.replace("/opt/keycloak/", f"{home}/").replace(":8080", f":{port}")
        (composition.folder(_NAME) / script).write_text(composition.translated(_NAME, text))
    own = {
        "KC_HTTP_HOST": "127.0.0.1",
        "KC_HTTP_PORT": str(port),
        "KC_HTTP_MANAGEMENT_PORT": str(health),
    }
    variables = {**JAVA_VARIABLES, **environment, **own}
    start = ["/bin/sh", str(composition.folder(_NAME) / "start")]
    process = Process(_NAME, port, start, variables, log)
    return process, f"http://localhost:{health}/health/ready"


async def person(composition: Composition, what: str, subject: str) -> str:
    """Return what the operator's script says of a person.

    Raises:
        EmbeddedError: it fails.
    """
    script = composition.folder(_NAME) / "person"
    java = (f"{name}={value}" for name, value in JAVA_VARIABLES.items())
    status, said = await run_to_end("env", *java, "/bin/sh", str(script), what, subject)
    if status:
        raise EmbeddedError(f"person {what} {subject}: {said}")
    return said


class Administrator:
    """Administrator of Keycloak at ``origin``."""

    def __init__(self, origin: str, password: str) -> None:
        self._origin, self._password = origin, password
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def token(self) -> str:
        """Return a token of the administrator, whose realm is another one."""
        response = await self._client.post(
            f"{self._origin}/realms/master/protocol/openid-connect/token",
            data={
                "grant_type": "password",
                "client_id": "admin-cli",
                "username": "admin",
                "password": self._password,
            },
        )
        return str(response.raise_for_status().json()["access_token"])

    async def add_person(self, subject: str, password: str) -> None:
        """Make a user who is a person of the staff records."""
        user = subject.lower()
        await self._send(
            "POST",
            "/users",
            {
                "username": user,
                "enabled": True,
                "firstName": "员工",
                "lastName": subject,
                "email": f"{user}@example.com",
                "attributes": {"person_id": [subject]},
                "credentials": [{"type": "password", "value": password, "temporary": False}],
            },
        )

    async def sessions_of(self, user: str) -> int:
        """Return how many sessions a user has."""
        found = await self._user(user)
        sessions: list[object] = await self._send("GET", f"/users/{found['id']}/sessions")
        return len(sessions)

    async def token_for_others(self) -> str:
        """Return a token that the realm gives to a program of another system."""
        secret = secrets.token_urlsafe(24)
        client = {
            "clientId": "another-system",
            "secret": secret,
            "serviceAccountsEnabled": True,
            "attributes": {"access.token.signed.response.alg": "ES256"},
            "protocolMappers": [
                _mapper("audience", {"included.custom.audience": "another-system"}),
                _mapper("hardcoded-claim", {"claim.name": "sub", "claim.value": "another-system"}),
            ],
        }
        await self._send("POST", "/clients", client)
        response = await self._client.post(
            f"{self._origin}/realms/{_REALM}/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=("another-system", secret),
        )
        return str(response.raise_for_status().json()["access_token"])

    async def _user(self, user: str) -> dict[str, Any]:
        [found] = await self._send("GET", f"/users?exact=true&username={user}")
        shown: dict[str, Any] = await self._send("GET", f"/users/{found['id']}")
        return shown

    async def _send(self, method: str, path: str, body: object = None) -> Any:
        response = await self._client.request(
            method,
            f"{self._origin}/admin/realms/{_REALM}{path}",
            json=body,
            headers={"Authorization": f"Bearer {await self.token()}"},
        )
        if response.is_error:
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.text}")
        return response.json() if response.content else None


@dataclass
class _Signed:
    answer: TokenAnswer
    good_until: float


@dataclass
class People:
    """People who sign in at Keycloak for their tokens, by code and PKCE, as the desk has them do.

    Who has to choose another password does so. ``back`` is where the issuer sends their browsers.
    """

    realm: str
    back: str
    passwords: dict[str, str] = field(default_factory=dict)
    _signed_in: dict[str, _Signed] = field(default_factory=dict)
    _asking: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    async def token(self, subject: str) -> str:
        """Return an access token of a person, who signs in the first time.

        The issuer lets nobody sign in twice at the same moment.
        """
        async with self._asking[subject]:
            return await self._token(subject)

    async def _token(self, subject: str) -> str:
        known = self._signed_in.get(subject)
        if known is None:
            known = self._signed_in[subject] = _signed(await self._sign_in(subject))
        elif known.good_until < time.monotonic() + _RENEW_BEFORE_S:
            renewing = {
                "grant_type": "refresh_token",
                "refresh_token": known.answer.refresh_token or "",
            }
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
                known = self._signed_in[subject] = _signed(await self._tokens(client, renewing))
        return known.answer.access_token

    def question(self, **more: str) -> httpx.URL:
        """Return the address at which a browser asks the issuer to identify its person."""
        asked = {
            "response_type": "code",
            "scope": "openid profile",
            "client_id": _CLIENT,
            "redirect_uri": self.back,
            "state": secrets.token_urlsafe(8),
        }
        return httpx.URL(f"{self.realm}/protocol/openid-connect/auth", params=asked | more)

    async def _sign_in(self, subject: str) -> TokenAnswer:
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        question = self.question(code_challenge=challenge, code_challenge_method="S256")
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as browser:
            page = (await browser.get(question)).raise_for_status()
            given = {"username": subject.lower(), "password": self.passwords[subject]}
            cookies: dict[str, str] = {}
            back = await _filled(browser, page, given, cookies)
            if "UPDATE_PASSWORD" in back.headers.get("location", ""):
                new = self.passwords[subject] = secrets.token_urlsafe(12)
                page = await browser.get(back.headers["location"], headers=_header(cookies))
                chosen = {"password-new": new, "password-confirm": new}
                back = await _filled(browser, page, chosen, cookies)
            if "code=" not in back.headers.get("location", ""):
                raise RuntimeError(f"{subject} cannot sign in: {back.status_code} {back.headers}")
            code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
            asked = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
            return await self._tokens(browser, asked | {"redirect_uri": self.back})

    async def _tokens(self, client: httpx.AsyncClient, asked: dict[str, str]) -> TokenAnswer:
        address = f"{self.realm}/protocol/openid-connect/token"
        response = await client.post(address, data=asked | {"client_id": _CLIENT})
        return TokenAnswer.model_validate_json(response.raise_for_status().content)


async def _filled(
    browser: httpx.AsyncClient,
    page: httpx.Response,
    given: Mapping[str, str],
    cookies: dict[str, str],
) -> httpx.Response:
    """Send the form of a page with these values, and return the answer; keep the cookies of both.

    The issuer marks its cookies as secure also on this machine's own address.
    """
    form = _FORM.search(page.text)
    if form is None:
        raise RuntimeError(f"no form to sign in: {page.text[:500]}")
    _keep(page, cookies)
    back = await browser.post(html.unescape(form[2]), data=dict(given), headers=_header(cookies))
    _keep(back, cookies)
    return back


def _keep(response: httpx.Response, cookies: dict[str, str]) -> None:
    for each in response.headers.get_list("set-cookie"):
        name, _, value = each.partition(";")[0].partition("=")
        cookies[name] = value


def _header(cookies: Mapping[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def _mapper(kind: str, config: dict[str, str]) -> dict[str, object]:
    return {
        "name": kind,
        "protocol": "openid-connect",
        "protocolMapper": f"oidc-{kind}-mapper",
        "config": {**config, "jsonType.label": "String", "access.token.claim": "true"},
    }


def _signed(answer: TokenAnswer) -> _Signed:
    return _Signed(answer, time.monotonic() + answer.expires_in)
