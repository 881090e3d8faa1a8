"""Comebacks: vehicles that return for the same symptom (外返)."""

from dataclasses import replace
from datetime import timedelta

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.domain.comeback import TERM_DAYS, first_order
from services.workshop.domain.job import people_of, was_stopped
from shared.contracts.reception import OrderOpened
from shared.contracts.workshop import ComebackLinked
from shared.unit_of_work import UnitOfWork


async def link_comeback(uow: UnitOfWork, event: OrderOpened, deps: Deps) -> None:
    """Record vehicle and symptoms, and link a comeback to the earlier order."""
    comeback = await _comeback(uow, event, deps)
    await persistence.save_opened_order(
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
    uow.publish([comeback])


async def _comeback(uow: UnitOfWork, event: OrderOpened, deps: Deps) -> ComebackLinked | None:
    """Return the link to the vehicle's first order within the term for the same symptom."""
    connection, store_id = uow.connection, event.store_id
    store = await deps.group.store(connection, store_id)
    first_day = store.local_day(event.opened_at) - timedelta(days=TERM_DAYS)
    since, _ = store.day_bounds(first_day)
    earlier = await persistence.orders_of_vehicle(connection, store_id, event.vehicle_ref, since)
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
