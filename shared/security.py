"""Authentication: OIDC access tokens with the claims ``stores`` and ``roles``."""

import re
import time
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts.base import Identifier
from shared.db import EVERYWHERE
from shared.problems import Problem
from shared.settings import Settings
from shared.signing_keys import SigningKeys

Role = Literal[
    "service_advisor",
    "front_desk_supervisor",
    "dispatcher",
    "technician",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    "customer_care_agent",
    "customer_care_manager",
    "sales_manager",
    "trainer",
    "service_manager",
    "group_service_manager",
    "group_parts_manager",
    "group_customer_care_manager",
    "group_finance_manager",
    "group_manager",
    "operator",
    "system",
]

ADVISORS: tuple[Role, ...] = ("service_advisor", "front_desk_supervisor", "service_manager")
"""Roles that receive customers and are responsible for their orders."""

CUSTOMER_CARE: tuple[Role, ...] = (
    "customer_care_agent",
    "customer_care_manager",
    "service_manager",
)
"""Roles that call customers and take care of their concerns."""

FRONT_OFFICE: tuple[Role, ...] = (*ADVISORS, "customer_care_agent", "customer_care_manager")
"""Roles that talk to customers."""

GROUP_DEPARTMENTS: tuple[Role, ...] = (
    "group_service_manager",
    "group_parts_manager",
    "group_customer_care_manager",
    "group_finance_manager",
)
"""Roles that read their department's part of what a group manager reads."""

GROUP_MANAGERS: tuple[Role, ...] = (*GROUP_DEPARTMENTS, "group_manager")
"""Roles of the group that read all stores."""

SEES_MONEY: tuple[Role, ...] = (*FRONT_OFFICE, "claims_clerk", "cashier", *GROUP_MANAGERS)
"""Roles that read prices, invoices, payments and feedback; the others do the work."""

RIGHTS: tuple[Role, ...] = (
    "customer_care_manager",
    "group_customer_care_manager",
    "group_manager",
)
"""Roles that answer for the rights of the persons whose data is kept (个人信息权利)."""

LEGAL: tuple[Role, ...] = ("group_finance_manager", "group_manager")
"""Roles that answer for what a legal term keeps of erased persons (依法留存)."""

ALGORITHM = "ES256"
LEEWAY_S = 30
"""Tolerated difference between the clocks of issuer and service."""

_LONGEST = 32_768
_LATEST_S = 253_402_300_799
_STORE_ID = re.compile("[!-~]{1,120}")


@dataclass(frozen=True)
class Principal:
    """Person or program behind a request; a post in the group leads ``everywhere``."""

    subject: str
    name: str
    roles: frozenset[str]
    stores: frozenset[str]
    token: str
    everywhere: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """Scopes of their group-wide reads: everywhere, or their stores."""
        return frozenset({EVERYWHERE}) if self.everywhere else self.stores

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)


Timestamp = Annotated[float, Field(ge=0, le=_LATEST_S)]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern="^[^\x00-\x1f\x7f]+$")]


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class _Header(_Read):
    alg: Literal["ES256"]
    kid: Annotated[str, Field(max_length=255)] | None = None


class _Claims(_Read):
    """Claims of an access token; times are seconds since 1970 (NumericDate, RFC 7519)."""

    iss: str
    aud: str | list[str]
    sub: Identifier
    iat: Timestamp
    exp: Timestamp
    nbf: Timestamp = 0
    name: Name | None = None
    roles: list[Name] = []
    stores: list[Name] = []


