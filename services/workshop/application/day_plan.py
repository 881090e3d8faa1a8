"""The plan of a day (车间看板)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.job_views import JobView, view
from services.workshop.application.promise_risks import PromiseRiskView
from services.workshop.application.snapshots import planned_workshop
from services.workshop.application.workplace import Operations
from services.workshop.domain.absence import Absence, AbsenceKind
from services.workshop.domain.dispatch import is_swappable
from services.workshop.domain.job import Job, is_unfinished, is_wip
from services.workshop.domain.promise_risk import PromiseRisk
from services.workshop.domain.resources import (
    BayConfig,
    TechnicianConfig,
    able_technicians,
    suitable_bays,
)
from services.workshop.planning import Technician
from services.workshop.planning.expectation import overrun_buffers
from services.workshop.planning.load import free_time, load
from services.workshop.planning.real_time import moment
from shared.contracts.workshop import FreeCapacity


class Span(BaseModel):
    starts_at: datetime
    ends_at: datetime


class TechnicianAbsence(BaseModel):
    absence_id: str
    starts_at: datetime
    ends_at: datetime
    kind: AbsenceKind


class TechnicianView(BaseModel):
    technician_id: str
    skills: dict[str, int]
    certificates: Sequence[str]
    windows: Sequence[Span]
    absences: Sequence[TechnicianAbsence]


class BayView(BaseModel):
    bay_id: str
    type: str
    capabilities: Sequence[str]


class PlannedJobView(JobView):
    """A job with the risk of its order's promise, while that is open.

    Technicians and bay of work in progress are kept free until ``buffer_until``, in case it takes
    longer than expected (缓冲). ``qualified_technician_ids`` and ``suitable_bay_ids`` are the
    technicians who can do the job and the bays in which it can be done. It may be swapped with
    another job of its skill if both are ``swappable``.
    """

    risk: PromiseRiskView | None
    buffer_until: datetime | None
    qualified_technician_ids: Sequence[str]
    suitable_bay_ids: Sequence[str]
    swappable: bool


class PlanView(BaseModel):
    """The workshop's day (车间看板); ``free`` is the time that is not taken yet."""

    plan_version: int
    day: date
    opens_at: datetime
    closes_at: datetime
    technicians: Sequence[TechnicianView]
    bays: Sequence[BayView]
    jobs: Sequence[PlannedJobView]
    free: Sequence[FreeCapacity]


async def get_plan(store_id: str, day: date | None, deps: Deps) -> PlanView:
    """Return technicians, bays and jobs of one day of the store, today by default."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        workplace = await deps.workplace(connection, store_id)
        store = workplace.store
        day = day or store.local_day(now)
        begin, end = store.day_bounds(day)
        version = await persistence.plan_version(connection, store_id)
        found = await persistence.jobs_between(connection, store_id, begin, end)
        absences = await persistence.absences_after(connection, store_id, begin)
        bookings = await persistence.resource_bookings_after(connection, store_id, begin)
        promise_risks = await persistence.promise_risks(connection, store_id)
        durations = (await persistence.read_learned_model(connection, store_id)).durations
        operations = await deps.operations(connection, [job.op_code for job in found])
    wip = [job for job in found if is_wip(job)]
    workshop = planned_workshop(workplace, operations, now, wip, (), absences, durations)
    buffers = overrun_buffers(workshop, bookings)
    technicians = workplace.technicians(begin, absences, durations)
    taken = [*bookings, *buffers]
    still_free = load(technicians, taken, max(begin, min(now, end)), end)
    risks = {each.order_id: each for each in promise_risks}
    buffer_until = {each.job_id: each.ends_at for each in buffers}
    members, bays = workplace.roster.technicians_on(day), workplace.roster.bays_on(day)
    return PlanView(
        plan_version=version,
        day=day,
        opens_at=store.at(day, store.opening),
        closes_at=store.at(day, store.closing),
        technicians=[
            _technician(technician, [each for each in absences if each.starts_at < end], end)
            for technician in technicians
            if _is_here(technician, members, begin, end)
        ],
        bays=[
            BayView(bay_id=bay.bay_id, type=bay.type, capabilities=sorted(bay.capabilities))
            for bay in bays
        ],
        jobs=[_job(job, risks, buffer_until, operations, members, bays) for job in found],
        free=free_time(still_free, workplace.delivery_lead),
    )


def _is_here(
    technician: Technician, members: Sequence[TechnicianConfig], begin: datetime, end: datetime
) -> bool:
    """Return whether the technician belongs to the store on the day, or works into it."""
    return any(member.technician_id == technician.technician_id for member in members) or any(
        moment(span.finish) > begin and moment(span.start) < end for span in technician.working
    )


def _technician(
    technician: Technician, absences: Sequence[Absence], end: datetime
) -> TechnicianView:
    return TechnicianView(
        technician_id=technician.technician_id,
        skills=dict(technician.skills),
        certificates=sorted(technician.certificates),
        windows=[
            Span(starts_at=moment(span.start), ends_at=moment(span.finish))
            for span in technician.working
            if moment(span.start) < end
        ],
        absences=[
            TechnicianAbsence.model_validate(each, from_attributes=True)
            for each in absences
            if each.technician_id == technician.technician_id
        ],
    )


def _job(
    job: Job,
    promise_risks: Mapping[str, PromiseRisk],
    buffer_until: Mapping[str, datetime],
    operations: Operations,
    members: Sequence[TechnicianConfig],
    bays: Sequence[BayConfig],
) -> PlannedJobView:
    promise_risk = promise_risks.get(job.order_id) if is_unfinished(job) else None
    operation = operations[job.op_code]
    return PlannedJobView(
        **view(job, operations).model_dump(),
        risk=promise_risk and PromiseRiskView.of(promise_risk),
        buffer_until=buffer_until.get(job.job_id),
        qualified_technician_ids=able_technicians(operation, members),
        suitable_bay_ids=suitable_bays(operation, bays),
        swappable=is_swappable(job),
    )
