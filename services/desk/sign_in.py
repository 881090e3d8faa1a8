"""Sign-in of people: as one of the demo people, or at an OIDC issuer."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from services.desk.directory import Directories
from services.desk.session import Grant, SignedOutError
from services.desk.staff import Person
from shared.calls import ServiceUnavailableError
from shared.clients.management.models import DirectoryPerson
from shared.credentials import TokenAnswer
from shared.db import EVERYWHERE
from shared.issuer import DevelopmentIssuer
from shared.posts import CLAIMED
from shared.problems import Problem
from shared.security import Principal, Verifier
from shared.settings import Settings

_LIFETIME_S = 600
_TIMEOUT_S = 5.0


class _Metadata(BaseModel):
    """Metadata of an issuer (RFC 8414), as far as the desk needs it."""

    revocation_endpoint: str | None = None


class DemoSignIn:
    """Sign-in by choosing a name of the staff; for demonstrations and tests."""

    def __init__(self, directories: Directories, issuer: DevelopmentIssuer) -> None:
        self._directories = directories
        self._issuer = issuer

    async def people(self, store_ids: Iterable[str]) -> dict[str, Person]:
        """Return those who have a post in one of the stores, or in the whole group, by subject."""
        directories = await asyncio.gather(*map(self._directories.of, store_ids))
        listed = {
            subject: person
            for directory in directories
            for subject, person in directory.people.items()
            if person.posts
        }
        return {
            subject: await _in_post(self._directories, subject, listed[subject])
            for subject in sorted(listed)
        }

    async def grant(self, subject: str, store_id: str) -> Grant | None:
        """Return a grant for ``subject``; None when the store's directory has no such person."""
        listed = (await self._directories.of(store_id)).people.get(subject)
        if listed is None or not listed.posts:
            return None
        return self._granted(await _in_post(self._directories, subject, listed))

    async def renew(self, person: Person, refresh: str | None) -> Grant:  # noqa: ARG002
        directory = await self._directories.of(person.stores[0])
        if not directory.revision:
            return self._granted(person)
        listed = directory.people.get(person.subject)
        if listed is None or not listed.posts:
            raise SignedOutError
        return self._granted(await _in_post(self._directories, person.subject, listed))

    async def revoke(self, refresh: str) -> None:
        """Do nothing: the development issuer gives no refresh tokens."""

    def _granted(self, person: Person) -> Grant:
        token = self._issuer.token(
            person.subject, roles=person.roles, stores=person.stores, lifetime_s=_LIFETIME_S
        )
        return Grant(person, token, _LIFETIME_S)


