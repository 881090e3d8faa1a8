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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from deploy.embedded.processes import Process
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
_FORM = re.compile(r'<form[^>]*\bid="kc-form-login"[^>]*\baction="([^"]+)"')


def prepared_keycloak(composition: Composition, cache: Path, log: Path) -> tuple[Process, str]:
    """Lay out Keycloak's folder as its container has it; return the process and the address of its
    health check.
    """
    programs, home = distribution(cache), composition.folder(_NAME) / "home"
    (home / "bin").mkdir(parents=True)
    (home / "data/import").mkdir(parents=True)
    (home / "lib").mkdir()
    shutil.copy(programs / "bin/kc.sh", home / "bin/kc.sh")
    (home / "bin/kc.sh").chmod(0o700)
    shutil.copytree(programs / "lib/quarkus", home / "lib/quarkus")
    for each in ("conf", "providers", "themes", "lib/app", "lib/lib", "lib/quarkus-run.jar"):
        (home / each).symlink_to(programs / each)
    shutil.copy(COMPOSE / "keycloak/aftersales-realm.json", home / "data/import")
    environment = composition.environment(_NAME)
    script = composition.folder(_NAME) / "start"
    text = (COMPOSE / "keycloak/start").read_text().replace("/opt/keycloak/", f"{home}/")
    script.write_text(composition.translated(_NAME, text))
    port, [health] = composition.port(_NAME), free_ports(1)
    own = {
        "KC_HTTP_HOST": "127.0.0.1",
        "KC_HTTP_PORT": str(port),
        "KC_HTTP_MANAGEMENT_PORT": str(health),
    }
    variables = {**JAVA_VARIABLES, **environment, **own}
    process = Process(_NAME, port, ["/bin/sh", str(script)], variables, log)
    return process, f"http://localhost:{health}/health/ready"


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
                "credentials": [_given(password)],
            },
        )

    async def give_password(self, user: str, password: str) -> None:
        """Give a user a password that they need not change."""
        found = await self._user(user)
        await self._send("PUT", f"/users/{found['id']}/reset-password", _given(password))
        await self._send("PUT", f"/users/{found['id']}", {**found, "requiredActions": []})

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

    ``back`` is where the issuer sends their browsers.
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
            form = _FORM.search(page.text)
            if form is None:
                raise RuntimeError(f"no form to sign in: {page.text[:500]}")
            given = {"username": subject.lower(), "password": self.passwords[subject]}
            # The issuer marks its cookies as secure also on this machine's own address.
            cookies = "; ".join(
                each.partition(";")[0] for each in page.headers.get_list("set-cookie")
            )
            back = await browser.post(
                html.unescape(form[1]), data=given, headers={"Cookie": cookies}
            )
            if "code=" not in back.headers.get("location", ""):
                raise RuntimeError(f"{subject} cannot sign in: {back.status_code} {back.headers}")
            code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
            asked = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
            return await self._tokens(browser, asked | {"redirect_uri": self.back})

    async def _tokens(self, client: httpx.AsyncClient, asked: dict[str, str]) -> TokenAnswer:
        address = f"{self.realm}/protocol/openid-connect/token"
        response = await client.post(address, data=asked | {"client_id": _CLIENT})
        return TokenAnswer.model_validate_json(response.raise_for_status().content)


def _given(password: str) -> dict[str, object]:
    return {"type": "password", "value": password, "temporary": False}


def _mapper(kind: str, config: dict[str, str]) -> dict[str, object]:
    return {
        "name": kind,
        "protocol": "openid-connect",
        "protocolMapper": f"oidc-{kind}-mapper",
        "config": {**config, "jsonType.label": "String", "access.token.claim": "true"},
    }


def _signed(answer: TokenAnswer) -> _Signed:
    return _Signed(answer, time.monotonic() + answer.expires_in)
