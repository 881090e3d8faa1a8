"""User of a customer's link, as far as a request shows it."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated

from fastapi import Depends, Header, Request

from services.reception.domain import errors
from services.reception.domain.link import Device, Visitor
from shared.contracts.base import Identifier
from shared.security import Credentials, bearer_of

_TABLETS = ("iPad", "Tablet")
_PHONES = ("Mobi", "iPhone", "Android", "MicroMessenger")


async def _visitor(
    request: Request,
    token: str,
    credentials: Credentials,
    staff_device: Annotated[
        Identifier | None,
        Header(alias="X-Staff-Device", description="who was signed in last in this browser"),
    ] = None,
) -> Visitor:
    """Return the sender of a request.

    A colleague is known by their own token, and a colleague's device by the header from the web
    front end, which has a service's token.

    Raises:
        Problem: 401, the token is not valid.
        RuleViolation: a caller other than the web front end names a colleague's device.
    """
    principal = None
    store_id = token.partition(".")[0]
    if credentials is not None:
        principal = await bearer_of(request, credentials)
    by_desk = principal is not None and principal.has("system") and store_id in principal.stores
    if staff_device and not by_desk:
        raise errors.staff_device_by_desk()
    return Visitor(
        device=_device(request.headers.get("User-Agent", "")),
        address=_address(request),
        colleague=principal.subject if principal and not by_desk else None,
        staff_device=staff_device,
    )


def _address(request: Request) -> IPv4Address | IPv6Address:
    """Return the address of the request; the unspecified address where it is not known."""
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


LinkVisitor = Annotated[Visitor, Depends(_visitor)]
