"""Clocks put right by a manager (工时更正)."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import Request
from fastapi.responses import JSONResponse

from services.workshop import persistence
from services.workshop.application import plan_changes
from services.workshop.domain.correction import (
    ClockCorrection,
    CorrectionReason,
    correct_clock,
    to_event,
)
from services.workshop.domain.job import Job, is_unfinished
from services.workshop.entrypoints.http.common import (
    JobView,
    Manager,
    Reader,
    change_job,
    planner_of,
)
from services.workshop.persistence import corrections
from shared.contracts.base import Moment
from shared.db import transaction
from shared.duties import serves
from shared.ids import new_id
from shared.request_model import Seen
from shared.routing import Router
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}/jobs/{job_id}")


class CorrectionBody(Seen):
    """When the technicians really clocked on and off; what is left out stays as it was."""

    started_at: Moment | None = None
    finished_at: Moment | None = None
    reason: CorrectionReason


@router.post(
    "/clock-correction", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def correct_job_clock(
    request: Request, job_id: str, body: CorrectionBody, command: Manager
) -> JSONResponse:
    """Put the clock of a job right (工时更正); what is learned and reported uses the right one."""
    planner = planner_of(request)

    async def change(uow: UnitOfWork, job: Job, now: datetime) -> tuple[Job, Sequence[object]]:
        begin = min(filter(None, (job.started_at, body.started_at)), default=now)
        others = await persistence.jobs_worked_on(uow.connection, job, begin)
        clock, correction = correct_clock(
            job,
            others,
            body.started_at,
            body.finished_at,
            correction_id=str(new_id()),
            reason=body.reason,
            by=command.principal.subject,
            now=now,
        )
        await corrections.add(uow.connection, command.store_id, correction)
        if is_unfinished(clock):
            absences = await persistence.absences_after(uow.connection, command.store_id, begin)
            clock = planner.in_hand(clock, absences, now)
        if is_unfinished(clock) and clock.assignment:
            await plan_changes.book_active_job(uow, clock, clock.assignment, command.causation)
        else:
            await plan_changes.schedule_learning(uow, command.store_id, command.causation)
        return clock, [to_event(clock, correction)]

    return await change_job(request, command, job_id, change, seen=body.version)


@router.get("/clock-corrections", tags=["jobs"], openapi_extra=serves("R13"))
async def list_clock_corrections(
    request: Request, store_id: str, job_id: str, _: Reader
) -> list[ClockCorrection]:
    """How often and by whom the clock of a job was put right."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        await persistence.read_job(connection, store_id, job_id)
        return await corrections.of_job(connection, store_id, job_id)
