"""The customer's decision on a version of the estimate, however it came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.reception import persistence
from services.reception.clients.workshop import Caller
from services.reception.domain import authorisation, errors
from services.reception.domain.authorisation import DecisionRecord, EstimateVersion
from services.reception.domain.link import ContactUsed, LinkConsent, Origin, consent_over, use_from
from services.reception.domain.order import Order, Promise
from services.reception.entrypoints.http.access import archive_of, catalog_of
from services.reception.entrypoints.http.offer import (
    further_operations,
    present_promise,
    workshop_token,
)
from services.reception.entrypoints.http.work import ask_promise, reserve
from services.reception.persistence import Link
from shared.commands import CommandContext
from shared.contracts import Event
from shared.contracts.reception import Channel
from shared.contracts.versioned import require_version
from shared.contracts.violations import RuleViolation
from shared.db import Connection, transaction
from shared.ids import new_id
from shared.problems import Problem
from shared.unit_of_work import UnitOfWork

PROMISE_LATER = "promise_later"
"""The rule by which the workshop refuses to reserve what would be done later than was shown."""


@dataclass(frozen=True)
class CustomerDecision:
    """What the customer decided, and who recorded it, on the order as it was ``seen``; nobody did
    where it came over ``link``, from ``origin``.

    Of what is wanted, the items ``declined`` are not. ``promised_at`` is the new promise that they
    saw.
    """

    wanted: bool
    channel: Channel
    recorded_by: str | None
    seen: str | None = None
    link: Link | None = None
    origin: Origin | None = None
    declined: frozenset[str] = frozenset()
    promised_at: datetime | None = None

    def check(self, order: Order) -> None:
        """Refuse what was recorded on an order that has changed since."""
        if self.seen is not None:
            require_version(order, self.seen)


async def decide(
    request: Request,
    command: CommandContext,
    order_id: str,
    version: int,
    decision: CustomerDecision,
    response: Callable[[Order, EstimateVersion], BaseModel],
) -> JSONResponse:
    """Record the decision. Additional work gets its hold in the workshop before the transaction."""
    if previous := await command.previous_response():
        return previous
    try:
        promise = (
            await _promise(request, command, order_id, version, decision)
            if decision.wanted
            else None
        )
    except RuleViolation:
        # Another try of this command may have had its response since the question above.
        if previous := await command.previous_response():
            return previous
        raise

    contact = await _contact_used(request, command.store_id, decision.link)
    typical_parts = catalog_of(request).typical_parts

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection = uow.connection
        order = await persistence.lock_order(connection, command.store_id, order_id)
        decision.check(order)
        stored = await persistence.estimate_versions(connection, command.store_id, order_id)
        versions: Sequence[EstimateVersion] = stored
        submitted: Sequence[Event] = ()
        if decision.declined:
            parts = authorisation.without(
                authorisation.require_pending(order, versions, version),
                decision.declined,
                typical_parts,
            )
            versions, submitted = authorisation.split(
                order, versions, version, parts, additional_work_id=str(new_id()), now=uow.now
            )
        decision_record = DecisionRecord(
            decision.channel,
            decision.recorded_by,
            uow.now,
            decision.promised_at,
            await _use_up(connection, order, decision.link, decision.origin, contact, uow.now)
            if decision.link and decision.origin
            else None,
        )
        changed, decided, events = _decided(
            order, versions, version, decision, decision_record, promise
        )
        await persistence.save_order(uow, changed)
        latest = {each.version: each for each in (*versions, *decided)}
        await persistence.save_estimates(
            connection, [each for each in latest.values() if each not in stored]
        )
        uow.publish([*submitted, *events], command.causation)
        return response(changed, decided[0])

    return await command.run(use_case)


async def _contact_used(request: Request, store_id: str, link: Link | None) -> ContactUsed:
    """The address to which the link was sent, as far as customer relations answers."""
    if link is None or not link.sent:
        return ContactUsed()
    if link.message_id is None:
        return ContactUsed(known=False)
    return await archive_of(request).contact_used(store_id, link.message_id)


async def _use_up(
    connection: Connection,
    order: Order,
    link: Link,
    origin: Origin,
    contact: ContactUsed,
    now: datetime,
) -> LinkConsent:
    """What is to be known of a word over a link, which is used up by it."""
    if not await persistence.use_link(connection, link, now):
        raise errors.link_used()
    uses = await persistence.link_uses(connection, link.store_id, [link.link_id])
    await persistence.add_link_use(
        connection, link, use_from(origin, "decided", now), origin.network
    )
    return consent_over(uses[link.link_id], origin, contact, arrived_at=order.arrived_at, now=now)


def _decided(
    order: Order,
    versions: Sequence[EstimateVersion],
    version: int,
    decision: CustomerDecision,
    decision_record: DecisionRecord,
    promise: Promise | None,
) -> tuple[Order, list[EstimateVersion], list[Event]]:
    """The order, what was decided on, and what is told; of a version that was split, the last but
    one is wanted and the last is not."""
    if not decision.declined:
        order, decided, events = _decide_on(
            order, versions, version, decision_record, promise, wanted=decision.wanted
        )
        return order, [decided], [*events]
    *others, wanted, rest = versions
    order, kept, agreed = _decide_on(
        order, versions, wanted.version, decision_record, promise, wanted=True
    )
    order, left, declined = authorisation.decline(
        order, [*others, kept, rest], rest.version, decision_record
    )
    return order, [kept, left], [*agreed, *declined]


def _decide_on(
    order: Order,
    versions: Sequence[EstimateVersion],
    version: int,
    decision_record: DecisionRecord,
    promise: Promise | None,
    *,
    wanted: bool,
) -> tuple[Order, EstimateVersion, Sequence[Event]]:
    if not wanted:
        return authorisation.decline(order, versions, version, decision_record)
    if promise is None:
        return authorisation.authorize(order, versions, version, decision_record)
    return authorisation.authorize_additional(order, versions, version, decision_record, promise)


async def _promise(
    request: Request,
    command: CommandContext,
    order_id: str,
    version: int,
    decision: CustomerDecision,
) -> Promise | None:
    """When additional work will be done; absent for the ordered work, which has its promise.

    Raises:
        RuleViolation: the version cannot be decided on, or the customer saw an earlier promise.
    """
    async with transaction(request.app.state.uow_factory.pool, [command.store_id]) as connection:
        order = await persistence.read_order(connection, command.store_id, order_id)
        versions = await persistence.estimate_versions(connection, command.store_id, order_id)
    decision.check(order)
    estimate_version = authorisation.require_pending(order, versions, version)
    if estimate_version.additional_work_id is None:
        return None
    operations = further_operations(catalog_of(request), estimate_version, decision.declined)
    if not operations:
        return present_promise(order)
    token = await workshop_token(request, command.store_id)
    if token is None:
        promise, _ = await ask_promise(request, command.store_id, None, operations)
        return promise
    latest = authorisation.latest_promise(order, decision.promised_at)
    try:
        return await reserve(
            request,
            Caller(command.store_id, token, command.key),
            operations,
            order_id=order_id,
            latest_promise_at=latest,
        )
    except Problem as problem:
        if problem.rule != PROMISE_LATER or not problem.values:
            raise
        raise errors.promise_later(datetime.fromisoformat(problem.values["promised_at"])) from None
