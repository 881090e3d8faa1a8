"""Between the database and the pure planning: snapshots out, assignments in."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise

from services.workshop import planning, store
from services.workshop.domain.job import Assignment, Job, is_unfinished
from services.workshop.planning.teams import duration
from services.workshop.planning.timeline import NEVER, Calendar, common
from services.workshop.store import Absence, Booking
from services.workshop.workforce import Workforce, minute
from shared.contracts.refusal import Refused
from shared.db import transaction
from shared.service import Service

_OVERRUN = timedelta(minutes=10)
"""Work in hand that is past its expected finish is expected to need so much more."""

_FAMILIAR = 0.75
"""Rework takes who did the job before so much of the time that it takes others."""

_COMEBACK_WEIGHT = 2
"""A customer who comes back for the same symptom is not made to wait again."""

_REFUSALS = {
    "no_skill": "no technician here has the skill {trade} at level {level}",
    "no_certificate": "no technician here holds the certificate {certificate}",
    "no_bay": "there is no bay of type {bay_type} here",
    "too_few_technicians": "fewer technicians than the operation needs have the skill",
    "pin_unfit": "the technician or bay that was fixed by hand cannot do it",
    "forbidden": "everybody who could do it is excluded",
    "no_time": "there is no time left for it within the planning horizon",
    "predecessor": "an earlier job of the order cannot be planned",
}


@dataclass(frozen=True)
class Wish:
    """A labor operation that somebody wants done, with the id that its job will have."""

    job_id: str
    operation_id: str


@dataclass(frozen=True)
class Snapshot:
    """The workshop at one version of its plan."""

    store_id: str
    version: int
    taken_at: datetime
    workshop: planning.Workshop
    jobs: dict[str, Job]


@dataclass(frozen=True)
class Proposal:
    """New assignments and what moved each job, by job id; good for one version of the plan."""

    version: int
    assignments: dict[str, Assignment]
    reasons: dict[str, str]


class Planner:
    """Asks the pure planning in another process, so that the event loop goes on."""

    def __init__(self, workforce: Workforce, service: Service, executor: Executor) -> None:
        self.workforce = workforce
        self._service = service
        self._executor = executor

    async def snapshot(self, store_id: str, *, without_hold: str | None = None) -> Snapshot:
        """The store's workshop as it is planned now, as if one hold were not there."""
        now = self._service.clock.now()
        async with transaction(self._service.pool, [store_id]) as connection:
            version = await store.plan_version(connection, store_id)
            jobs = await store.open_jobs(connection, store_id)
            bookings = await store.bookings_after(connection, store_id, now)
            absences = await store.absences_after(connection, store_id, now)
        if without_hold:
            bookings = [booking for booking in bookings if booking.hold_id != without_hold]
        workshop = self._workshop(store_id, now, jobs, bookings, absences)
        return Snapshot(store_id, version, now, workshop, {job.job_id: job for job in jobs})

    async def promise(
        self,
        snapshot: Snapshot,
        wishes: Sequence[Wish],
        *,
        confidence: float,
        earliest_start_at: datetime | None,
    ) -> planning.Promise:
        """The earliest promise for one order's new work, with the store's time to hand over.

        Raises:
            Refused: an operation is unknown, or somebody or something needed is missing here.
        """
        release = minute(max(earliest_start_at or snapshot.taken_at, snapshot.taken_at))
        new = [
            self._new_job(wish, before, release)
            for before, wish in zip([None, *wishes], wishes, strict=False)
        ]
        try:
            promise = await asyncio.get_running_loop().run_in_executor(
                self._executor, planning.quote, snapshot.workshop, new, confidence
            )
        except planning.CannotPromiseError as error:
            raise self._refused(error.refusal, wishes) from None
        return replace(promise, finish=promise.finish + self._handover(snapshot.store_id))

    async def replan(self, store_id: str, _subject: str) -> Proposal:
        """A fresh plan for everything that is not in hand."""
        snapshot = await self.snapshot(store_id)
        answer = await asyncio.get_running_loop().run_in_executor(
            self._executor, planning.replan, snapshot.workshop
        )
        movable = {job_id for job_id, job in snapshot.jobs.items() if job.status == "planned"}
        return Proposal(
            snapshot.version,
            {
                assignment.job_id: as_assignment(assignment)
                for assignment in answer.plan.assignments
                if assignment.job_id in movable
            },
            {change.job_id: change.code for change in answer.changes},
        )

    def technicians(
        self, store_id: str, now: datetime, absences: Sequence[Absence]
    ) -> tuple[planning.Technician, ...]:
        """The store's technicians with the time that absences leave them."""
        return self.workforce.technicians(store_id, now, _by_person(absences))

    def expected_finish(
        self,
        job: Job,
        technician_ids: Sequence[str],
        start_at: datetime,
        absences: Sequence[Absence],
    ) -> datetime:
        """When these technicians, beginning at ``start_at``, would be done at standard hours."""
        team = tuple(
            technician
            for technician in self.technicians(job.store_id, start_at, absences)
            if technician.technician_id in technician_ids
        )
        if not team:
            return start_at + timedelta(hours=job.standard_hours)
        minutes = duration(self._job(job, None, minute(start_at)), team)
        working = reduce(common, (technician.working for technician in team))
        _, finish = Calendar(working).span(minute(start_at), minutes)
        if finish >= NEVER:
            finish = minute(start_at) + minutes
        return max(moment(finish), start_at + timedelta(minutes=1))

    def still_expected(self, job: Job, now: datetime) -> datetime:
        """The finish to reckon with for work in hand: the planned one, or soon if that is past."""
        planned = job.planned_finish_at or now
        return max(planned, now + _OVERRUN) if planned <= now else planned

    def _workshop(
        self,
        store_id: str,
        now: datetime,
        jobs: Sequence[Job],
        bookings: Sequence[Booking],
        absences: Sequence[Absence],
    ) -> planning.Workshop:
        ids = {job.job_id for job in jobs}
        in_turn = sorted(jobs, key=lambda job: (job.order_id, job.place, job.opened_at))
        before = {
            job.job_id: earlier.job_id
            for earlier, job in pairwise(in_turn)
            if earlier.order_id == job.order_id
        }
        return planning.Workshop(
            now=minute(now + timedelta(seconds=59)),
            technicians=self.technicians(store_id, now, absences),
            bays=self.workforce.open_bays(store_id, now),
            jobs=tuple(self._job(job, before.get(job.job_id), minute(now)) for job in jobs),
            running=tuple(
                planning.Assignment(*_reservation(job.assignment), job.job_id)
                for job in jobs
                if job.assignment is not None
            ),
            held=tuple(
                planning.Reservation(*parts)
                for job_id, parts in _held(bookings).items()
                if job_id not in ids
            ),
        )

    def _job(self, job: Job, before: str | None, now: int) -> planning.Job:
        """A job for the planner; ``before`` is the order's job whose turn comes first."""
        operation = self.workforce.operation(job.operation_id)
        frozen = None
        if job.status != "planned" and is_unfinished(job) and job.assignment is not None:
            finish = self.still_expected(job, moment(now))
            in_hand = replace(job.assignment, finish_at=finish)
            frozen = planning.Assignment(*_reservation(in_hand), job.job_id)
        return planning.Job(
            job_id=job.job_id,
            order_id=job.order_id,
            trade=operation.trade,
            level=operation.level,
            bay_type=operation.bay_type,
            minutes=round(job.standard_hours * 60),
            own_minutes=self._familiar(job),
            certificate=operation.certificate,
            technicians_needed=operation.technicians,
            after=(before,) if before else (),
            release=minute(_not_before(job)),
            promise=minute(job.promised_at) - self._handover(job.store_id),
            weight=_COMEBACK_WEIGHT if job.comeback_of else 1,
            waiting_customer=job.waiting_customer,
            pinned_technicians=job.technician_ids if job.pinned else (),
            pinned_bay=job.bay_id if job.pinned else None,
            forbidden_technicians=frozenset(job.forbidden_technicians),
            frozen=frozen,
        )

    def _familiar(self, job: Job) -> dict[str, int]:
        """The minutes of whoever knows the vehicle from the work that is done again."""
        return {
            member.technician_id: max(1, round(job.standard_hours * 60 * member.pace * _FAMILIAR))
            for member in self.workforce.members[job.store_id]
            if member.technician_id in job.rework_for
        }

    def _handover(self, store_id: str) -> int:
        return self.workforce.stores[store_id].handover_minutes

    def _new_job(self, wish: Wish, before: Wish | None, release: int) -> planning.Job:
        operation = self.workforce.operation(wish.operation_id)
        return planning.Job(
            job_id=wish.job_id,
            order_id="new",
            trade=operation.trade,
            level=operation.level,
            bay_type=operation.bay_type,
            minutes=round(operation.standard_hours * 60),
            certificate=operation.certificate,
            technicians_needed=operation.technicians,
            after=(before.job_id,) if before else (),
            release=release,
        )

    def _refused(self, refusal: planning.Refusal, wishes: Sequence[Wish]) -> Refused:
        operation_id = next(
            (wish.operation_id for wish in wishes if wish.job_id == refusal.job_id), ""
        )
        reason = _REFUSALS[refusal.code].format_map(defaultdict(str, refusal.detail))
        return Refused(
            refusal.code,
            f"{operation_id} cannot be promised: {reason}.",
            field="operations",
            kind="conflict",
            operation_id=operation_id,
            **dict(refusal.detail),
        )


