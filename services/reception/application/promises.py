"""Promises (承诺): confirmed by the workshop's plan, and at risk."""

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import order as orders
from services.reception.domain import promise
from shared.contracts.workshop import JobAssigned, PromiseAtRisk
from shared.unit_of_work import UnitOfWork


async def confirm_promise(uow: UnitOfWork, event: JobAssigned, _: Deps) -> None:
    """Confirm a provisional promise, as soon as the workshop has planned the order."""
    key = (event.store_id, event.order_id)
    order = await persistence.lock_order(uow.connection, *key)
    if order.promise_provisional:
        promisable = await persistence.promisable_times(uow.connection, *key)
        order, events = orders.confirm_promise(order, promisable)
        await persistence.save_order(uow, order)
        uow.publish(events)


async def record_risk(uow: UnitOfWork, event: PromiseAtRisk, _: Deps) -> None:
    """Remember that the workshop does not expect to keep the promise."""
    order = await persistence.lock_order(uow.connection, event.store_id, event.order_id)
    await persistence.save_order(uow, promise.record_risk(order, event))