class Verifier:
    """Verifier of access tokens against the issuer's published keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = SigningKeys(settings)

    async def principal(self, token: str) -> Principal:
        """Return the caller that ``token`` identifies.

        Raises:
            Problem: 401, when the token is malformed, forged, expired, valid for too long, or for
                another audience; 503, when no key is known to check it with.
        """
        key = await self._keys.find(_header(token).kid)
        if key is None:
            raise _rejected("no key of the issuer has its kid")
        claims = _claims(token, key)
        self._check_party(claims)
        self._check_times(claims, time.time())
        return Principal(
            subject=claims.sub,
            name=claims.name or claims.sub,
            roles=frozenset(claims.roles),
            stores=frozenset(claims.stores),
            token=token,
        )

    def _check_party(self, claims: _Claims) -> None:
        if claims.iss != self._settings.issuer:
            raise _rejected("iss is another issuer")
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if self._settings.audience not in audience:
            raise _rejected("aud is another audience")

    def _check_times(self, claims: _Claims, now: float) -> None:
        if claims.exp <= now - LEEWAY_S:
            raise _rejected("exp has passed")
        if claims.nbf > now + LEEWAY_S:
            raise _rejected("nbf has not come")
        if claims.iat > now + LEEWAY_S:
            raise _rejected("iat has not come")
        longest = self._settings.access_token_max_s
        if claims.exp - claims.iat > longest:
            raise _rejected(f"exp is later than {longest} s after iat")


def _header(token: str) -> _Header:
    if len(token) > _LONGEST:
        raise _rejected(f"it is longer than {_LONGEST} characters")
    try:
        return _Header.model_validate_json(urlsafe_b64decode(token.partition(".")[0].encode()))
    except (ValidationError, ValueError, JoseError) as error:
        raise _rejected(_reason(error)) from None


def _claims(token: str, key: ECKey) -> _Claims:
    try:
        signed = jws.deserialize_compact(token, key, algorithms=[ALGORITHM])
        return _Claims.model_validate_json(signed.payload)
    except (ValidationError, ValueError, JoseError) as error:
        raise _rejected(_reason(error)) from None


def _reason(error: Exception) -> str:
    """Return which claim breaks which rule, without its content."""
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, field_error['loc']))}: {field_error['msg']}".removeprefix(": ")
            for field_error in error.errors(
                include_url=False, include_context=False, include_input=False
            )
        )
    return str(error) or type(error).__name__


def _rejected(reason: str) -> Problem:
    return Problem(
        401,
        "token_rejected",
        f"The access token is not valid: {reason}",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


_bearer = HTTPBearer(auto_error=False, description="OIDC access token")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def bearer_of(request: Request, credentials: HTTPAuthorizationCredentials) -> Principal:
    """Return the person or program that the token of a request identifies.

    Raises:
        Problem: as :meth:`Verifier.principal`.
    """
    verifier: Verifier = request.app.state.verifier
    return await verifier.principal(credentials.credentials)


class Caller:
    """Dependency for the caller, who must have one of the roles.

    Where the path names a store, the caller must have access to that store, unless they act on
    what is their own there: then a role in another store will do.

    A guarded route admits the caller before it reads the body.
    """

    def __init__(self, *roles: Role, of_own: bool = False) -> None:
        self.roles, self._of_own = roles, of_own

    async def admit(self, request: Request) -> None:
        """Authenticate and admit the caller.

        Raises:
            Problem: 401, 403 or, for an unknown store, 404.
        """
        credentials = await _bearer(request)
        if credentials is None:
            raise Problem(
                401,
                "token_missing",
                "A bearer token is required.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        principal = await bearer_of(request, credentials)
        service = request.app.state.service
        store_id = request.path_params.get("store_id")
        principal = await service.callers_posts.apply(principal, None if self._of_own else store_id)
        if store_id is not None:
            if not (_STORE_ID.fullmatch(store_id) and await service.knows_store(store_id)):
                raise Problem(
                    404, "unknown_store", f"There is no store {store_id}.", field="store_id"
                )
            if not (self._of_own or principal.everywhere or store_id in principal.stores):
                raise Problem(
                    403,
                    "store_not_allowed",
                    f"Nothing gives the caller access to store {store_id}.",
                    field="store_id",
                )
        if not principal.has(*self.roles):
            needed = ", ".join(sorted(self.roles))
            raise Problem(403, "role_required", f"One of these roles is required: {needed}.")
        request.state.principal = principal

    async def __call__(self, request: Request, _: Credentials) -> Principal:
        principal: Principal = request.state.principal
        return principal


def require_roles(*roles: Role, of_own: bool = False) -> Caller:
    """Return the dependency of an operation for ``roles``, perhaps on what is the caller's own."""
    return Caller(*roles, of_own=of_own)
