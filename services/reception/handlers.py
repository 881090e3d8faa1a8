"""Events and deadlines that reception acts on."""

from collections.abc import Mapping, Sequence

from services.reception import store
from services.reception.domain import order as orders
from shared.contracts import Event
from shared.contracts.workshop import CapacityChanged, JobStarted, VehicleReady
from shared.envelope import Received
from shared.timers import Deadline, Timer
from shared.unit import Unit

INTERESTS: tuple[type[Event], ...] = (JobStarted, VehicleReady, CapacityChanged)

GREETING_OVERDUE = "greeting_overdue"


async def handle(unit: Unit, batch: Sequence[Received]) -> None:
    """Apply each event in order."""
    for received in batch:
        match received.event:
            case JobStarted() as event:
                order = await store.lock_order(unit.connection, event.store_id, event.order_id)
                await store.save_order(unit.connection, orders.start_work(order))
            case VehicleReady() as event:
                order = await store.lock_order(unit.connection, event.store_id, event.order_id)
                await store.save_order(unit.connection, orders.finish_work(order, event.ready_at))
            case CapacityChanged() as event:
                await store.save_capacity(unit.connection, event.store_id, event.free)


async def on_greeting_overdue(unit: Unit, timer: Timer) -> None:
    """The customer's waiting time has reached the store's limit (R2)."""
    order = await store.read_order(unit.connection, timer.store_id, timer.subject)
    unit.publish(orders.greeting_overdue(order), timer.cause)


async def _lock_order(unit: Unit, store_id: str, order_id: str) -> None:
    await store.lock_order(unit.connection, store_id, order_id)


DEADLINES: Mapping[str, Deadline] = {
    GREETING_OVERDUE: Deadline(on_greeting_overdue, lock=_lock_order)
}
