"""Who is calling: OIDC access tokens with the claims ``stores`` and ``roles``."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
import orjson
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.problems import Problem
from shared.settings import Settings

Role = Literal[
    "advisor",
    "dispatcher",
    "technician",
    "inspector",
    "agent",
    "manager",
    "group_manager",
    "operator",
    "service",
]

ALGORITHMS = ["ES256"]
_KEYS_LIVE_S = 300.0
_LEEWAY_S = 30


@dataclass(frozen=True)
class Principal:
    """The person or program behind a request."""

    subject: str
    name: str
    roles: frozenset[str]
    stores: frozenset[str]
    token: str

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)


class Verifier:
    """Checks access tokens against the issuer's published keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: KeySet | None = None
        self._loaded_at = 0.0
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def principal(self, token: str) -> Principal:
        """The caller that ``token`` speaks for.

        Raises:
            Problem: 401, when the token is forged, expired, or for somebody else.
        """
        try:
            decoded = jwt.decode(token, await self._key_set(), algorithms=ALGORITHMS)
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise Problem(
                401, "token_rejected", f"The access token is not valid: {reason}"
            ) from None
        claims = decoded.claims
        return Principal(
            subject=str(claims["sub"]),
            name=str(claims.get("name", claims["sub"])),
            roles=frozenset(map(str, claims.get("roles", ()))),
            stores=frozenset(map(str, claims.get("stores", ()))),
            token=token,
        )

    async def _key_set(self) -> KeySet:
        if self._keys is None or time.monotonic() - self._loaded_at > _KEYS_LIVE_S:
            self._keys = KeySet.import_key_set(await self._published_keys())
            self._loaded_at = time.monotonic()
        return self._keys

    async def _published_keys(self) -> Any:
        if self._settings.jwks_url:
            async with httpx.AsyncClient(timeout=5) as client:
                response = await client.get(self._settings.jwks_url)
                return response.raise_for_status().json()
        if self._settings.jwks_file is None:
            raise ValueError("neither AFTERSALES_JWKS_URL nor AFTERSALES_JWKS_FILE is set")
        return orjson.loads(self._settings.jwks_file.read_bytes())


_bearer = HTTPBearer(auto_error=False, description="OIDC access token")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def caller(*roles: Role) -> Callable[[Request, Credentials], Coroutine[Any, Any, Principal]]:
    """A dependency: the caller, who must have one of ``roles`` and, where the path names a store,
    that store."""

    async def authenticated(request: Request, credentials: Credentials) -> Principal:
        if credentials is None:
            raise Problem(401, "token_missing", "A bearer token is required.")
        verifier: Verifier = request.app.state.verifier
        principal = await verifier.principal(credentials.credentials)
        store_id = request.path_params.get("store_id")
        if store_id is not None:
            if store_id not in request.app.state.stores:
                raise Problem(
                    404, "unknown_store", f"There is no store {store_id}.", field="store_id"
                )
            if store_id not in principal.stores:
                raise Problem(
                    403,
                    "store_not_allowed",
                    f"The token does not cover store {store_id}.",
                    field="store_id",
                )
        if not principal.has(*roles):
            raise Problem(
                403, "role_required", f"One of these roles is required: {', '.join(sorted(roles))}."
            )
        return principal

    return authenticated
