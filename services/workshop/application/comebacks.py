"""Comebacks: vehicles that return for the same symptom (外返)."""

from dataclasses import replace
from datetime import timedelta

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.domain.comeback import Opened, first_order
from services.workshop.domain.job import people_of, was_stopped
from shared.contracts.management import WorkshopRules
from shared.contracts.reception import OrderCustomerLinked, OrderOpened
from shared.contracts.workshop import ComebackLinked
from shared.unit_of_work import UnitOfWork


async def link_comeback(uow: UnitOfWork, event: OrderOpened, deps: Deps) -> None:
    """Record vehicle and symptoms, and link a comeback to the earlier order."""
    opened = Opened(event.order_id, event.vehicle_ref, event.symptoms, event.opened_at)
    await _link(uow, event.store_id, opened, deps)


async def correct_vehicle(uow: UnitOfWork, event: OrderCustomerLinked, deps: Deps) -> None:
    """Record the vehicle that the VIN has told, and link a comeback of that one."""
    order = await persistence.read_order(uow.connection, event.store_id, event.order_id)
    if order is None or order.opened_at is None or event.vehicle_ref is None:
        return
    if event.vehicle_ref != order.vehicle_ref:
        opened = Opened(order.order_id, event.vehicle_ref, order.symptoms, order.opened_at)
        await _link(uow, event.store_id, opened, deps)


async def _link(uow: UnitOfWork, store_id: str, opened: Opened, deps: Deps) -> None:
    comeback = await _comeback(uow, store_id, opened, deps)
    await persistence.save_opened_order(
        uow.connection, store_id, opened, comeback.earlier_order_id if comeback else None
    )
    if comeback is None:
        return
    jobs = await persistence.jobs_of_order(uow.connection, store_id, opened.order_id)
    linked = [replace(job, comeback_of=comeback.earlier_order_id) for job in jobs]
    await persistence.save_jobs(uow, linked)
    uow.publish([comeback])


async def _comeback(
    uow: UnitOfWork, store_id: str, opened: Opened, deps: Deps
) -> ComebackLinked | None:
    """Return the link to the vehicle's first order for the same symptom, within the term.

    The term is of whole days, by the rules of the day on which this order was opened.
    """
    connection = uow.connection
    store = await deps.group.store(connection, store_id)
    today = store.local_day(opened.opened_at)
    rules = await deps.group.rules_on(connection, WorkshopRules, store_id, today)
    since, _ = store.day_bounds(today - timedelta(days=rules.comeback_days))
    earlier = await persistence.orders_of_vehicle(connection, store_id, opened.vehicle_ref, since)
    done = {
        each.order_id: await persistence.jobs_of_order(connection, store_id, each.order_id)
        for each in earlier
    }
    finished = [each for each in earlier if not was_stopped(done[each.order_id])]
    found = first_order(opened.symptoms, finished)
    if found is None:
        return None
    first, symptoms = found
    return ComebackLinked(
        store_id=store_id,
        order_id=opened.order_id,
        earlier_order_id=first.order_id,
        symptoms=symptoms,
        earlier_technician_ids=people_of(done[first.order_id]),
        earlier_finished_at=first.ready_at,
    )
