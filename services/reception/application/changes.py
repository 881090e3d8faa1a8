"""Changes of one order: lock, decide, save, publish."""

from collections.abc import Callable, Sequence

from services.reception import persistence
from services.reception.domain.order import Order
from shared.contracts import Event
from shared.contracts.versioned import require_version
from shared.unit_of_work import UnitOfWork

Decide = Callable[[Order], tuple[Order, Sequence[Event]]]


async def change_order(
    uow: UnitOfWork, order_id: str, decide: Decide, *, seen: str | None
) -> Order:
    """Apply ``decide`` to the locked order, and answer with it as it is stored.

    ``seen`` is the version on which the caller decides, None where they record what happened.
    """
    order = await persistence.lock_order(uow.connection, uow.store_id, order_id)
    if seen is not None:
        require_version(order, seen)
    changed, events = decide(order)
    saved = await persistence.save_order(uow, changed)
    uow.publish(events)
    return saved


async def lock_order(uow: UnitOfWork, store_id: str, order_id: str) -> None:
    """Lock the order that a timer is about."""
    await persistence.lock_order(uow.connection, store_id, order_id)
