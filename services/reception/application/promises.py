"""Promised completion times (承诺): confirmed, at risk, and changed."""

from dataclasses import replace

from services.reception import persistence
from services.reception.application.changes import lock_seen, save_change
from services.reception.application.deps import Deps
from services.reception.application.views import OrderView, order_view
from services.reception.domain import promise
from services.reception.domain import repair_order as repair_orders
from services.reception.domain.promise import RevisionReason
from shared.contracts.base import Timestamp
from shared.contracts.workshop import JobAssigned, PromisedTimeAtRisk
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork


class RevisePromisedTimeRequest(VersionedRequest):
    """New promised time, as the customer was told it."""

    promised_at: Timestamp
    reason: RevisionReason


async def revise_promise(
    uow: UnitOfWork, order_id: str, command: RevisePromisedTimeRequest
) -> OrderView:
    """Revise the promised completion time (承诺变更)."""
    order = await lock_seen(uow, order_id, command.version)
    revised, events = promise.revise(
        order.repair_order, command.promised_at, command.reason, uow.person, uow.now
    )
    return order_view(await save_change(uow, replace(order, repair_order=revised), events))


async def confirm_promise(uow: UnitOfWork, event: JobAssigned, _: Deps) -> None:
    """Confirm a provisional promise by the workshop's plan of the order's jobs."""
    key = (event.store_id, event.order_id)
    repair_order = await persistence.lock_repair_order(uow.connection, *key)
    if repair_order.promise_provisional:
        promisable = await persistence.promisable_times(uow.connection, *key)
        confirmed, events = repair_orders.confirm_promise(repair_order, promisable)
        await persistence.save_repair_order(uow, confirmed)
        uow.publish(events)


async def record_risk(uow: UnitOfWork, event: PromisedTimeAtRisk, _: Deps) -> None:
    """Record the workshop's alert that a promise is at risk."""
    key = (event.store_id, event.order_id)
    repair_order = await persistence.lock_repair_order(uow.connection, *key)
    await persistence.save_repair_order(uow, promise.record_risk(repair_order, event))
