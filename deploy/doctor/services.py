"""Services as the desk reaches them."""

import asyncio

import httpx

from deploy.doctor.findings import Finding, error, ok
from deploy.embedded.secrets import SERVICES
from shared.settings import SUBSCRIBERS, Settings, variable

_AREA = "services"
_TIMEOUT_S = 5.0


async def look_at_services(settings: Settings) -> list[Finding]:
    """Return which services respond at the addresses of ``settings``."""
    async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
        looks = (_look(client, settings, name) for name in (*SERVICES, SUBSCRIBERS))
        return list(await asyncio.gather(*looks))


async def _look(client: httpx.AsyncClient, settings: Settings, service: str) -> Finding:
    setting = f"{service}_url"
    address = getattr(settings, setting)
    try:
        response = await client.get(f"{address}/health/ready")
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        reason = str(failure) or type(failure).__name__
        return error(
            _AREA,
            f"{service} gives no answer at {address} ({reason})",
            f"start it, or correct {variable(setting)}",
        )
    if not response.is_success:
        return error(
            _AREA,
            f"{service} is not ready ({response.status_code} at {address})",
            f"look at its log and at `aftersales doctor {service}`, or correct {variable(setting)}",
        )
    return ok(_AREA, f"{service} is ready")
