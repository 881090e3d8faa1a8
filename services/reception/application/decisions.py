"""What happens when the customer authorizes or declines an estimate (授权, 拒绝).

Of additional work too, all of it or a part, over any channel.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.reception import persistence
from services.reception.application.catalog import typical_parts_of
from services.reception.application.deps import Deps
from services.reception.application.estimates import EstimateView, estimate_view
from services.reception.application.promises import reserve_additional_work
from services.reception.domain import decision as decisions
from services.reception.domain import errors
from services.reception.domain.decision import Choice, require_presence
from services.reception.domain.estimate_version import (
    DecisionRecord,
    EstimateVersion,
    Versions,
    require_awaiting,
)
from services.reception.domain.link import (
    ContactUsed,
    Link,
    LinkConsent,
    Origin,
    consent_over,
    use_from,
)
from services.reception.domain.order import Order, require_seen
from services.reception.domain.promise import Promise
from services.reception.domain.repair_order import RepairOrder
from services.reception.domain.visit import Visit
from shared.contracts.base import Identifier, Timestamp
from shared.contracts.management import AuthorizationRules, PromiseRules
from shared.contracts.reception import Channel, ReportedChannel
from shared.db import Connection
from shared.ids import new_id
from shared.request_model import VersionedRequest
from shared.security import Principal
from shared.unit_of_work import UnitOfWork


class EstimateDecisionRequest(VersionedRequest):
    """Channel of the customer's decision, on the order as it was seen."""

    channel: ReportedChannel


class EstimateAuthorizationRequest(EstimateDecisionRequest):
    """Customer's authorization of an estimate.

    Of the offered items, the ``declined`` ones are not wanted; ``promised_at`` is the order's new
    promise that the customer was told. Where it would be later, they are asked again.
    """

    declined: Annotated[list[Identifier], Field(max_length=120)] = []
    promised_at: Timestamp | None = None


@dataclass(frozen=True)
class CustomerDecision:
    """Customer's decision on a version, with the user who recorded it on the order as ``seen``.

    A decision over ``link``, from ``origin``, has no such user.

    ``promised_at`` is the new promise that they saw.
    """

    order_id: str
    choice: Choice
    channel: Channel
    recorded_by: str | None = None
    seen: str | None = None
    link: Link | None = None
    origin: Origin | None = None
    promised_at: datetime | None = None

    def check(self, order: Order) -> None:
        """Refuse a decision that was recorded on an order that has changed since."""
        if self.seen is not None:
            require_seen(order, self.seen)


@dataclass(frozen=True)
class Prepared:
    """The promise of additional work that is wanted, and the address that the link was sent to."""

    promise: Promise | None
    contact: ContactUsed


def reported_agreement(
    order_id: str, version: int, command: EstimateAuthorizationRequest, principal: Principal
) -> CustomerDecision:
    """Return the customer's agreement, in person or by phone, as ``principal`` has recorded it.

    Raises:
        RuleViolation: the caller does not meet customers in person.
    """
    require_presence(command.channel, principal.roles)
    return CustomerDecision(
        order_id,
        Choice(version, True, frozenset(command.declined)),
        command.channel,
        principal.subject,
        command.version,
        promised_at=command.promised_at,
    )


def reported_decline(
    order_id: str, version: int, command: EstimateDecisionRequest, principal: Principal
) -> CustomerDecision:
    """Return the customer's decline, as ``principal`` has recorded it.

    Raises:
        RuleViolation: the caller does not meet customers in person.
    """
    require_presence(command.channel, principal.roles)
    return CustomerDecision(
        order_id, Choice(version, False), command.channel, principal.subject, command.version
    )


async def prepare_decision(
    store_id: str, decision: CustomerDecision, key: str, deps: Deps
) -> Prepared:
    """Reserve the workshop's time for additional work, under the ``key`` of the command.

    Asks customer relations for the address to which the link was sent.

    Raises:
        RuleViolation: the version cannot be decided on, or the customer saw an earlier promise.
    """
    promise = await _promise(store_id, decision, key, deps) if decision.choice.wanted else None
    return Prepared(promise, await _contact_used(store_id, decision.link, deps))


