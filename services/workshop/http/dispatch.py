"""The dispatcher's hand (人工派工)."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from services.workshop import booking, store
from services.workshop.domain import errors
from services.workshop.domain.job import Assignment
from services.workshop.domain.reasons import Reason
from services.workshop.http.common import Dispatcher, JobView, locked_job, planner_of, view
from services.workshop.workforce import Operation, Workforce
from shared.body import Body
from shared.duties import serves
from shared.unit import Unit

router = APIRouter(prefix="/stores/{store_id}")


class ReassignmentBody(Body):
    technician_ids: Annotated[list[str], Field(min_length=1, max_length=4)]
    bay_id: str
    start_at: AwareDatetime
    reason: Annotated[str, Field(min_length=2, max_length=200)]


@router.post(
    "/jobs/{job_id}/reassignment",
    response_model=JobView,
    tags=["plan"],
    openapi_extra=serves("R12"),
)
async def reassign_job(
    request: Request, job_id: str, body: ReassignmentBody, command: Dispatcher
) -> JSONResponse:
    """The calling dispatcher moves a planned job by hand (改派), with a reason."""
    planner = planner_of(request)

    async def effect(unit: Unit) -> BaseModel:
        store_id = command.store_id
        job = await locked_job(unit, store_id, job_id)
        operation = planner.workforce.operation(job.operation_id)
        _check_by_hand(planner.workforce, store_id, operation, body)
        if body.start_at < unit.now:
            raise errors.in_the_past("start_at")
        absences = await store.absences_after(unit.connection, store_id, unit.now)
        people = tuple(body.technician_ids)
        finish_at = planner.expected_finish(job, people, body.start_at, absences)
        wanted = Assignment(people, body.bay_id, body.start_at, finish_at)
        await store.refuse_work_in_hand(unit.connection, store_id, job_id, wanted)
        await store.displace(unit.connection, store_id, job_id, wanted)
        pinned = replace(job, pinned=True)
        changed = await booking.rebook(
            unit,
            store_id,
            [(pinned, wanted, Reason(body.reason))],
            by=command.principal.subject,
            cause=command.cause,
        )
        await booking.plan_changed(unit, store_id, command.cause)
        return view(changed[0], planner.workforce)

    return await command.run(effect)


def _check_by_hand(
    workforce: Workforce, store_id: str, operation: Operation, body: ReassignmentBody
) -> None:
    """Refuse people who cannot do the job and bays that do not fit."""
    members = {member.technician_id: member for member in workforce.members[store_id]}
    bays = {bay.bay_id: bay for bay in workforce.bays[store_id]}
    if len(set(body.technician_ids)) != operation.technicians:
        raise errors.wrong_count(operation.technicians)
    for technician_id in body.technician_ids:
        member = members.get(technician_id)
        if member is None:
            raise errors.unknown("technician_id", technician_id)
        if member.skills.get(operation.trade, 0) < operation.level:
            raise errors.not_qualified(technician_id, f"{operation.trade} {operation.level}")
        if operation.certificate and operation.certificate not in member.certificates:
            raise errors.not_qualified(technician_id, operation.certificate)
    bay = bays.get(body.bay_id)
    if bay is None:
        raise errors.unknown("bay_id", body.bay_id)
    if operation.bay_type not in bay.capabilities:
        raise errors.bay_unsuitable(body.bay_id, operation.bay_type)
