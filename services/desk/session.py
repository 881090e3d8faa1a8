"""Who is signed in: demo people with tokens of the development issuer, or people of an OIDC issuer.

The browser holds a signed cookie with an identifier only; tokens stay in this process.
"""

import time
import uuid
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from httpx import HTTPError
from starlette.requests import Request
from starlette.responses import Response

from services.desk.people import Person
from shared.issuer import DevelopmentIssuer
from shared.problems import Problem
from shared.security import Principal, Verifier
from shared.settings import Settings

SESSION_S = 12 * 3600
"""How long a browser stays signed in at most."""

LAST_COLLEAGUE = "last_colleague"
"""Who used this browser last, of the cookie; signing out leaves it, for a customer's word from a
colleague's device says so."""

_LIFETIME_S = 600
_MARGIN_S = 60.0

Cookie = MutableMapping[str, Any]


class SignedOutError(Exception):
    """The person's session has ended; they have to sign in again."""


class SignedIn(Protocol):
    """One person's session."""

    @property
    def person(self) -> Person: ...

    async def token(self) -> str:
        """An access token that is valid for a minute or more.

        Raises:
            SignedOutError: it could not be renewed.
        """
        ...


@dataclass
class _DemoPerson:
    person: Person
    issuer: DevelopmentIssuer
    minted: str = ""
    fresh_until: float = 0.0

    async def token(self) -> str:
        if time.monotonic() > self.fresh_until:
            self.minted = self.issuer.token(
                self.person.subject,
                roles=self.person.roles,
                stores=self.person.stores,
                lifetime_s=_LIFETIME_S,
            )
            self.fresh_until = time.monotonic() + _LIFETIME_S - _MARGIN_S
        return self.minted


class DemoSignIn:
    """Anybody of the group folder signs in by choosing their name; for demonstrations and tests."""

    def __init__(self, people: Mapping[str, Person], issuer: DevelopmentIssuer) -> None:
        self.people = people
        self._sessions = {
            subject: _DemoPerson(person, issuer) for subject, person in people.items()
        }

    def begin(self, cookie: Cookie, subject: str) -> bool:
        """Sign ``subject`` in; False when the group has no such person."""
        if subject not in self.people:
            return False
        cookie["person"] = subject
        return True

    def current(self, cookie: Mapping[str, Any]) -> SignedIn | None:
        return self._sessions.get(str(cookie.get("person")))

    def end(self, cookie: Cookie) -> None:
        cookie.pop("person", None)


class _OidcPerson:
    """Tokens of one person, renewed with the refresh token when there is one."""

    def __init__(self, client: Any, verifier: Verifier, tokens: Mapping[str, Any]) -> None:
        self._client = client
        self._verifier = verifier
        self._accept(tokens)
        self.person: Person
        self.used_at = time.monotonic()

    def _accept(self, tokens: Mapping[str, Any]) -> None:
        self._access = str(tokens["access_token"])
        self._refresh = tokens.get("refresh_token")
        lifetime_s = float(tokens.get("expires_in", _LIFETIME_S))
        self._fresh_until = time.monotonic() + lifetime_s - min(_MARGIN_S, lifetime_s / 2)

    async def identify(self) -> None:
        """Read the person from the verified access token."""
        self.person = _person(await self._verifier.principal(self._access))

    async def token(self) -> str:
        self.used_at = time.monotonic()
        if self.used_at > self._fresh_until:
            await self._renew()
        return self._access

    async def _renew(self) -> None:
        if not self._refresh:
            raise SignedOutError
        try:
            tokens = await self._client.fetch_access_token(
                grant_type="refresh_token", refresh_token=self._refresh
            )
            self._accept({"refresh_token": self._refresh, **tokens})
            await self.identify()
        except (OAuthError, HTTPError, Problem) as error:
            raise SignedOutError from error


class OidcSignIn:
    """Authorization code flow with PKCE against the configured issuer."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.oidc_client_secret_file
        self._verifier = Verifier(settings)
        self._sessions: dict[str, _OidcPerson] = {}
        self._client = OAuth().register(
            "issuer",
            client_id=settings.oidc_client_id,
            client_secret=secret.read_text().strip() if secret else None,
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
        )

    async def redirect(self, request: Request, back: str) -> Response:
        """Send the browser to the issuer, which sends it ``back``."""
        response: Response = await self._client.authorize_redirect(request, back)
        return response

    async def complete(self, request: Request) -> None:
        """Exchange the code that the browser brought.

        Raises:
            SignedOutError: the issuer did not confirm the person.
        """
        try:
            tokens = await self._client.authorize_access_token(request)
            session = _OidcPerson(self._client, self._verifier, tokens)
            await session.identify()
        except (OAuthError, HTTPError, Problem) as error:
            raise SignedOutError from error
        self._forget_idle()
        identifier = uuid.uuid4().hex
        self._sessions[identifier] = session
        request.session["oidc"] = identifier

    def _forget_idle(self) -> None:
        limit = time.monotonic() - SESSION_S
        self._sessions = {
            identifier: session
            for identifier, session in self._sessions.items()
            if session.used_at > limit
        }

    def current(self, cookie: Mapping[str, Any]) -> SignedIn | None:
        return self._sessions.get(str(cookie.get("oidc")))

    def end(self, cookie: Cookie) -> None:
        self._sessions.pop(str(cookie.pop("oidc", None)), None)


def sign_in_from(settings: Settings, people: Mapping[str, Person]) -> DemoSignIn | OidcSignIn:
    """Demo people where the development issuer's key is configured, else the OIDC issuer."""
    issuer = DevelopmentIssuer.from_settings(settings)
    return DemoSignIn(people, issuer) if issuer else OidcSignIn(settings)


def _person(principal: Principal) -> Person:
    return Person(
        subject=principal.subject,
        names={"zh": principal.name, "en": principal.name},
        roles=principal.roles,
        stores=tuple(sorted(principal.stores)),
    )
