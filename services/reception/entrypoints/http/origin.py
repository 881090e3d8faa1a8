"""From where a customer's link is used, as far as a request tells it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Header, Request

from services.reception.domain import errors
from services.reception.domain.link import Device, Origin
from services.reception.entrypoints.http.access import Reach
from shared.contracts.base import Identifier
from shared.security import Credentials, bearer_of

_KEPT_BITS = {4: 24, 6: 48}
_TABLETS = ("iPad", "Tablet")
_PHONES = ("Mobi", "iPhone", "Android", "MicroMessenger")


async def _origin(
    request: Request,
    token: str,
    credentials: Credentials,
    deps: Reach,
    staff_device: Annotated[
        Identifier | None,
        Header(alias="X-Staff-Device", description="who was signed in last in this browser"),
    ] = None,
) -> Origin:
    """The origin of a request; a colleague is known by their own token, and a colleague's device
    by the word of the desk, which has a service's.

    Raises:
        Problem: 401, the token is not valid.
        RuleViolation: somebody else names a colleague's device.
    """
    principal = None
    store_id = token.partition(".")[0]
    if credentials is not None:
        principal = await bearer_of(request, credentials)
    by_desk = principal is not None and principal.has("service") and store_id in principal.stores
    if staff_device and not by_desk:
        raise errors.staff_device_by_desk()
    address = _address(request)
    network = ip_network((address, _KEPT_BITS[address.version]), strict=False)
    place = deps.catalog.stores.get(store_id)
    own = place.networks if place else ()
    return Origin(
        device=_device(request.headers.get("User-Agent", "")),
        network=deps.personal.reference("network", str(network)),
        own_network=any(address in each for each in own) if own else None,
        colleague=principal.subject if principal and not by_desk else None,
        staff_device=staff_device,
    )


def _address(request: Request) -> IPv4Address | IPv6Address:
    """Where the request comes from; the unspecified address where that cannot be told."""
    try:
        return ip_address(request.client.host if request.client else "")
    except ValueError:
        return ip_address(0)


def _device(user_agent: str) -> Device:
    if any(name in user_agent for name in _TABLETS):
        return "tablet"
    if any(name in user_agent for name in _PHONES):
        return "phone"
    return "computer" if user_agent.startswith("Mozilla/") else "program"


LinkOrigin = Annotated[Origin, Depends(_origin)]
