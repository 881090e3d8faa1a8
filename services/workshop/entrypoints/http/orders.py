"""An order as the workshop knows it."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import Request
from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.orders import people_of
from services.workshop.domain.inspection import ItemResult
from services.workshop.domain.job import WorkState, work_done
from services.workshop.entrypoints.http.common import (
    JobView,
    Reader,
    config_of,
    personal_of,
    view,
)
from services.workshop.persistence import additional_work, orders
from services.workshop.persistence.additional_work import AdditionalWorkDecision
from services.workshop.persistence.inspection import inspections_of
from shared.contracts.violations import unknown
from shared.db import transaction
from shared.duties import serves
from shared.routing import Router

router = Router(prefix="/stores/{store_id}")


class EarlierOrder(BaseModel):
    """The order whose work did not last, who did it, and when the vehicle was ready."""

    order_id: str
    technician_ids: Sequence[str]
    ready_at: datetime | None


class WorkDoneView(BaseModel):
    """How far an operation is; ``labor_s`` is the clocked time of all who worked on it."""

    operation_id: str
    state: WorkState
    labor_s: int


class InspectionView(BaseModel):
    job_id: str
    inspector_id: str
    inspected_at: datetime
    passed: bool
    results: dict[str, ItemResult]


class AdditionalWorkView(BaseModel):
    """Work that was found (增项); ``decision`` is the customer's, once given."""

    additional_work_id: str
    job_id: str
    operations: Sequence[str]
    part_numbers: Sequence[str]
    note: str | None
    found_by: str
    found_at: datetime
    decision: AdditionalWorkDecision | None


class WorkOrderView(BaseModel):
    """``late_min``: minutes past the promise at which the vehicle was ready to be handed over."""

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


@router.get("/orders/{order_id}/work-done", tags=["jobs"], openapi_extra=serves("R12", "R13"))
async def get_work_done(
    request: Request, store_id: str, order_id: str, _: Reader
) -> list[WorkDoneView]:
    """How far each operation of an order is, now (施工进度); none of an unknown order."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        jobs = await persistence.jobs_of_order(connection, store_id, order_id)
    now = request.app.state.service.clock.now()
    return [WorkDoneView(**vars(each)) for each in work_done(jobs, now)]


@router.get("/orders/{order_id}", tags=["jobs"], openapi_extra=serves("R13", "R14"))
async def get_order(request: Request, store_id: str, order_id: str, _: Reader) -> WorkOrderView:
    """An order's jobs, inspections and findings, and the order that it comes back for."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        order = await orders.read(connection, store_id, order_id)
        if order is None:
            raise unknown("order_id", order_id)
        jobs = await persistence.jobs_of_order(connection, store_id, order_id)
        inspections = await inspections_of(connection, store_id, order_id)
        found = await additional_work.of_order(connection, store_id, order_id)
        notes = iter(
            await personal_of(request).decrypt_all(
                connection, store_id, [(order_id, each.note) for each in found if each.note]
            )
        )
        comeback = None
        if order.comeback_of:
            earlier = await orders.read(connection, store_id, order.comeback_of)
            done = await persistence.jobs_of_order(connection, store_id, order.comeback_of)
            comeback = EarlierOrder(
                order_id=order.comeback_of,
                technician_ids=people_of(done),
                ready_at=earlier and earlier.ready_at,
            )
    return WorkOrderView(
        order_id=order_id,
        queue_number=order.queue_number,
        symptoms=order.symptoms,
        opened_at=order.opened_at,
        comeback=comeback,
        ready_at=order.ready_at,
        late_min=order.late_min,
        jobs=[view(job, config_of(request)) for job in jobs],
        inspections=[InspectionView(**vars(each)) for each in inspections],
        additional_work=[
            AdditionalWorkView(**vars(each) | {"note": next(notes) if each.note else None})
            for each in found
        ],
    )
