"""One-time links (授权链接) on which customers see and decide an estimate without signing in.

Only the hash of a link's token is kept; colleagues do not get the token.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.application.estimate_offers import read_proposal
from services.reception.application.promises import offered_promise
from services.reception.domain import errors
from services.reception.domain.estimate_version import EstimateVersion, require_awaiting
from services.reception.domain.link import Link, LinkUse
from shared import timers
from shared.clients.crm.models import (
    AdditionalWorkMessage,
    AuthorizationMessage,
    LinkedAdditionalWork,
    LinkedAuthorization,
)
from shared.contracts.management import AuthorizationRules
from shared.contracts.violations import unknown
from shared.ids import new_id
from shared.personal_data import PersonalData
from shared.request_model import RequestModel
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

LINK_MESSAGE = "link_message"


class CreateLinkRequest(RequestModel):
    """Request to create a link.

    With ``send`` the customer is sent the link, through customer relations; else it is there to be
    shown to them.
    """

    send: bool = False


class LinkView(BaseModel):
    """A one-time link to a version, without its token.

    ``promised_at`` is the order's promise if the customer agrees.
    """

    link_id: str
    order_id: str
    version: int
    promised_at: datetime | None
    expires_at: datetime
    made_by: str | None
    made_at: datetime | None
    sent: bool
    used_at: datetime | None


class LinkWithUses(LinkView):
    """Link with its uses.

    ``uses`` say when and to which colleagues it was shown, and when and from where it was opened
    and answered.
    """

    uses: Sequence[LinkUse]


class ShownLink(LinkView):
    """Link to show; ``url`` is where the customer opens it."""

    url: str


async def prepare_link(store_id: str, order_id: str, version: int, deps: Deps) -> datetime | None:
    """Ask for the promise that the customer will be shown with a version."""
    repair_order, proposal = await read_proposal(store_id, order_id, version, deps)
    promise = await offered_promise(repair_order, proposal, (), deps)
    return promise.promised_at if promise else None


async def create_link(
    uow: UnitOfWork,
    order_id: str,
    version: int,
    command: CreateLinkRequest | None,
    promised_at: datetime | None,
    deps: Deps,
) -> LinkView:
    """Create a one-time link on which the customer can see the version and decide."""
    send = command is not None and command.send
    repair_order = await persistence.lock_repair_order(uow.connection, uow.store_id, order_id)
    versions = await persistence.estimate_versions(uow.connection, uow.store_id, order_id)
    require_awaiting(repair_order, versions, version)
    rules = await deps.group.rules_today(uow.connection, AuthorizationRules, uow.store_id)
    link = Link(
        uow.store_id,
        str(new_id()),
        order_id,
        version,
        uow.now + timedelta(minutes=rules.link_minutes),
        promised_at=promised_at,
        made_by=uow.person,
        made_at=uow.now,
        sent=send,
    )
    token = link_token(deps.personal, link.store_id, link.link_id)
    await persistence.add_link(uow.connection, link, token_hash(token))
    if send:
        visit = await persistence.read_visit(uow.connection, uow.store_id, order_id)
        if visit.customer_ref is None:
            raise errors.no_customer()
        await _send_soon(uow, link)
    return _view(link)


async def show_link(uow: UnitOfWork, order_id: str, link_id: str) -> LinkView:
    """Record that the caller has the link to show it to the customer (出示)."""
    link = await persistence.read_link(uow.connection, uow.store_id, link_id)
    if link.order_id != order_id:
        raise unknown("link_id", link_id)
    require_usable(link, uow.now)
    await persistence.add_link_use(uow.connection, link, LinkUse("shown", uow.now, uow.person))
    return _view(link)


async def list_links(store_id: str, order_id: str, deps: Deps) -> list[LinkWithUses]:
    """List the order's one-time links with their uses, the oldest first.

    Each says whether it was sent, shown, opened and answered.
    """
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.read_repair_order(connection, store_id, order_id)
        links = await persistence.links_of(connection, store_id, order_id)
        uses = await persistence.link_uses(connection, store_id, [link.link_id for link in links])
    return [LinkWithUses(**dict(_view(link)), uses=uses[link.link_id]) for link in links]


async def send_link(store_id: str, link_id: str, deps: Deps) -> str | None:
    """Send the link through customer relations, which alone knows addresses.

    It is sent once however often it is tried; a link that was decided on is not sent. Returns the
    message's id.

    Raises:
        RetryLaterError: customer relations is unavailable.
    """
    async with deps.uow_factory.read(store_id) as connection:
        link = await persistence.read_link(connection, store_id, link_id)
        visit = await persistence.read_visit(connection, store_id, link.order_id)
        versions = await persistence.estimate_versions(connection, store_id, link.order_id)
    proposal = versions[link.version - 1]
    if proposal.status != "awaiting" or visit.customer_ref is None:
        return None
    return await deps.crm.send_message(
        store_id, link_id, _message(visit.customer_ref, link, proposal, deps)
    )


def _message(
    customer_ref: str, link: Link, proposal: EstimateVersion, deps: Deps
) -> AuthorizationMessage | AdditionalWorkMessage:
    url = link_url(link.store_id, link.link_id, deps)
    if proposal.additional_work_id and link.promised_at:
        return AdditionalWorkMessage(
            customer_ref=customer_ref,
            message_type="additional_work",
            about=proposal.additional_work_id,
            order_id=link.order_id,
            expires_at=link.expires_at,
            values=LinkedAdditionalWork(
                amount_cents=proposal.total_cents, promised_at=link.promised_at, link=url
            ),
        )
    return AuthorizationMessage(
        customer_ref=customer_ref,
        message_type="authorization",
        about=proposal.additional_work_id,
        order_id=link.order_id,
        expires_at=link.expires_at,
        values=LinkedAuthorization(amount_cents=proposal.total_cents, link=url),
    )


async def record_message(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Record the message by which the link was sent."""
    if timer.prepared is not None:
        await persistence.link_sent_by(
            uow.connection, timer.store_id, timer.entity_id, timer.prepared
        )


def link_url(store_id: str, link_id: str, deps: Deps) -> str:
    """Return the URL of the page on which a customer sees and decides what the link leads to."""
    token = link_token(deps.personal, store_id, link_id)
    return f"{deps.public_url.rstrip('/')}/authorize/{token}"


def link_token(personal: PersonalData, store_id: str, link_id: str) -> str:
    """Return the token of a link; only this service can derive it again."""
    return f"{store_id}.{personal.reference('link', link_id)}"


def token_hash(token: str) -> bytes:
    """Return the hash of a link's token, which is kept in its place."""
    return hashlib.sha256(token.encode()).digest()


async def store_of(token: str, deps: Deps) -> str:
    """Return the store that a token claims to belong to; its hash proves whether it does.

    Raises:
        RuleViolation: it is no token.
    """
    store_id, dot, _ = token.partition(".")
    async with deps.uow_factory.read() as connection:
        known = await deps.group.stores(connection, [store_id])
    if not dot or not known:
        raise errors.unknown_link()
    return store_id


def require_usable(link: Link, now: datetime) -> None:
    """Refuse a link that was used or has expired."""
    if link.used_at:
        raise errors.link_used()
    if link.expires_at <= now:
        raise errors.link_expired()


async def _send_soon(uow: UnitOfWork, link: Link) -> None:
    """Schedule the sending of the link for when the transaction has committed."""
    await timers.schedule(uow, LINK_MESSAGE, link.link_id, store_id=link.store_id, due_at=uow.now)


def _view(link: Link) -> LinkView:
    return LinkView(**{name: getattr(link, name) for name in LinkView.model_fields})