async def authorize_estimate(
    uow: UnitOfWork, decision: CustomerDecision, prepared: Prepared, deps: Deps
) -> EstimateView:
    """Record that the customer agrees (授权), as a colleague was told.

    Where only a part is wanted, the version is replaced by two: the part, and the declined rest.
    """
    _, version = await decide(uow, decision, prepared, deps)
    return estimate_view(version)


async def decline_estimate(
    uow: UnitOfWork, decision: CustomerDecision, prepared: Prepared, deps: Deps
) -> EstimateView:
    """Record that the customer does not agree (拒绝), as a colleague was told."""
    _, version = await decide(uow, decision, prepared, deps)
    return estimate_view(version)


async def decide(
    uow: UnitOfWork, decision: CustomerDecision, prepared: Prepared, deps: Deps
) -> tuple[RepairOrder, EstimateVersion]:
    """Apply the decision; return the repair order and the decided version."""
    connection = uow.connection
    order = await persistence.lock_order(connection, uow.store_id, decision.order_id)
    decision.check(order)
    stored = await persistence.estimate_versions(connection, uow.store_id, decision.order_id)
    versions, submitted = decisions.divide(
        order.repair_order,
        stored,
        decision.choice,
        await _typical_parts(connection, stored, decision.choice, deps),
        additional_work_id=str(new_id()),
        now=uow.now,
    )
    promises = await deps.group.rules_today(connection, PromiseRules, uow.store_id)
    decision_record = DecisionRecord(
        decision.channel,
        decision.recorded_by,
        uow.now,
        decision.promised_at,
        await _use_up(connection, order.visit, decision, prepared.contact, uow.now, deps),
    )
    changed, decided, events = decisions.decide(
        order.repair_order, versions, decision.choice, decision_record, prepared.promise, promises
    )
    await persistence.save_repair_order(uow, changed)
    latest = {each.version: each for each in (*versions, *decided)}
    await persistence.save_estimates(
        connection, [each for each in latest.values() if each not in stored]
    )
    uow.publish([*submitted, *events])
    return changed, decided[0]


async def _typical_parts(
    connection: Connection, versions: Versions, choice: Choice, deps: Deps
) -> Mapping[str, Collection[str]]:
    """Return the typical parts by which a version is divided, if it is."""
    proposal = next((each for each in versions if each.version == choice.version), None)
    if proposal is None or not choice.declined:
        return {}
    return await typical_parts_of(connection, proposal, deps)


async def _contact_used(store_id: str, link: Link | None, deps: Deps) -> ContactUsed:
    """Return the address to which the link was sent, as far as customer relations answers."""
    if link is None or not link.sent:
        return ContactUsed()
    if link.message_id is None:
        return ContactUsed(known=False)
    return await deps.crm.contact_used(store_id, link.message_id)


async def _use_up(
    connection: Connection,
    visit: Visit,
    decision: CustomerDecision,
    contact: ContactUsed,
    now: datetime,
    deps: Deps,
) -> LinkConsent | None:
    """Use the link up and return the circumstances of the decision that came over it."""
    link, origin = decision.link, decision.origin
    if link is None or origin is None:
        return None
    if not await persistence.use_link(connection, link, now):
        raise errors.link_used()
    uses = await persistence.link_uses(connection, link.store_id, [link.link_id])
    await persistence.add_link_use(
        connection, link, use_from(origin, "decided", now), origin.network
    )
    rules = await deps.group.rules_today(connection, AuthorizationRules, link.store_id)
    return consent_over(
        uses[link.link_id], origin, contact, arrived_at=visit.arrived_at, rules=rules, now=now
    )


async def _promise(
    store_id: str, decision: CustomerDecision, key: str, deps: Deps
) -> Promise | None:
    """Return the promise of additional work; None for the ordered work, which has its promise."""
    order_id = decision.order_id
    async with deps.uow_factory.read(store_id) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        versions = await persistence.estimate_versions(connection, store_id, order_id)
    decision.check(order)
    choice, repair_order = decision.choice, order.repair_order
    proposal = require_awaiting(repair_order, versions, choice.version)
    if proposal.additional_work_id is None:
        return None
    return await reserve_additional_work(
        repair_order, proposal, choice.declined, decision.promised_at, key, deps
    )