class OidcSignIn:
    """Authorization code flow with PKCE against the configured issuer.

    The issuer says who a person is; their names, roles and stores are those of their staff record.
    """

    def __init__(self, settings: Settings, directories: Directories) -> None:
        self._directories = directories
        self._verifier = Verifier(settings)
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret or None
        self._claims_without_record = settings.claims_without_record
        self._client = OAuth().register(
            "issuer",
            client_id=self._client_id,
            client_secret=self._secret,
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile",
                "code_challenge_method": "S256",
                "timeout": _TIMEOUT_S,
            },
        )

    async def redirect(self, request: Request, back: str) -> Response:
        """Send the browser to the issuer, which identifies the person and sends it ``back``.

        Raises:
            ServiceUnavailableError: the issuer does not respond.
        """
        try:
            response: Response = await self._client.authorize_redirect(
                request, back, prompt="login"
            )
        except (httpx.HTTPError, ValueError) as error:
            raise ServiceUnavailableError("issuer") from error
        return response

    async def complete(self, request: Request) -> Grant:
        """Exchange the code that the browser brought.

        Raises:
            SignedOutError: the issuer did not confirm the person.
            ServiceUnavailableError: the issuer or management does not respond.
        """
        try:
            tokens = await self._client.authorize_access_token(request)
        except httpx.HTTPError as error:
            raise _refused_or_away(error) from error
        except (OAuthError, JoseError) as error:
            raise SignedOutError from error
        except ValueError as error:
            raise ServiceUnavailableError("issuer") from error
        answer, principal = await self._verified(tokens)
        return _grant(await self._person(principal), answer)

    async def renew(self, person: Person, refresh: str | None) -> Grant:
        if refresh is None:
            raise SignedOutError
        try:
            tokens = await self._client.fetch_access_token(
                grant_type="refresh_token", refresh_token=refresh
            )
        except httpx.HTTPError as error:
            raise _refused_or_away(error) from error
        except OAuthError as error:
            raise SignedOutError from error
        except ValueError as error:
            raise ServiceUnavailableError("issuer") from error
        answer, principal = await self._verified({"refresh_token": refresh, **tokens})
        if principal.subject != person.subject:
            raise SignedOutError
        with suppress(ServiceUnavailableError):
            person = await self._person(principal)
        return _grant(person, answer)

    async def revoke(self, refresh: str) -> None:
        try:
            metadata = _Metadata.model_validate(await self._client.load_server_metadata())
            if metadata.revocation_endpoint is None:
                return
            identity = {} if self._secret else {"client_id": self._client_id}
            async with httpx.AsyncClient(
                timeout=_TIMEOUT_S,
                auth=(self._client_id, self._secret) if self._secret else None,
            ) as client:
                response = await client.post(
                    metadata.revocation_endpoint,
                    data={"token": refresh, "token_type_hint": "refresh_token", **identity},
                )
        except (httpx.HTTPError, ValueError) as error:
            raise ServiceUnavailableError("issuer") from error
        if response.is_server_error:
            raise ServiceUnavailableError("issuer")

    async def _verified(self, tokens: Mapping[str, object]) -> tuple[TokenAnswer, Principal]:
        try:
            answer = TokenAnswer.model_validate(tokens)
            return answer, await self._verifier.principal(answer.access_token)
        except Problem as problem:
            if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise ServiceUnavailableError("issuer") from problem
            raise SignedOutError from problem
        except ValueError as error:
            raise ServiceUnavailableError("issuer") from error

    async def _person(self, principal: Principal) -> Person:
        """Return the person of a token, by their staff record, or as the first operator; one who is
        neither has no role.
        """
        listed = await self._directories.person(principal.subject)
        if listed:
            return await _in_post(self._directories, principal.subject, listed)
        if not (self._claims_without_record or principal.roles & CLAIMED):
            principal = replace(principal, roles=frozenset(), stores=frozenset())
        stores = principal.stores
        if EVERYWHERE in stores:
            stores = frozenset(await self._directories.all_stores() or ())
        return Person(
            subject=principal.subject,
            names={"zh": principal.name, "en": principal.name},
            roles=principal.roles,
            stores=tuple(sorted(stores)),
        )


def sign_in_from(settings: Settings, directories: Directories) -> DemoSignIn | OidcSignIn:
    """Return demo sign-in where the development issuer's key is configured, else the OIDC
    issuer.
    """
    issuer = DevelopmentIssuer.from_settings(settings)
    return DemoSignIn(directories, issuer) if issuer else OidcSignIn(settings, directories)


def _refused_or_away(error: httpx.HTTPError) -> SignedOutError | ServiceUnavailableError:
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        if error.response.is_client_error and status != HTTPStatus.TOO_MANY_REQUESTS:
            return SignedOutError()
    return ServiceUnavailableError("issuer")


def _grant(person: Person, answer: TokenAnswer) -> Grant:
    return Grant(person, answer.access_token, answer.expires_in, answer.refresh_token)


async def _in_post(directories: Directories, subject: str, listed: DirectoryPerson) -> Person:
    """Return a person with all their posts; one of the group has all stores."""
    in_stores = {post.in_store for post in listed.posts}
    stores = await directories.all_stores() if None in in_stores else None
    return Person(
        subject=subject,
        names={"zh": listed.zh, "en": listed.en},
        roles=frozenset(post.role for post in listed.posts),
        stores=tuple(sorted({*filter(None, in_stores), *(stores or ())})),
    )
