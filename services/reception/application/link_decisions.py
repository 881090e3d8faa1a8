"""What the customer sees and decides over a one-time link, without signing in (链接授权)."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.decisions import (
    CustomerDecision,
    Prepared,
    decide,
    prepare_decision,
)
from services.reception.application.deps import Deps
from services.reception.application.estimate_offers import PresentedEstimate, make_offer
from services.reception.application.links import require_usable, store_of, token_hash
from services.reception.domain import errors
from services.reception.domain.decision import Choice
from services.reception.domain.estimate_version import Status, require_awaiting
from services.reception.domain.link import Link, Origin, Visitor
from shared.contracts.base import Identifier, Timestamp
from shared.db import Connection
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class LinkDecisionRequest(RequestModel):
    """Customer's decision over a link.

    When the customer authorizes, the ``declined`` items are not wanted; ``promised_at`` is the
    promise that was shown. Where the new one would be later, the customer is asked again.
    """

    decision: Literal["authorize", "decline"]
    declined: Annotated[list[Identifier], Field(max_length=120)] = []
    promised_at: Timestamp | None = None


class AuthorizationResponse(BaseModel):
    """Status of the version after the decision, and the order's present promise."""

    version: int
    status: Status
    decided_at: datetime | None
    promised_at: datetime | None


async def show_offer(
    token: str, visitor: Visitor, declined: Collection[str], deps: Deps
) -> PresentedEstimate:
    """Show lines and prices of the version that the link leads to (授权页).

    Includes the promise that the order will have without the items ``declined``. Records from where
    the link was opened.

    Raises:
        RuleViolation: there is no such link, it was used, or it has expired.
    """
    link = await _usable_link(token, deps)
    async with deps.uow_factory.open([link.store_id]) as uow:
        origin = await _origin(uow.connection, visitor, link.store_id, deps)
        await persistence.record_opening(uow.connection, link, origin, uow.now)
        key = (link.store_id, link.order_id)
        repair_order = await persistence.read_repair_order(uow.connection, *key)
        versions = await persistence.estimate_versions(uow.connection, *key)
    proposal = require_awaiting(repair_order, versions, link.version)
    return await make_offer(repair_order, proposal, declined, deps, link.expires_at)


async def prepare_offer_decision(
    token: str, command: LinkDecisionRequest, visitor: Visitor, key: str, deps: Deps
) -> tuple[CustomerDecision, Prepared]:
    """Reserve the workshop's time for what the customer wants, under the ``key`` of the command.

    Where a colleague is signed in, no decision is accepted: it is recorded that they have opened
    the link.

    Raises:
        RuleViolation: the link cannot be used, by this person or at all, or the version cannot be
            decided on.
    """
    link = await _usable_link(token, deps)
    async with deps.uow_factory.read(link.store_id) as connection:
        origin = await _origin(connection, visitor, link.store_id, deps)
    if origin.colleague:
        async with deps.uow_factory.open([link.store_id]) as uow:
            await persistence.record_opening(uow.connection, link, origin, uow.now)
        raise errors.colleague_at_link()
    wanted = command.decision == "authorize"
    decision = CustomerDecision(
        link.order_id,
        Choice(link.version, wanted, frozenset(command.declined if wanted else ())),
        "link",
        link=link,
        origin=origin,
        promised_at=command.promised_at,
    )
    return decision, await prepare_decision(link.store_id, decision, key, deps)


async def decide_offer(
    uow: UnitOfWork, decision: CustomerDecision, prepared: Prepared, deps: Deps
) -> AuthorizationResponse:
    """Record the customer's decision (客户授权); the link is used up."""
    repair_order, version = await decide(uow, decision, prepared, deps)
    return AuthorizationResponse(
        version=version.version,
        status=version.status,
        decided_at=version.decided_at,
        promised_at=repair_order.promised_at,
    )


async def _origin(connection: Connection, visitor: Visitor, store_id: str, deps: Deps) -> Origin:
    """Return the data that is kept of a visitor."""
    store = await deps.group.store(connection, store_id)
    return Origin(
        device=visitor.device,
        network=deps.personal.reference("network", visitor.network),
        own_network=visitor.is_inside(store.networks),
        colleague=visitor.colleague,
        staff_device=visitor.staff_device,
    )


async def _usable_link(token: str, deps: Deps) -> Link:
    store_id = await store_of(token, deps)
    async with deps.uow_factory.read(store_id) as connection:
        link = await persistence.find_link(connection, store_id, token_hash(token))
    if link is None:
        raise errors.unknown_link()
    require_usable(link, deps.uow_factory.clock.now())
    return link
