"""Promised completion time of an order (承诺交车时间): asked for, reserved, confirmed and revised.

What moves it, and when, is in the domain's ``promise``.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from services.reception import persistence
from services.reception.application.capacity import (
    ask_promise,
    reserve,
    workshop_token,
)
from services.reception.application.catalog import typical_parts_of
from services.reception.application.changes import lock_seen, save_change
from services.reception.application.deps import Deps
from services.reception.application.views import OrderView, order_view
from services.reception.clients.workshop import Caller
from services.reception.domain import errors
from services.reception.domain import promise as promises
from services.reception.domain.estimate_items import without
from services.reception.domain.estimate_version import EstimateVersion
from services.reception.domain.promise import (
    Promise,
    RevisionReason,
    confidence_of,
    latest_promise,
)
from services.reception.domain.repair_order import RepairOrder
from shared.contracts.base import Timestamp
from shared.contracts.management import PromiseRules
from shared.contracts.workshop import JobAssigned, PromisedTimeAtRisk
from shared.problems import Problem
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork

PROMISE_LATER = "promise_later"
"""Rule by which the workshop refuses a reservation that ends later than the promise shown."""


class RevisePromisedTimeRequest(VersionedRequest):
    """New promised time, as the customer was told it."""

    promised_at: Timestamp
    reason: RevisionReason


async def offered_promise(
    repair_order: RepairOrder, proposal: EstimateVersion, declined: Collection[str], deps: Deps
) -> Promise | None:
    """Return the order's promise if the customer agrees to a version without items ``declined``."""
    op_codes = await _further_operations(proposal, declined, deps)
    if not op_codes:
        return await _present_promise(repair_order, deps)
    store_id = repair_order.store_id
    token = await workshop_token(store_id, deps)
    promise, _ = await ask_promise(store_id, token, op_codes, deps, repair_order=repair_order)
    return promise


async def reserve_additional_work(
    repair_order: RepairOrder,
    proposal: EstimateVersion,
    declined: Collection[str],
    seen: datetime | None,
    key: str,
    deps: Deps,
) -> Promise | None:
    """Reserve the workshop's time for additional work without items ``declined``.

    Returns the promise of that work. ``seen`` is the order's new promise that the customer saw.

    Raises:
        RuleViolation: the order's promise would be later than the one that they saw.
    """
    op_codes = await _further_operations(proposal, declined, deps)
    if not op_codes:
        return await _present_promise(repair_order, deps)
    store_id = repair_order.store_id
    token = await workshop_token(store_id, deps)
    if token is None:
        promise, _ = await ask_promise(store_id, None, op_codes, deps)
        return promise
    rules = await _rules(store_id, deps)
    try:
        return await reserve(
            Caller(store_id, token, key),
            op_codes,
            deps,
            order_id=repair_order.order_id,
            latest_promise_at=latest_promise(repair_order, seen, rules),
        )
    except Problem as problem:
        if problem.rule != PROMISE_LATER or not problem.values:
            raise
        raise errors.promise_later(datetime.fromisoformat(problem.values["promised_at"])) from None


async def revise_promise(
    uow: UnitOfWork, order_id: str, command: RevisePromisedTimeRequest, deps: Deps
) -> OrderView:
    """Revise the promised completion time (承诺变更)."""
    rules = await deps.group.rules_today(uow.connection, PromiseRules, uow.store_id)
    order = await lock_seen(uow, order_id, command.version)
    revised, events = promises.revise(
        order.repair_order, command.promised_at, command.reason, uow.person, rules, uow.now
    )
    return order_view(await save_change(uow, replace(order, repair_order=revised), events))


async def confirm_promise(uow: UnitOfWork, event: JobAssigned, _: Deps) -> None:
    """Confirm a provisional promise by the workshop's plan of the order's jobs."""
    key = (event.store_id, event.order_id)
    repair_order = await persistence.lock_repair_order(uow.connection, *key)
    if repair_order.promise_provisional:
        promisable = await persistence.promisable_times(uow.connection, *key)
        confirmed, events = promises.confirm(repair_order, promisable)
        await persistence.save_repair_order(uow, confirmed)
        uow.publish(events)


async def record_risk(uow: UnitOfWork, event: PromisedTimeAtRisk, _: Deps) -> None:
    """Record the workshop's alert that a promise is at risk."""
    key = (event.store_id, event.order_id)
    repair_order = await persistence.lock_repair_order(uow.connection, *key)
    await persistence.save_repair_order(uow, promises.record_risk(repair_order, event))


async def _further_operations(
    proposal: EstimateVersion, declined: Collection[str], deps: Deps
) -> list[str]:
    """Return the operations that a version adds to its order without the items ``declined``."""
    if proposal.additional_work_id is None:
        return []
    async with deps.uow_factory.read(proposal.store_id) as connection:
        typical_parts = await typical_parts_of(connection, proposal, deps)
    wanted, _ = without(proposal, declined, typical_parts)
    return [operation.op_code for operation in wanted.labor_operations]


async def _present_promise(repair_order: RepairOrder, deps: Deps) -> Promise | None:
    """Return the order's present promise, if it has one."""
    if repair_order.promised_at is None:
        return None
    confidence = confidence_of(await _rules(repair_order.store_id, deps))
    return Promise(repair_order.promised_at, confidence, None, repair_order.promise_provisional)


async def _rules(store_id: str, deps: Deps) -> PromiseRules:
    async with deps.uow_factory.read(store_id) as connection:
        return await deps.group.rules_today(connection, PromiseRules, store_id)
