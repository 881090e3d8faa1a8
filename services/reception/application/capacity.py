"""Capacity of the workshop: promises, reservations, and the free time as last published."""

from collections.abc import Sequence
from datetime import datetime

import httpx

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.clients.workshop import Caller, WorkshopUnavailableError
from services.reception.domain.promise import Promise, confidence_of, new_promise
from services.reception.domain.provisional import provisional_promise
from services.reception.domain.repair_order import RepairOrder
from shared.clients.workshop.models import LimitingFactorView
from shared.contracts.management import PromiseRules
from shared.contracts.workshop import CapacityChanged
from shared.unit_of_work import UnitOfWork


async def record_capacity(uow: UnitOfWork, event: CapacityChanged, _: Deps) -> None:
    """Store the workshop's free time, for when the workshop is unavailable."""
    await persistence.save_capacity(uow.connection, event.store_id, event.free)


async def workshop_token(store_id: str, deps: Deps) -> str | None:
    """Return reception's own token for callers without one; None if there is none.

    The token is for the workshop.
    """
    try:
        return await deps.credentials.token(store_id)
    except httpx.HTTPError:
        return None


async def ask_promise(
    store_id: str,
    token: str | None,
    op_codes: Sequence[str],
    deps: Deps,
    *,
    confidence: float | None = None,
    repair_order: RepairOrder | None = None,
) -> tuple[Promise, LimitingFactorView | None]:
    """Ask for the earliest promise and its limiting factor.

    For further work of a ``repair_order`` it is the order's new promise. Without ``confidence`` it
    is that of the rules of promises.

    It is provisional while the workshop is unavailable, or without a ``token`` for it.
    """
    try:
        if token is None:
            raise WorkshopUnavailableError
        quoted = await deps.workshop.quote(
            token,
            store_id,
            op_codes,
            confidence=confidence,
            order_id=repair_order.order_id if repair_order else None,
        )
    except WorkshopUnavailableError:
        promise = await _provisional(store_id, op_codes, confidence, deps)
        limiting_factor = None
    else:
        promise = Promise(quoted.promised_at, quoted.confidence, hold_id=None, provisional=False)
        limiting_factor = quoted.limiting_factor
    if repair_order:
        promise = new_promise(repair_order, promise)
    return promise, limiting_factor


async def reserve(
    caller: Caller,
    op_codes: Sequence[str],
    deps: Deps,
    *,
    confidence: float | None = None,
    replaces: str | None = None,
    order_id: str | None = None,
    latest_promise_at: datetime | None = None,
) -> Promise:
    """Return a promise with the workshop's hold behind it, else a provisional one.

    Additional work of an open order, ``order_id``, follows the plan of that order.

    Raises:
        Problem: the promise would be later than ``latest_promise_at``.
    """
    try:
        held = await deps.workshop.hold(
            caller,
            op_codes,
            confidence=confidence,
            replaces=replaces,
            order_id=order_id,
            latest_promise_at=latest_promise_at,
        )
    except WorkshopUnavailableError:
        return await _provisional(caller.store_id, op_codes, confidence, deps)
    return Promise(held.promised_at, held.confidence, held.hold_id, provisional=False)


async def _provisional(
    store_id: str, op_codes: Sequence[str], confidence: float | None, deps: Deps
) -> Promise:
    """Return a promise from the workshop's last published free time."""
    async with deps.uow_factory.read(store_id) as connection:
        free = await persistence.last_capacity(connection, store_id)
        store = await deps.group.store(connection, store_id)
        today = deps.today(store)
        operations = await deps.catalog.operations(connection, op_codes, today)
        rules = await deps.group.rules_on(connection, PromiseRules, store_id, today)
    promised_at = provisional_promise(free, operations, rules, deps.uow_factory.clock.now())
    return Promise(promised_at, confidence or confidence_of(rules), hold_id=None, provisional=True)
