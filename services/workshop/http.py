"""Commands and queries of the workshop."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from services.workshop import booking, planning, store
from services.workshop.domain import errors
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Assignment, Job, JobStatus, PauseReason
from services.workshop.planner import Planner, Snapshot, Wish, as_assignment, moment
from services.workshop.store import Absence, HeldJob, Hold
from services.workshop.workforce import Operation, Workforce
from shared.body import Body
from shared.commands import Command, command
from shared.contracts.workshop import TechnicianAbsent
from shared.db import transaction
from shared.duties import serves
from shared.ids import new_id
from shared.problems import unavailable
from shared.security import Principal, caller
from shared.unit import Unit

router = APIRouter(prefix="/stores/{store_id}")

FrontDesk = Annotated[Command, Depends(command("advisor", "agent", "manager", "service"))]
Technician = Annotated[Command, Depends(command("technician"))]
Inspector = Annotated[Command, Depends(command("inspector"))]
Dispatcher = Annotated[Command, Depends(command("dispatcher", "manager"))]
Reader = Annotated[
    Principal,
    Depends(
        caller(
            "advisor", "dispatcher", "technician", "inspector", "agent", "manager", "group_manager"
        )
    ),
]

_HOLD_LIFE = timedelta(minutes=15)
_APPOINTMENT_GRACE = timedelta(hours=1)
_ATTEMPTS = 8
_REWORK_SHARE = 0.5


class QuoteBody(Body):
    operations: Annotated[list[str], Field(min_length=1, max_length=20)]
    confidence: Annotated[float, Field(ge=0.5, le=0.99)] = 0.95
    earliest_start_at: AwareDatetime | None = None


class HoldBody(QuoteBody):
    replaces: str | None = None


class PauseBody(Body):
    reason: PauseReason


class InspectionBody(Body):
    passed: bool
    failed_items: Annotated[list[str], Field(max_length=30)] = []


class ReassignmentBody(Body):
    technician_ids: Annotated[list[str], Field(min_length=1, max_length=4)]
    bay_id: str
    start_at: AwareDatetime
    reason: Annotated[str, Field(min_length=2, max_length=200)]


class AbsenceBody(Body):
    from_at: AwareDatetime
    until_at: AwareDatetime
    kind: Literal["leave", "sick", "training", "other"] = "other"


class PlannedJob(BaseModel):
    """Where and when a quoted operation would be done."""

    operation_id: str
    technician_ids: Sequence[str]
    bay_id: str
    planned_start_at: datetime
    planned_finish_at: datetime


class QuoteView(BaseModel):
    """A promise, its confidence, and what it rests on in a code and values."""

    promised_at: datetime
    confidence: float
    rests_on: dict[str, Any]
    jobs: Sequence[PlannedJob]


class HoldView(QuoteView):
    hold_id: str
    expires_at: datetime


class HoldState(BaseModel):
    hold_id: str
    status: str


class JobView(BaseModel):
    """One job (派工单)."""

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
    standard_hours: float
    promised_at: datetime
    waiting_customer: bool
    pinned: bool
    rework_of: str | None


class Span(BaseModel):
    starts_at: datetime
    ends_at: datetime


class TechnicianView(BaseModel):
    technician_id: str
    name: str
    skills: dict[str, int]
    windows: Sequence[Span]


class BayView(BaseModel):
    bay_id: str
    type: str
    capabilities: Sequence[str]


class PlanView(BaseModel):
    """The workshop's day (车间看板)."""

    plan_version: int
    day: date
    opens_at: datetime
    closes_at: datetime
    technicians: Sequence[TechnicianView]
    bays: Sequence[BayView]
    jobs: Sequence[JobView]


class AbsenceView(BaseModel):
    technician_id: str
    from_at: datetime
    until_at: datetime
    kind: str


class StalePlanError(Exception):
    """The plan changed between the computation and the reservation."""


@router.post("/quotes", tags=["capacity"], openapi_extra=serves("R11"))
async def quote(
    request: Request,
    store_id: str,
    body: QuoteBody,
    _: Annotated[Principal, Depends(caller("advisor", "agent", "manager", "service"))],
) -> QuoteView:
    """The earliest promise for the operations (报价承诺); nothing is reserved."""
    snapshot = await _planner(request).snapshot(store_id)
    wishes, promise = await _promise(request, snapshot, body)
    return QuoteView(**_quoted(wishes, promise))


