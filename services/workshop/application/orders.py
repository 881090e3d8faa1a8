"""Orders in the workshop.

Arrival, readiness and delivery of the vehicle; jobs, inspections and findings.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.job_views import JobView, view
from services.workshop.domain.additional_work import AdditionalWorkDecision
from services.workshop.domain.dispatch import ready_lateness_min
from services.workshop.domain.inspection import ItemResult
from services.workshop.domain.job import Job, WorkState, people_of, work_done
from shared.contracts.reception import VehicleArrived, VehicleDelivered
from shared.contracts.violations import unknown
from shared.contracts.workshop import VehicleReady
from shared.db import Connection
from shared.unit_of_work import UnitOfWork


class EarlierOrder(BaseModel):
    """The earlier order of a comeback, its technicians, and when the vehicle was ready."""

    order_id: str
    technician_ids: Sequence[str]
    ready_at: datetime | None


class WorkDoneView(BaseModel):
    """Progress of an operation; ``labor_s`` is the clocked time of all its technicians."""

    op_code: str
    state: WorkState
    labor_s: int


class InspectionView(BaseModel):
    job_id: str
    inspector_id: str
    inspected_at: datetime
    passed: bool
    results: dict[str, ItemResult]


class AdditionalWorkView(BaseModel):
    """Additional work that was found (增项); ``decision`` is the customer's, once made."""

    additional_work_id: str
    job_id: str
    op_codes: Sequence[str]
    part_numbers: Sequence[str]
    note: str | None
    recommended_by: str
    recommended_at: datetime
    decision: AdditionalWorkDecision | None


class WorkOrderView(BaseModel):
    """An order with its jobs, inspections and findings.

    ``late_min``: minutes past the promise at which the vehicle was ready to be handed over.
    """

    order_id: str
    queue_number: int | None
    symptoms: Sequence[str]
    opened_at: datetime | None
    comeback: EarlierOrder | None
    ready_at: datetime | None
    late_min: int | None
    jobs: Sequence[JobView]
    inspections: Sequence[InspectionView]
    additional_work: Sequence[AdditionalWorkView]


async def get_work_done(store_id: str, order_id: str, deps: Deps) -> list[WorkDoneView]:
    """Return the progress of each operation of an order (施工进度); none of an unknown order."""
    async with deps.uow_factory.read(store_id) as connection:
        jobs = await persistence.jobs_of_order(connection, store_id, order_id)
    now = deps.uow_factory.clock.now()
    return [WorkDoneView(**vars(each)) for each in work_done(jobs, now)]


async def get_order(store_id: str, order_id: str, deps: Deps) -> WorkOrderView:
    """Return an order's jobs, inspections and findings, and the earlier order of a comeback."""
    async with deps.uow_factory.read(store_id) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        if order is None:
            raise unknown("order_id", order_id)
        jobs = await persistence.jobs_of_order(connection, store_id, order_id)
        inspections = await persistence.inspections_of_order(connection, store_id, order_id)
        found = await _additional_work(connection, store_id, order_id, deps)
        operations = await deps.operations(connection, [job.op_code for job in jobs])
        comeback = await _earlier_order(connection, store_id, order.comeback_of)
    return WorkOrderView(
        order_id=order_id,
        queue_number=order.queue_number,
        symptoms=order.symptoms,
        opened_at=order.opened_at,
        comeback=comeback,
        ready_at=order.ready_at,
        late_min=order.late_min,
        jobs=[view(job, operations) for job in jobs],
        inspections=[InspectionView(**vars(each)) for each in inspections],
        additional_work=found,
    )


async def record_arrival(uow: UnitOfWork, event: VehicleArrived, _deps: Deps) -> None:
    """Record that the vehicle has arrived, with its queue number."""
    await persistence.save_arrival(
        uow.connection, event.store_id, event.order_id, event.queue_number
    )


async def record_delivery(uow: UnitOfWork, event: VehicleDelivered, _deps: Deps) -> None:
    """Record that the vehicle was delivered to the customer."""
    await persistence.save_delivery(
        uow.connection, event.store_id, event.order_id, event.delivered_at
    )


async def record_ready(
    uow: UnitOfWork, event: VehicleReady, order_jobs: Sequence[Job], deps: Deps
) -> None:
    """Record when the vehicle was ready and how late that was."""
    store = await deps.group.store(uow.connection, event.store_id)
    late_min = ready_lateness_min(order_jobs, store.delivery_lead_minutes, event.ready_at)
    await persistence.save_ready_order(
        uow.connection, event.store_id, event.order_id, event.ready_at, late_min
    )


async def _additional_work(
    connection: Connection, store_id: str, order_id: str, deps: Deps
) -> list[AdditionalWorkView]:
    found = await persistence.additional_work_of_order(connection, store_id, order_id)
    noted = [(order_id, each.note) for each in found if each.note]
    notes = iter(await deps.personal.decrypt_all(connection, store_id, noted))
    return [
        AdditionalWorkView(**vars(each) | {"note": next(notes) if each.note else None})
        for each in found
    ]


async def _earlier_order(
    connection: Connection, store_id: str, order_id: str | None
) -> EarlierOrder | None:
    if order_id is None:
        return None
    earlier = await persistence.read_order(connection, store_id, order_id)
    done = await persistence.jobs_of_order(connection, store_id, order_id)
    return EarlierOrder(
        order_id=order_id,
        technician_ids=people_of(done),
        ready_at=earlier and earlier.ready_at,
    )
