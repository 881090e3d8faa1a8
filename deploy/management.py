"""Calls of management by the programs of this package."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from shared.calls import ServiceCalls
from shared.clients.management.client import ManagementApi
from shared.issuer import DevelopmentIssuer
from shared.security import Role

_CONNECT_S = 5.0


@asynccontextmanager
async def open_management(
    url: str, issuer: DevelopmentIssuer, subject: str, *roles: Role, timeout_s: float = 60.0
) -> AsyncIterator[ManagementApi]:
    """Open management at ``url`` for the program ``subject``, which has the roles."""
    token = issuer.token(subject, roles=roles, stores=[])
    timeout = httpx.Timeout(timeout_s, connect=_CONNECT_S)
    async with httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False) as http:
        yield ManagementApi(ServiceCalls("management", http, token))