def _not_before(job: Job) -> datetime:
    """When a job may begin: where it was fixed by hand, not before the start that it had then."""
    return job.planned_start_at if job.pinned and job.planned_start_at else job.opened_at


def as_assignment(assignment: planning.Assignment) -> Assignment:
    """The planner's assignment in real time."""
    return Assignment(
        assignment.technician_ids,
        assignment.bay_id,
        moment(assignment.start),
        moment(assignment.finish),
    )


def moment(minutes: int) -> datetime:
    """The planner's time as real time."""
    return datetime.fromtimestamp(minutes * 60, UTC)


def _reservation(assignment: Assignment) -> tuple[tuple[str, ...], str, int, int]:
    return (
        assignment.technician_ids,
        assignment.bay_id,
        minute(assignment.start_at),
        minute(assignment.finish_at + timedelta(seconds=59)),
    )


def _held(bookings: Sequence[Booking]) -> dict[str, tuple[tuple[str, ...], str, int, int]]:
    """The bookings by job: technicians, bay, start and finish."""
    by_job: dict[str, list[Booking]] = defaultdict(list)
    for booking in bookings:
        by_job[booking.job_id].append(booking)
    held = {}
    for job_id, parts in by_job.items():
        names = [part.resource.partition(":") for part in parts]
        held[job_id] = (
            tuple(name for kind, _, name in names if kind == "technician"),
            next(name for kind, _, name in names if kind == "bay"),
            minute(parts[0].begin_at),
            minute(parts[0].end_at + timedelta(seconds=59)),
        )
    return held


def _by_person(absences: Sequence[Absence]) -> dict[str, list[tuple[datetime, datetime]]]:
    away: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for absence in absences:
        away[absence.technician_id].append((absence.from_at, absence.until_at))
    return away
