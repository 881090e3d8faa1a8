"""Events and deadlines that reception acts on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.reception import store
from services.reception.archive import CustomerArchive
from services.reception.domain import order as orders
from shared.contracts import Event
from shared.contracts.workshop import CapacityChanged, JobAssigned, JobStarted, VehicleReady
from shared.db import transaction
from shared.envelope import Received
from shared.personal import PersonalData
from shared.service import Service
from shared.timers import Deadline, Timer
from shared.unit import Unit

INTERESTS: tuple[type[Event], ...] = (
    JobAssigned,
    JobStarted,
    VehicleReady,
    CapacityChanged,
)

GREETING_OVERDUE = "greeting_overdue"
LINK_CUSTOMER = "link_customer"


async def handle(unit: Unit, batch: Sequence[Received]) -> None:
    """Apply each event in order."""
    for received in batch:
        match received.event:
            case JobAssigned() as event:
                order = await store.lock_order(unit.connection, event.store_id, event.order_id)
                if order.promise_provisional:
                    order, events = orders.confirm_promise(
                        order, event.job_id, event.planned_finish_at
                    )
                    await store.save_order(unit.connection, order)
                    unit.publish(events, received.envelope.cause)
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


@dataclass(frozen=True)
class CustomerLink:
    """Moves details that were taken while customer relations was away into its archive."""

    service: Service
    personal: PersonalData
    archive: CustomerArchive

    async def prepare(self, store_id: str, order_id: str) -> str | None:
        """Register the customer, outside any transaction; nothing to do without details."""
        async with transaction(self.service.pool, [store_id]) as connection:
            sealed = await store.sealed_details(connection, store_id, order_id)
            details = await self.personal.decrypt(connection, store_id, order_id, sealed)
        return (
            await self.archive.register(store_id, order_id, json.loads(details))
            if details
            else None
        )

    async def fire(self, unit: Unit, timer: Timer) -> None:
        """Link the order to its customer and forget the details (R19)."""
        if timer.prepared is None:
            return
        order = await store.read_order(unit.connection, timer.store_id, timer.subject)
        linked, events = orders.link_customer(order, timer.prepared)
        await store.save_order(unit.connection, linked)
        await store.save_details(unit.connection, timer.store_id, timer.subject, None)
        unit.publish(events, timer.cause)


def deadlines(link: CustomerLink) -> Mapping[str, Deadline]:
    """What reception does when its deadlines have passed."""
    return {
        GREETING_OVERDUE: Deadline(on_greeting_overdue, lock=_lock_order),
        LINK_CUSTOMER: Deadline(link.fire, lock=_lock_order, prepare=link.prepare),
    }