@router.post(
    "/capacity-holds",
    status_code=201,
    response_model=HoldView,
    tags=["capacity"],
    openapi_extra=serves("R1", "R11"),
)
async def hold_capacity(request: Request, body: HoldBody, command: FrontDesk) -> JSONResponse:
    """Reserve the earliest promise (产能预留) until an order confirms it or it expires."""
    if answered := await command.earlier_answer():
        return answered
    for _ in range(_ATTEMPTS):
        snapshot = await _planner(request).snapshot(command.store_id, without_hold=body.replaces)
        wishes, promise = await _promise(request, snapshot, body)
        try:
            return await command.run(
                _reservation(command, body, snapshot, wishes, promise), status=201
            )
        except StalePlanError:
            continue
    raise unavailable("Capacity, which many are reserving at once,")


@router.post(
    "/capacity-holds/{hold_id}/release",
    response_model=HoldState,
    tags=["capacity"],
    openapi_extra=serves("R11"),
)
async def release_hold(hold_id: str, command: FrontDesk) -> JSONResponse:
    """Give back what nobody needs any more."""

    async def effect(unit: Unit) -> BaseModel:
        await store.lock_plan(unit.connection, command.store_id)
        hold = await store.lock_hold(unit.connection, command.store_id, hold_id)
        if hold is None:
            raise errors.unknown("hold_id", hold_id)
        await booking.release(unit, hold, command.cause)
        status = "released" if hold.status == "held" else hold.status
        return HoldState(hold_id=hold_id, status=status)

    return await command.run(effect)


@router.get("/plan", tags=["plan"], openapi_extra=serves("R11"))
async def get_plan(request: Request, store_id: str, _: Reader, day: date | None = None) -> PlanView:
    """Technicians, bays and jobs of one day of the store."""
    workforce, now = _workforce(request), request.app.state.service.clock.now()
    place = workforce.stores[store_id]
    day = day or place.local_day(now)
    begin, end = place.day_bounds(day)
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        version = await store.plan_version(connection, store_id)
        found = await store.jobs_between(connection, store_id, begin, end)
        absences = await store.absences_after(connection, store_id, begin)
    technicians = _planner(request).technicians(store_id, begin, absences)
    names = {member.technician_id: member.name for member in workforce.members[store_id]}
    return PlanView(
        plan_version=version,
        day=day,
        opens_at=place.at(day, place.opening),
        closes_at=place.at(day, place.closing),
        technicians=[
            TechnicianView(
                technician_id=technician.technician_id,
                name=names[technician.technician_id],
                skills=dict(technician.skills),
                windows=[
                    Span(starts_at=moment(span.start), ends_at=moment(span.finish))
                    for span in technician.working
                    if moment(span.start) < end
                ],
            )
            for technician in technicians
        ],
        bays=[
            BayView(bay_id=bay.bay_id, type=bay.type, capabilities=sorted(bay.capabilities))
            for bay in workforce.bays[store_id]
        ],
        jobs=[_view(job, workforce) for job in found],
    )


@router.get("/jobs", tags=["jobs"], openapi_extra=serves("R13"))
async def list_jobs(
    request: Request,
    store_id: str,
    _: Reader,
    technician_id: str | None = None,
    order_id: str | None = None,
    status: Annotated[list[JobStatus] | None, Query()] = None,
) -> list[JobView]:
    """An order's jobs, or the unfinished and uninspected ones, in order of their planned start."""
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        if order_id:
            found = await store.jobs_of_order(connection, store_id, order_id)
        else:
            now = request.app.state.service.clock.now()
            found = await store.jobs_between(connection, store_id, now, now)
    return [
        _view(job, _workforce(request))
        for job in found
        if (technician_id is None or technician_id in job.technician_ids)
        and (status is None or job.status in status)
    ]


