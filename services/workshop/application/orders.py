"""What the workshop takes note of when an order comes, is written, and is done."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from services.workshop import persistence
from services.workshop.domain.comeback import TERM_DAYS, first_order
from services.workshop.domain.dispatch import lateness_min
from services.workshop.domain.job import Job
from services.workshop.persistence import additional_work, orders
from shared.contracts import Event
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    OrderOpened,
    VehicleArrived,
    VehicleDelivered,
)
from shared.contracts.workshop import ComebackLinked, VehicleReady
from shared.envelope import Causation
from shared.group import Store
from shared.unit_of_work import UnitOfWork

SUBSCRIPTIONS: tuple[type[Event], ...] = (
    VehicleArrived,
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    VehicleDelivered,
)


async def project_order_event(
    uow: UnitOfWork, event: Event, place: Store, causation: Causation
) -> None:
    """Remember what an event says of its order, after the plan has taken it in."""
    connection, store_id = uow.connection, event.store_id
    match event:
        case VehicleArrived():
            await orders.arrived(connection, store_id, event.order_id, event.queue_number)
        case OrderOpened():
            await _opened(uow, event, place, causation)
        case AdditionalWorkAuthorized():
            await additional_work.record_decision(
                connection, store_id, event.additional_work_id, "authorized"
            )
        case AdditionalWorkDeclined():
            await additional_work.record_decision(
                connection, store_id, event.additional_work_id, "declined"
            )
        case VehicleDelivered():
            await orders.delivered(connection, store_id, event.order_id, event.delivered_at)


async def ready(
    uow: UnitOfWork, event: VehicleReady, order_jobs: Sequence[Job], handover_min: int
) -> None:
    """Keep when the vehicle was ready and how late that was."""
    waited = event.ready_at - order_jobs[0].promised_at
    late_min = max(lateness_min(order_jobs, handover_min), int(waited.total_seconds() // 60))
    await orders.ready(uow.connection, event.store_id, event.order_id, event.ready_at, late_min)


async def _opened(uow: UnitOfWork, event: OrderOpened, place: Store, causation: Causation) -> None:
    """Note vehicle and symptoms; link the order to the one whose work did not last, if any."""
    comeback = await _comeback(uow, event, place)
    await orders.opened(
        uow.connection,
        event.store_id,
        event.order_id,
        vehicle_ref=event.vehicle_ref,
        symptoms=event.symptoms,
        opened_at=event.opened_at,
        comeback_of=comeback.earlier_order_id if comeback else None,
    )
    if comeback is None:
        return
    jobs = await persistence.jobs_of_order(uow.connection, event.store_id, event.order_id)
    linked = [replace(job, comeback_of=comeback.earlier_order_id) for job in jobs]
    await persistence.save_jobs(uow, linked)
    uow.publish([comeback], causation)


async def _comeback(uow: UnitOfWork, event: OrderOpened, place: Store) -> ComebackLinked | None:
    """The link to the vehicle's first order within the term for the same symptom (返修进厂)."""
    connection, store_id = uow.connection, event.store_id
    first_day = place.local_day(event.opened_at) - timedelta(days=TERM_DAYS)
    since, _ = place.day_bounds(first_day)
    earlier = await orders.of_vehicle(connection, store_id, event.vehicle_ref, since)
    done = {
        each.order_id: await persistence.jobs_of_order(connection, store_id, each.order_id)
        for each in earlier
    }
    finished = [each for each in earlier if not was_stopped(done[each.order_id])]
    found = first_order(event.symptoms, finished)
    if found is None:
        return None
    first, symptoms = found
    return ComebackLinked(
        store_id=store_id,
        order_id=event.order_id,
        earlier_order_id=first.order_id,
        symptoms=symptoms,
        earlier_technician_ids=people_of(done[first.order_id]),
        earlier_finished_at=first.ready_at,
    )


def was_stopped(jobs: Sequence[Job]) -> bool:
    """Whether the customer took the vehicle back in the middle of the work."""
    return any(job.status == "stopped" for job in jobs)


def people_of(jobs: Sequence[Job]) -> tuple[str, ...]:
    """Whoever was on one of the jobs."""
    return tuple(sorted({each for job in jobs for each in job.technician_ids}))
