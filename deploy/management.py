"""Calls of services by the programs of this package."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from shared.calls import ServiceCalls, ServiceUnavailableError
from shared.clients.management.client import ManagementApi
from shared.credentials import ServiceCredentials
from shared.db import EVERYWHERE
from shared.issuer import DevelopmentIssuer
from shared.security import Role
from shared.settings import SettingsError

_CONNECT_S = 5.0

TokenSource = DevelopmentIssuer | ServiceCredentials
"""What gives programs their tokens: an embedded platform's issuer, or a deployment's."""


@asynccontextmanager
async def open_management(
    url: str,
    tokens: TokenSource,
    subject: str,
    *roles: Role,
    stores: Sequence[str] = (),
    timeout_s: float = 60.0,
) -> AsyncIterator[ManagementApi]:
    """Open management at ``url`` for the program ``subject`` with its roles and ``stores``."""
    opened = open_service(
        "management", url, tokens, subject, *roles, stores=stores, timeout_s=timeout_s
    )
    async with opened as calls:
        yield ManagementApi(calls)


@asynccontextmanager
async def open_service(
    service: str,
    url: str,
    tokens: TokenSource,
    subject: str,
    *roles: Role,
    stores: Sequence[str] = (),
    timeout_s: float = 60.0,
) -> AsyncIterator[ServiceCalls]:
    """Open a service at ``url`` for the program ``subject`` with its roles and ``stores``."""

    async def token() -> str:
        return await access_token(tokens, subject, roles, stores)

    timeout = httpx.Timeout(timeout_s, connect=_CONNECT_S)
    async with httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False) as http:
        yield ServiceCalls(service, http, token)


async def access_token(
    tokens: TokenSource, subject: str, roles: Sequence[Role], stores: Sequence[str]
) -> str:
    """Return a token of the program ``subject``, which has the role of a program besides.

    A deployment's issuer knows subject, roles and stores of its client itself.

    Raises:
        SettingsError: the issuer refuses the client.
        ServiceUnavailableError: the issuer does not respond.
    """
    if isinstance(tokens, DevelopmentIssuer):
        return tokens.token(subject, roles=(*roles, "system"), stores=stores)
    return await _fetched(tokens)


async def _fetched(credentials: ServiceCredentials) -> str:
    """Return the token that a deployment's issuer gives.

    Raises:
        SettingsError: the issuer refuses the client.
        ServiceUnavailableError: the issuer does not respond.
    """
    try:
        return await credentials.token(EVERYWHERE)
    except httpx.HTTPStatusError as error:
        if error.response.is_server_error:
            raise ServiceUnavailableError("issuer") from error
        raise SettingsError(
            f"the issuer gives no token ({error.response.status_code}): correct "
            "AFTERSALES_TOKEN_URL, AFTERSALES_CLIENT_ID and AFTERSALES_CLIENT_SECRET"
        ) from error
    except httpx.HTTPError as error:
        raise ServiceUnavailableError("issuer") from error
