"""What the workshop takes note of when an order comes, is written, and is done."""

from collections.abc import Sequence
from dataclasses import replace

from services.workshop import store
from services.workshop.domain.comeback import WITHIN, same_symptoms
from services.workshop.domain.dispatch import lateness_min
from services.workshop.domain.job import Job
from services.workshop.store import orders
from shared.contracts.reception import OrderOpened, VehicleArrived
from shared.contracts.workshop import ComebackLinked, VehicleReady
from shared.envelope import Cause
from shared.unit import Unit


async def arrived(unit: Unit, event: VehicleArrived) -> None:
    """Know the order by its number in the queue."""
    await orders.arrived(unit.connection, event.store_id, event.order_id, event.queue_number)


async def opened(unit: Unit, event: OrderOpened, cause: Cause) -> None:
    """Note vehicle and symptoms; link the order to the one whose work did not last, if any."""
    comeback = await _comeback(unit, event)
    await orders.opened(
        unit.connection,
        event.store_id,
        event.order_id,
        vehicle_ref=event.vehicle_ref,
        symptoms=event.symptoms,
        opened_at=event.opened_at,
        comeback_of=comeback.earlier_order_id if comeback else None,
    )
    if comeback is None:
        return
    jobs = await store.jobs_of_order(unit.connection, event.store_id, event.order_id)
    linked = [replace(job, comeback_of=comeback.earlier_order_id) for job in jobs]
    await store.save_jobs(unit.connection, linked)
    unit.publish([comeback], cause)


async def ready(
    unit: Unit, event: VehicleReady, order_jobs: Sequence[Job], handover_min: int
) -> None:
    """Keep when the vehicle was ready and how late that was."""
    waited = event.ready_at - order_jobs[0].promised_at
    late_min = max(lateness_min(order_jobs, handover_min), int(waited.total_seconds() // 60))
    await orders.ready(unit.connection, event.store_id, event.order_id, event.ready_at, late_min)


async def _comeback(unit: Unit, event: OrderOpened) -> ComebackLinked | None:
    since = event.opened_at - WITHIN
    for earlier in await orders.of_vehicle(
        unit.connection, event.store_id, event.vehicle_ref, since
    ):
        symptoms = same_symptoms(event.symptoms, earlier.symptoms)
        if symptoms and earlier.ready_at and earlier.order_id != event.order_id:
            done = await store.jobs_of_order(unit.connection, event.store_id, earlier.order_id)
            return ComebackLinked(
                store_id=event.store_id,
                order_id=event.order_id,
                earlier_order_id=earlier.order_id,
                symptoms=symptoms,
                earlier_technician_ids=tuple(
                    sorted({each for job in done for each in job.technician_ids})
                ),
                earlier_finished_at=earlier.ready_at,
            )
    return None