@router.post(
    "/jobs/{job_id}/start", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def start_job(request: Request, job_id: str, command: Technician) -> JSONResponse:
    """The calling technician clocks on (开工)."""
    planner = _planner(request)

    async def effect(unit: Unit) -> BaseModel:
        connection, store_id = unit.connection, command.store_id
        job = await _locked_job(unit, store_id, job_id)
        absences = await store.absences_after(connection, store_id, unit.now)
        started, events = jobs.start(
            job,
            command.principal.subject,
            await store.open_jobs(connection, store_id),
            planner.expected_finish(job, job.technician_ids, unit.now, absences),
            unit.now,
        )
        await store.save_jobs(connection, [started])
        if started.assignment:
            await booking.occupy(unit, started, started.assignment, command.cause)
        unit.publish(events, command.cause)
        return _view(started, planner.workforce)

    return await command.run(effect)


@router.post(
    "/jobs/{job_id}/pause", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def pause_job(
    request: Request, job_id: str, body: PauseBody, command: Technician
) -> JSONResponse:
    """The calling technician clocks off for a while (暂停)."""

    async def change(_: Unit, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        return jobs.pause(job, command.principal.subject, body.reason, now)

    return await _changed(request, command, job_id, change)


@router.post(
    "/jobs/{job_id}/resume", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def resume_job(request: Request, job_id: str, command: Technician) -> JSONResponse:
    """The calling technician clocks on again (复工)."""

    async def change(unit: Unit, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        others = await store.open_jobs(unit.connection, command.store_id)
        return jobs.resume(job, command.principal.subject, others, now)

    return await _changed(request, command, job_id, change)


@router.post(
    "/jobs/{job_id}/finish", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def finish_job(request: Request, job_id: str, command: Technician) -> JSONResponse:
    """The calling technician is done (完工)."""

    async def change(unit: Unit, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        finished, events = jobs.finish(job, command.principal.subject, now)
        await booking.vacate(unit, finished, command.cause)
        return finished, events

    return await _changed(request, command, job_id, change)


@router.post(
    "/jobs/{job_id}/inspection",
    response_model=JobView,
    tags=["jobs"],
    openapi_extra=serves("R14"),
)
async def inspect_job(
    request: Request, job_id: str, body: InspectionBody, command: Inspector
) -> JSONResponse:
    """The calling inspector accepts the job or sends it back (质检)."""

    async def change(unit: Unit, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        inspector = command.principal.subject
        if body.passed:
            order_jobs = await store.jobs_of_order(unit.connection, job.store_id, job.order_id)
            return jobs.pass_inspection(job, inspector, order_jobs, now)
        failed, rework, events = jobs.fail_inspection(
            job,
            inspector,
            tuple(body.failed_items),
            rework_job_id=str(new_id()),
            rework_hours=job.standard_hours * _REWORK_SHARE,
            now=now,
        )
        await store.save_jobs(unit.connection, [rework])
        await booking.plan_changed(unit, job.store_id, command.cause)
        return failed, events

    return await _changed(request, command, job_id, change)


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
    planner = _planner(request)

    async def effect(unit: Unit) -> BaseModel:
        store_id = command.store_id
        job = await _locked_job(unit, store_id, job_id)
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
            [(pinned, wanted, body.reason)],
            by=command.principal.subject,
            cause=command.cause,
        )
        await booking.plan_changed(unit, store_id, command.cause)
        return _view(changed[0], planner.workforce)

    return await command.run(effect)


@router.post(
    "/technicians/{technician_id}/absences",
    status_code=201,
    response_model=AbsenceView,
    tags=["plan"],
    openapi_extra=serves("R12"),
)
async def record_absence(
    request: Request, technician_id: str, body: AbsenceBody, command: Dispatcher
) -> JSONResponse:
    """A technician is away (缺勤); planned work goes to others."""
    members = _workforce(request).members[command.store_id]
    if technician_id not in {member.technician_id for member in members}:
        raise errors.unknown("technician_id", technician_id)
    if body.until_at <= body.from_at:
        raise errors.ends_before_it_begins("until_at")

    async def effect(unit: Unit) -> BaseModel:
        await store.lock_plan(unit.connection, command.store_id)
        absence = Absence(technician_id, body.from_at, body.until_at)
        await store.add_absence(unit.connection, command.store_id, absence, body.kind)
        await booking.plan_changed(unit, command.store_id, command.cause)
        event = TechnicianAbsent(
            store_id=command.store_id,
            technician_id=technician_id,
            from_at=body.from_at,
            until_at=body.until_at,
            kind=body.kind,
        )
        unit.publish([event], command.cause)
        return AbsenceView(technician_id=technician_id, **body.model_dump())

    return await command.run(effect, status=201)


def _reservation(
    command: Command,
    body: HoldBody,
    snapshot: Snapshot,
    wishes: Sequence[Wish],
    promise: planning.Promise,
) -> Callable[[Unit], Awaitable[BaseModel]]:
    async def effect(unit: Unit) -> BaseModel:
        version = await store.lock_plan(unit.connection, command.store_id)
        if version != snapshot.version + 1:
            raise StalePlanError
        if body.replaces:
            replaced = await store.lock_hold(unit.connection, command.store_id, body.replaces)
            if replaced:
                await booking.release(unit, replaced, command.cause)
        quoted = _quoted(wishes, promise)
        placed = {assignment.job_id: assignment for assignment in promise.assignments}
        expires_at = unit.now + _HOLD_LIFE
        if body.earliest_start_at:
            expires_at = max(expires_at, body.earliest_start_at + _APPOINTMENT_GRACE)
        hold = Hold(
            hold_id=str(new_id()),
            store_id=command.store_id,
            status="held",
            expires_at=expires_at,
            promised_at=quoted["promised_at"],
            confidence=promise.confidence,
            jobs=tuple(
                HeldJob(wish.job_id, wish.operation_id, as_assignment(placed[wish.job_id]))
                for wish in wishes
            ),
        )
        await booking.reserve(unit, hold, command.cause)
        return HoldView(**quoted, hold_id=hold.hold_id, expires_at=hold.expires_at)

    return effect


async def _promise(
    request: Request, snapshot: Snapshot, body: QuoteBody
) -> tuple[list[Wish], planning.Promise]:
    wishes = [Wish(str(new_id()), operation_id) for operation_id in body.operations]
    promise = await _planner(request).promise(
        snapshot,
        wishes,
        confidence=body.confidence,
        earliest_start_at=body.earliest_start_at,
    )
    return wishes, promise


def _quoted(wishes: Sequence[Wish], promise: planning.Promise) -> dict[str, Any]:
    placed = {assignment.job_id: as_assignment(assignment) for assignment in promise.assignments}
    waits = [rest for rest in promise.rests_on if rest.code != "work"] or promise.rests_on
    return {
        "promised_at": moment(promise.finish),
        "confidence": promise.confidence,
        "rests_on": {"code": waits[-1].code, **_told(waits[-1].detail)},
        "jobs": [
            PlannedJob(
                operation_id=wish.operation_id,
                technician_ids=placed[wish.job_id].technician_ids,
                bay_id=placed[wish.job_id].bay_id,
                planned_start_at=placed[wish.job_id].start_at,
                planned_finish_at=placed[wish.job_id].finish_at,
            )
            for wish in wishes
        ],
    }


def _told(detail: Mapping[str, str | int]) -> dict[str, Any]:
    """The values of a reason with the planner's minutes as real time."""
    return {name: moment(int(value)) if name == "at" else value for name, value in detail.items()}


async def _locked_job(unit: Unit, store_id: str, job_id: str) -> Job:
    await store.lock_plan(unit.connection, store_id)
    return await store.read_job(unit.connection, store_id, job_id)


async def _changed(
    request: Request,
    command: Command,
    job_id: str,
    change: Callable[[Unit, Job, datetime], Awaitable[tuple[Job, Sequence[Any]]]],
) -> JSONResponse:
    """Load one job under the plan's lock, change it, save it and publish what happened."""

    async def effect(unit: Unit) -> BaseModel:
        job = await _locked_job(unit, command.store_id, job_id)
        changed, events = await change(unit, job, unit.now)
        await store.save_jobs(unit.connection, [changed])
        unit.publish(events, command.cause)
        return _view(changed, _workforce(request))

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


def _planner(request: Request) -> Planner:
    planner: Planner = request.app.state.planner
    return planner


def _workforce(request: Request) -> Workforce:
    return _planner(request).workforce


def _view(job: Job, workforce: Workforce) -> JobView:
    return JobView(
        **{name: getattr(job, name) for name in _VIEW_FIELDS},
        trade=workforce.operation(job.operation_id).trade,
    )


_VIEW_FIELDS = [name for name in JobView.model_fields if name != "trade"]
