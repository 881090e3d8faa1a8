"""What the workshop's commands and queries have in common."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.planner import Planner
from services.workshop.clients.catalog import Catalog
from services.workshop.clients.config import WorkshopConfig
from services.workshop.domain.clocking import split_credits
from services.workshop.domain.dispatch import require_seen
from services.workshop.domain.job import Job, JobStatus, PartsReason
from shared.commands import CommandContext, accept_command
from shared.contracts.workshop import LaborCredit
from shared.personal_data import PersonalData
from shared.request_model import Version
from shared.security import Principal, require_roles
from shared.unit_of_work import UnitOfWork

FrontOfficeCommand = Annotated[
    CommandContext, Depends(accept_command("advisor", "agent", "manager", "service"))
]
Technician = Annotated[CommandContext, Depends(accept_command("technician"))]
Inspector = Annotated[CommandContext, Depends(accept_command("inspector"))]
Dispatcher = Annotated[CommandContext, Depends(accept_command("dispatcher", "manager"))]
Manager = Annotated[CommandContext, Depends(accept_command("manager"))]
Reader = Annotated[
    Principal,
    Depends(
        require_roles(
            "advisor", "dispatcher", "technician", "inspector", "agent", "manager", "group_manager"
        )
    ),
]


class ReasonView(BaseModel):
    """Why a job was last given its slot, in a code and values, and by whom."""

    code: str
    detail: dict[str, Any]
    by: str


class ClockingView(BaseModel):
    """What one technician has clocked on a job until ``resumed_at``, where they are clocked in."""

    technician_id: str
    clocked_s: int
    resumed_at: datetime | None


class JobView(BaseModel):
    """One job (派工单).

    ``clockings`` are each technician's own time, ``credits`` the standard hours that it earns once
    the job is finished.
    """

    job_id: str
    order_id: str
    operation_id: str
    trade: str
    status: JobStatus
    technician_ids: Sequence[str]
    bay_id: str | None
    planned_start_at: datetime | None
    planned_finish_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    clocked_s: int
    forgotten_clocks: int
    standard_hours: float
    promised_at: datetime
    waiting_customer: bool
    pinned: bool
    forbidden_technicians: Sequence[str]
    rework_of: str | None
    rush: bool
    parts_at: datetime | None
    parts_reason: PartsReason | None
    reason: ReasonView | None
    comeback_of: str | None
    clockings: Sequence[ClockingView]
    credits: Sequence[LaborCredit]
    diagnosis: Sequence[str]
    version: Version


def catalog_of(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.catalog
    return catalog


def personal_of(request: Request) -> PersonalData:
    personal: PersonalData = request.app.state.personal
    return personal


async def locked_job(uow: UnitOfWork, store_id: str, job_id: str) -> Job:
    await persistence.lock_plan(uow.connection, store_id)
    return await persistence.read_job(uow.connection, store_id, job_id)


async def change_job(
    request: Request,
    command: CommandContext,
    job_id: str,
    change: Callable[[UnitOfWork, Job, datetime], Awaitable[tuple[Job, Sequence[Any]]]],
    *,
    seen: str | None,
) -> JSONResponse:
    """Load one job under the plan's lock, change it, save it and publish what happened.

    ``seen`` is the version on which the caller decides, None where they record what happened.
    """

    async def use_case(uow: UnitOfWork) -> BaseModel:
        job = await locked_job(uow, command.store_id, job_id)
        if seen is not None:
            require_seen(job, seen)
        changed, events = await change(uow, job, uow.now)
        (saved,) = await persistence.save_jobs(uow, [changed])
        uow.publish(events, command.causation)
        return view(saved, config_of(request))

    return await command.run(use_case)


def planner_of(request: Request) -> Planner:
    planner: Planner = request.app.state.planner
    return planner


def config_of(request: Request) -> WorkshopConfig:
    return planner_of(request).config


def view(job: Job, config: WorkshopConfig) -> JobView:
    return JobView(
        **{name: getattr(job, name) for name in _VIEW_FIELDS},
        trade=config.operation(job.operation_id).trade,
        reason=_reason(job),
        clockings=[ClockingView(**dict(each)) for each in job.clockings],
        credits=split_credits(job.earned_hours, job.clockings) if job.finished_at else (),
    )


def _reason(job: Job) -> ReasonView | None:
    if job.reason is None or job.planned_by is None:
        return None
    return ReasonView(code=job.reason.code, detail=dict(job.reason.detail), by=job.planned_by)


_MADE = ("trade", "reason", "clockings", "credits")
_VIEW_FIELDS = [name for name in JobView.model_fields if name not in _MADE]
