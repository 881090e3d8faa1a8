"""One-time links (授权链接): the colleagues to whom one was shown, and the origin of its uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Literal

from shared.contracts.management import AuthorizationRules

_KEPT_BITS = {4: 24, 6: 48}

Device = Literal["phone", "tablet", "computer", "program"]

Use = Literal["shown", "opened", "decided"]
"""已出示、已打开、已答复."""


@dataclass(frozen=True)
class Link:
    """One-time link to one version of one order's estimate, with its promise.

    It was ``sent`` to the customer, by a message of customer relations, or is shown to them.
    """

    store_id: str
    link_id: str
    order_id: str
    version: int
    expires_at: datetime
    used_at: datetime | None = None
    promised_at: datetime | None = None
    made_by: str | None = None
    made_at: datetime | None = None
    sent: bool = False
    message_id: str | None = None


@dataclass(frozen=True)
class Visitor:
    """User of a link.

    ``colleague`` is signed in there, ``staff_device`` names the user who was signed in there last.
    """

    device: Device
    address: IPv4Address | IPv6Address
    colleague: str | None = None
    staff_device: str | None = None

    @property
    def network(self) -> str:
        """Address, shortened so that it names no household."""
        return str(ip_network((self.address, _KEPT_BITS[self.address.version]), strict=False))

    def is_inside(self, networks: Sequence[IPv4Network | IPv6Network]) -> bool | None:
        """Return whether the address is in a network of the store; None where it has named none."""
        return any(self.address in each for each in networks) if networks else None


@dataclass(frozen=True)
class Origin:
    """Origin of a use of a link.

    ``network`` is a keyed hash of the shortened address; ``own_network`` is unknown where the store
    has not said which networks are its own. ``colleague`` is signed in there, ``staff_device``
    names who was signed in there last.
    """

    device: Device
    network: str
    own_network: bool | None
    colleague: str | None = None
    staff_device: str | None = None


@dataclass(frozen=True)
class LinkUse:
    """One use of a link; a colleague is named who was shown it or opened it while signed in."""

    use: Use
    at: datetime
    colleague: str | None = None
    staff_device: str | None = None
    device: Device | None = None
    own_network: bool | None = None


@dataclass(frozen=True)
class ContactUsed:
    """Address to which a link was sent, with its author since the registration, and when.

    Absent for the one of the registration, and for a link that was not sent. It is not ``known``
    while customer relations, which alone knows, is unavailable.
    """

    set_by: str | None = None
    set_at: datetime | None = None
    known: bool = True


@dataclass(frozen=True)
class LinkConsent:
    """Circumstances of a decision over a link.

    They are the colleagues who had seen the link before, whether it came from a colleague's device
    (its last user) or the store's network, and who had newly set the address to which it was sent,
    if that is ``contact_known``.
    """

    shown_to: tuple[str, ...]
    staff_device: str | None
    device: Device
    own_network: bool | None
    contact_changed_by: str | None = None
    contact_changed_at: datetime | None = None
    contact_known: bool = True


def use_from(origin: Origin, use: Use, at: datetime) -> LinkUse:
    """Return a use of a link from ``origin``."""
    return LinkUse(
        use, at, origin.colleague, origin.staff_device, origin.device, origin.own_network
    )


def consent_over(
    uses: Sequence[LinkUse],
    origin: Origin,
    contact: ContactUsed,
    *,
    arrived_at: datetime,
    rules: AuthorizationRules,
    now: datetime,
) -> LinkConsent:
    """Return the circumstances of a decision from ``origin`` over a link with these earlier uses.

    The link was sent to ``contact``, on an order whose vehicle arrived at ``arrived_at``. An
    address is new for some days, by ``rules``, and throughout the visit in which it was set.
    """
    shown_to = dict.fromkeys(use.colleague for use in uses if use.colleague)
    since = min(arrived_at, now - timedelta(days=rules.new_contact_days))
    is_new = contact.set_at is not None and contact.set_at >= since
    return LinkConsent(
        tuple(shown_to),
        origin.staff_device,
        origin.device,
        origin.own_network,
        contact.set_by if is_new else None,
        contact.set_at if is_new else None,
        contact.known,
    )
