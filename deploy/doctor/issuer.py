"""The issuer of access tokens, and a token for the process itself."""

from typing import Any

import httpx

from deploy.doctor.findings import Finding, error, ok
from shared.credentials import ServiceCredentials
from shared.problems import Problem
from shared.security import Verifier
from shared.settings import DESK, Settings
from shared.signing_keys import usable_keys

_AREA = "issuer"
_TIMEOUT_S = 5.0


async def look_at_issuer(settings: Settings, service: str) -> list[Finding]:
    """Return whether the issuer's keys can be read, and tokens for the process are accepted."""
    found = [*await _discovery(settings, service), *await _keys(settings)]
    if not any(each.level == "error" for each in found):
        found += await _own_token(settings, service)
    return found


async def _discovery(settings: Settings, service: str) -> list[Finding]:
    """Compare the settings with what the issuer says about itself.

    The desk alone has to reach it at its own address; the others have AFTERSALES_JWKS_URL.
    """
    if not settings.jwks_url:
        return []
    address = f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        document = await _fetched(address)
    except httpx.TransportError as failure:
        if service == DESK:
            return [_unreachable(address, failure, "AFTERSALES_ISSUER")]
        return [ok(_AREA, f"{settings.issuer} is not reached from here, which {service} can spare")]
    except (httpx.HTTPError, ValueError) as failure:
        return [_unreachable(address, failure, "AFTERSALES_ISSUER")]
    if document.get("issuer") != settings.issuer:
        return [
            error(
                _AREA,
                f"the issuer calls itself {document.get('issuer')}",
                "set AFTERSALES_ISSUER to exactly that",
            )
        ]
    return [ok(_AREA, f"{settings.issuer} responds")]


async def _keys(settings: Settings) -> list[Finding]:
    if not settings.jwks_url:
        return []
    try:
        keys = usable_keys(await _fetched(settings.jwks_url))
    except httpx.HTTPError as failure:
        return [_unreachable(settings.jwks_url, failure, "AFTERSALES_JWKS_URL")]
    except ValueError as failure:
        return [error(_AREA, str(failure), "let the issuer sign access tokens with ES256")]
    return [
        ok(_AREA, f"the issuer publishes {len({key.kid for key in keys.values()})} keys for ES256")
    ]


async def _own_token(settings: Settings, service: str) -> list[Finding]:
    """Get a token as the process does, and verify it as a service does."""
    if not (settings.token_url or settings.issuer_key_file):
        return []
    try:
        token = await ServiceCredentials(settings, service).token("_doctor")
        await Verifier(settings).principal(token)
    except httpx.HTTPStatusError as failure:
        return [
            error(
                _AREA,
                f"the issuer gives {service} no token ({failure.response.status_code})",
                "correct AFTERSALES_CLIENT_ID and AFTERSALES_CLIENT_SECRET, or the client's rights",
            )
        ]
    except httpx.HTTPError as failure:
        return [_unreachable(settings.token_url, failure, "AFTERSALES_TOKEN_URL")]
    except Problem as problem:
        return [
            error(
                _AREA,
                f"the issuer's token is not accepted ({problem.detail})",
                "make AFTERSALES_ISSUER and AFTERSALES_AUDIENCE those of the client at the issuer",
            )
        ]
    return [ok(_AREA, f"{service} gets a token, and services accept it")]


async def _fetched(address: str) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
        response = await client.get(address)
        content: dict[str, Any] = response.raise_for_status().json()
        return content


def _unreachable(address: str, failure: Exception, name: str) -> Finding:
    return error(
        _AREA,
        f"{address} gives no answer ({str(failure) or type(failure).__name__})",
        f"correct {name}, or look at the issuer and the network",
    )
