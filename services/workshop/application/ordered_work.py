"""Work that customers order, add, decline and withdraw, and its effect on the plan."""

from collections.abc import Sequence

from services.workshop import persistence
from services.workshop.application.active_work import free_resources
from services.workshop.application.assignments import assign_jobs
from services.workshop.application.clocks import cancel_auto_clock_out
from services.workshop.application.comebacks import link_comeback
from services.workshop.application.deps import Deps
from services.workshop.application.holds import confirm_hold, release_if_held, usable_hold
from services.workshop.application.orders import record_ready
from services.workshop.application.promises import delete_promise, record_promise
from services.workshop.application.replanning import follow_up, request_replan
from services.workshop.domain import job as jobs
from services.workshop.domain.hold import Hold
from services.workshop.domain.job import Job
from services.workshop.domain.reasons import PLANNER, Reason
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    LaborOperation,
    OrderCancelled,
    OrderOpened,
    WorkWithdrawn,
)
from shared.contracts.workshop import VehicleReady
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork


async def open_order(uow: UnitOfWork, event: OrderOpened, deps: Deps) -> None:
    """Plan the jobs of an order, and link a comeback to its earlier order."""
    hold = await usable_hold(uow, event.store_id, event.hold_id, _ids(event.labor_operations), deps)
    new = jobs.ordered(event, _job_ids(hold, event.labor_operations))
    await _add_jobs(uow, new, hold, deps)
    if hold:
        await record_promise(uow, event.order_id, hold)
    await link_comeback(uow, event, deps)


async def add_authorized_work(uow: UnitOfWork, event: AdditionalWorkAuthorized, deps: Deps) -> None:
    """Plan the additional work that the customer has authorized (增项)."""
    connection, store_id = uow.connection, event.store_id
    hold = await usable_hold(uow, store_id, event.hold_id, _ids(event.labor_operations), deps)
    order_jobs = await persistence.jobs_of_order(connection, store_id, event.order_id)
    new = jobs.added(event, order_jobs, _job_ids(hold, event.labor_operations))
    await _add_jobs(uow, new, hold, deps)
    if event.promised_at:
        await persistence.save_jobs(uow, jobs.promise(order_jobs, event.promised_at))
        await request_replan(uow, store_id)
    if event.promised_at and hold:
        await record_promise(uow, event.order_id, hold)
    found_id = event.additional_work_id
    await persistence.save_additional_work_decision(connection, store_id, found_id, "authorized")


async def record_declined_work(uow: UnitOfWork, event: AdditionalWorkDeclined, _deps: Deps) -> None:
    """Record that the customer declines the additional work."""
    found_id = event.additional_work_id
    await persistence.save_additional_work_decision(
        uow.connection, event.store_id, found_id, "declined"
    )


async def cancel_order(uow: UnitOfWork, event: OrderCancelled, _deps: Deps) -> None:
    """Cancel the jobs of a cancelled order and free their part of the plan."""
    store_id = event.store_id
    found = await persistence.jobs_of_order(uow.connection, store_id, event.order_id)
    cancelled = [jobs.cancel(job) for job in found]
    await persistence.save_jobs(uow, cancelled)
    await persistence.delete_resource_bookings(uow.connection, store_id, _cancelled(cancelled))
    await release_if_held(uow, store_id, event.hold_id)
    await delete_promise(uow, store_id, event.order_id)
    await request_replan(uow, store_id)


async def withdraw_work(uow: UnitOfWork, event: WorkWithdrawn, deps: Deps) -> None:
    """Stop the work that the customer has withdrawn, and free its technicians and bays (R12)."""
    store_id = event.store_id
    found = await persistence.jobs_of_order(uow.connection, store_id, event.order_id)
    ended, events = jobs.withdraw(found, event.withdrawn_op_codes, uow.now)
    if not ended:
        return
    for job in await persistence.save_jobs(uow, ended):
        if job.status == "stopped":
            await free_resources(uow, job)
            await cancel_auto_clock_out(uow, job)
    await persistence.delete_resource_bookings(uow.connection, store_id, _cancelled(ended))
    for each in events:
        if isinstance(each, VehicleReady):
            await record_ready(uow, each, found, deps)
    await delete_promise(uow, store_id, event.order_id)
    await request_replan(uow, store_id)
    uow.publish(events)


async def _add_jobs(uow: UnitOfWork, new: Sequence[Job], hold: Hold | None, deps: Deps) -> None:
    """Add ordered jobs to the plan, in the slots of their hold or by a replan."""
    store_id = new[0].store_id
    if hold is None:
        await persistence.save_jobs(uow, new)
        await request_replan(uow, store_id)
        return
    await confirm_hold(uow, hold)
    promised = Reason("promised")
    slots = [(job, held.assignment, promised) for job, held in zip(new, hold.jobs, strict=True)]
    await assign_jobs(uow, store_id, slots, PLANNER, deps)
    await follow_up(uow, store_id)


def _ids(operations: Sequence[LaborOperation]) -> list[str]:
    return [operation.op_code for operation in operations]


def _job_ids(hold: Hold | None, operations: Sequence[LaborOperation]) -> list[str]:
    """Return the ids of the jobs; a held job keeps its id."""
    return [job.job_id for job in hold.jobs] if hold else [str(new_id()) for _ in operations]


def _cancelled(found: Sequence[Job]) -> list[str]:
    return [job.job_id for job in found if job.status == "cancelled"]
