"""Steps that the commands on one order share."""

from collections.abc import Iterable

from services.reception import persistence
from services.reception.domain.order import Order, require_seen
from shared.contracts import Event
from shared.unit_of_work import UnitOfWork


async def lock_seen(uow: UnitOfWork, order_id: str, version: str) -> Order:
    """Lock an order for a command that decides on its ``version``.

    Raises:
        RuleViolation: there is no such order, or it has changed since.
    """
    order = await persistence.lock_order(uow.connection, uow.store_id, order_id)
    require_seen(order, version)
    return order


async def save_change(uow: UnitOfWork, order: Order, events: Iterable[Event] = ()) -> Order:
    """Save a changed order and publish its events; return it as it is stored."""
    saved = await persistence.save_order(uow, order)
    uow.publish(events)
    return saved


async def lock_order(uow: UnitOfWork, store_id: str, order_id: str) -> None:
    """Lock the order that a timer is about."""
    await persistence.lock_repair_order(uow.connection, store_id, order_id)
