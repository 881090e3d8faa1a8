"""Between the database and the pure planning: snapshots out, assignments in."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Final, TypeVar
from zlib import crc32
from zoneinfo import ZoneInfo

from services.workshop import persistence, planning
from services.workshop.clients.config import HORIZON, Operation, WorkshopConfig, minute
from services.workshop.domain.job import Assignment, Job, is_in_hand
from services.workshop.domain.promise_risk import CONFIDENCE, PromiseRisk
from services.workshop.domain.reasons import Reason
from services.workshop.persistence import Absence, Hold, ResourceBooking
from services.workshop.planning.in_hand import MIN_REMAINING_MINUTES
from services.workshop.planning.objective import evaluate
from services.workshop.planning.teams import duration, shared_hours
from services.workshop.planning.timeline import NEVER
from shared.contracts.violations import RuleViolation
from shared.db import transaction
from shared.service import Service

T = TypeVar("T")

IMPROVEMENT_S: Final = 1.2
"""Seconds of one core for improving a plan; with the greedy plan before, less than two."""
SIMULATED_ROUNDS: Final = 1
"""Rounds of the search on a simulated clock, where the same day has to give the same plans."""
_UNHURRIED_S = 60.0
_UNTIL_TIME_IS_UP = 1_000_000
_RUSH_WEIGHT = 3
_LEARN_FROM = 1500
"""Finished jobs, the latest ones, from which durations are learned."""

_FAMILIAR = 0.75
"""Rework takes who did the job before so much of the time that it takes others."""

_COMEBACK_WEIGHT = 2
"""A customer who comes back for the same symptom is not made to wait again."""

_INFEASIBLE = {
    "no_skill": "no technician here has the skill {trade} at level {level}",
    "no_certificate": "no technician here holds the certificate {certificate}",
    "no_bay": "there is no bay of type {bay_type} here",
    "too_few_technicians": "fewer technicians than the operation needs have the skill",
    "pin_unfit": "the pinned technician or bay cannot do it",
    "forbidden": "everybody who could do it is excluded",
    "no_time": "there is no time left for it within the planning horizon",
    "predecessor": "an earlier job of the order cannot be planned",
}


@dataclass(frozen=True)
class RequestedOperation:
    """A labor operation that is requested, with the id that its job will have."""

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
    calibration: planning.Calibration


@dataclass(frozen=True)
class PlanUpdate:
    """New assignments and the reason of each move, by job id; valid for one version of the plan."""

    version: int
    assignments: dict[str, Assignment]
    reasons: dict[str, Reason]


@dataclass(frozen=True)
class Workers:
    """Who computes: no quote waits behind a replan, and no replan behind an improvement."""

    quoting: Executor
    replanning: Executor
    patient: Executor

    @property
    def alone(self) -> bool:
        return self.quoting is self.patient


class Planner:
    """Asks the pure planning in other processes, so that the event loop goes on."""

    def __init__(self, config: WorkshopConfig, service: Service, workers: Workers) -> None:
        self.config = config
        self._service = service
        self._workers = workers
        self._learned: dict[str, planning.Durations] = {}
        self._reservation_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self) -> None:
        """Load what the stores have learned and wait until there can be prompt responses."""
        stores = list(self.config.stores)
        async with transaction(self._service.pool, stores) as connection:
            learned_models = await persistence.all_learned_models(connection)
        self._learned = {name: each.durations for name, each in learned_models.items()}
        nothing = partial(planning.plan, planning.Workshop(0, (), ()))
        await asyncio.gather(
            _computed(self._workers.quoting, nothing), _computed(self._workers.replanning, nothing)
        )
        if not self._workers.alone:
            self._workers.patient.submit(planning.load_solver)

    async def snapshot(self, store_id: str, *, without_hold: str | None = None) -> Snapshot:
        """The store's workshop as it is planned now, as if one hold were not there."""
        now = self._service.clock.now()
        async with transaction(self._service.pool, [store_id]) as connection:
            version = await persistence.plan_version(connection, store_id)
            jobs = await persistence.open_jobs(connection, store_id)
            finished = await persistence.last_finished(connection, store_id)
            holds = await persistence.active_holds(connection, store_id, now)
            absences = await persistence.absences_after(connection, store_id, now)
            learned_model = await persistence.read_learned_model(connection, store_id)
        self._learned[store_id] = learned_model.durations
        others = [hold for hold in holds if hold.hold_id != without_hold]
        workshop = replace(
            self._workshop(store_id, now, jobs, others, absences),
            move_minutes=self.config.stores[store_id].vehicle_move_minutes,
            done=tuple(_stay(job) for job in finished),
        )
        by_id = {job.job_id: job for job in jobs}
        return Snapshot(store_id, version, now, workshop, by_id, learned_model.calibration)

    def reservation_lock(self, store_id: str) -> asyncio.Lock:
        """Return the lock under which a store's slots are reserved one after the other."""
        return self._reservation_locks[store_id]

    async def quote_promise(
        self,
        snapshot: Snapshot,
        requested_operations: Sequence[RequestedOperation],
        *,
        confidence: float,
        earliest_start_at: datetime | None,
        order_id: str | None,
    ) -> planning.PromiseQuote:
        """The earliest promise for one order's new work, with the store's time to hand over.

        It never lies before the planned finish of that work and the time to hand over. Work for an
        order that is open already follows what is planned and reserved for it.

        Raises:
            RuleViolation: an operation is unknown, or somebody or something needed is missing here.
        """
        own = [job for job in snapshot.jobs.values() if job.order_id == order_id]
        finishes = [job.planned_finish_at for job in own if job.planned_finish_at]
        reserved = [
            each for each in snapshot.workshop.reservations if each.job.order_id == order_id
        ]
        finishes += [moment(each.slot.finish) for each in reserved]
        earliest_start = minute(
            max(earliest_start_at or snapshot.taken_at, snapshot.taken_at, *finishes)
        )
        before = [job.job_id for job in sorted(own, key=lambda job: job.line_number)]
        before += [each.job.job_id for each in sorted(reserved, key=lambda each: each.slot.start)]
        predecessors = [
            before[-1] if before else None,
            *(requested.job_id for requested in requested_operations),
        ]
        new = [
            self._new_job(snapshot.store_id, order_id or "new", requested, before, earliest_start)
            for before, requested in zip(predecessors, requested_operations, strict=False)
        ]
        try:
            ask = partial(planning.quote, snapshot.workshop, new, confidence, snapshot.calibration)
            promise = await _computed(self._workers.quoting, ask)
        except planning.CannotPromiseError as error:
            raise self._violation(
                error.infeasibility, requested_operations, snapshot.store_id
            ) from None
        return replace(promise, finish=promise.finish + self._handover(snapshot.store_id))

    async def replan(self, store_id: str, _subject: str) -> PlanUpdate:
        """A fresh plan at once for everything that is not in hand."""
        snapshot = await self.snapshot(store_id)
        ask = partial(planning.replan, snapshot.workshop)
        result = await _computed(self._workers.replanning, ask)
        return self._plan_update(snapshot, result)

    async def improve(self, store_id: str, _subject: str) -> PlanUpdate | None:
        """A better plan than the present one, if the search finds any in its time."""
        snapshot = await self.snapshot(store_id)
        simulated_clock = self._service.clock.is_paused
        search = partial(
            planning.replan,
            snapshot.workshop,
            seed=crc32(f"{store_id} {snapshot.version}".encode()),
            seconds=_UNHURRIED_S if simulated_clock else IMPROVEMENT_S,
            rounds=SIMULATED_ROUNDS if simulated_clock else _UNTIL_TIME_IS_UP,
        )
        result = await _computed(self._workers.patient, search)
        better = _plan_rank(snapshot.workshop, result.plan.assignments) < _plan_rank(
            snapshot.workshop, _present(snapshot.workshop)
        )
        return self._plan_update(snapshot, result) if better else None

    async def learn(self, store_id: str, _subject: str) -> planning.Durations:
        """What the store's latest finished jobs say about durations."""
        async with transaction(self._service.pool, [store_id]) as connection:
            finished = await persistence.finished_jobs(connection, store_id, _LEARN_FROM)
        paces = {member.technician_id: member.pace for member in self.config.members[store_id]}
        finished_jobs = [
            self._finished_job(job, paces)
            for job in finished
            if job.operation_id in self.config.operations
        ]
        return await _computed(self._workers.patient, partial(planning.learn, finished_jobs))

    async def assess_promise_risks(self, store_id: str, _subject: str) -> list[PromiseRisk]:
        """Assess how likely the open promises are kept."""
        snapshot = await self.snapshot(store_id)
        ask = partial(planning.assess_risks, snapshot.workshop, CONFIDENCE, snapshot.calibration)
        found = await _computed(self._workers.patient, ask)
        place, horizon = self.config.stores[store_id], minute(snapshot.taken_at + HORIZON)
        promised = {job.order_id: job.promised_at for job in snapshot.jobs.values()}
        return [
            PromiseRisk(
                order_id=risk.order_id,
                promised_at=promised[risk.order_id],
                probability=round(risk.probability, 4),
                cause=Reason(risk.code, localize_detail(risk.detail, place.timezone)),
                best_promise_at=moment(min(risk.best_promise, horizon)) + self.handover(store_id),
            )
            for risk in found
        ]

    async def shortages(
        self,
        technicians: Sequence[planning.Technician],
        demands: Sequence[planning.Demand],
        horizon: planning.Interval,
    ) -> tuple[planning.Shortage, ...]:
        """The trades that lack people."""
        ask = partial(planning.shortages, technicians, demands, horizon)
        return await _computed(self._workers.patient, ask)

    def work(self, store_id: str, operation_id: str, standard_hours: float) -> tuple[str, float]:
        """The trade of an operation, and the hours of technicians that it is expected to take."""
        operation = self.config.operation(operation_id)
        minutes = self._estimate(store_id, operation, standard_hours).minutes
        return operation.trade, minutes / 60 * operation.technicians

    def handover(self, store_id: str) -> timedelta:
        """What lies between the end of the work and the customer's departure in every promise."""
        return timedelta(minutes=self._handover(store_id))

    def technicians(
        self,
        store_id: str,
        now: datetime,
        absences: Sequence[Absence],
        since: datetime | None = None,
    ) -> tuple[planning.Technician, ...]:
        """The store's technicians with the pace learned and the time that absences leave them."""
        durations = self._durations(store_id)
        away = _by_person(absences)
        return tuple(
            replace(technician, pace=technician.pace * durations.pace(technician.technician_id))
            for technician in self.config.technicians(store_id, now, away, since)
        )

    def expected_finish(
        self,
        job: Job,
        technician_ids: Sequence[str],
        start_at: datetime,
        absences: Sequence[Absence],
    ) -> datetime:
        """When these technicians, beginning at ``start_at``, would be done, as far as is known."""
        return self._first_expected(
            job, self._team(job, technician_ids, start_at, absences), start_at
        )

    def _first_expected(
        self, job: Job, team: tuple[planning.Technician, ...], start_at: datetime
    ) -> datetime:
        if not team:
            return start_at + timedelta(hours=job.standard_hours)
        minutes = duration(self._job(job, None, minute(start_at)), team)
        _, finish = shared_hours(team).span(minute(start_at), minutes)
        if finish >= NEVER:
            finish = minute(start_at) + minutes
        return max(moment(finish), start_at + timedelta(minutes=1))

    def in_hand(self, job: Job, absences: Sequence[Absence], now: datetime) -> Job:
        """Work that goes on since ``started_at``, with the finish to expect from what is known now.

        Past the time that it should take, that is what the store's jobs of such a kind still took.
        """
        start_at = job.started_at or now
        team = self._team(job, job.technician_ids, start_at, absences)
        finish_at = self._first_expected(job, team, start_at)
        if finish_at <= now and team:
            known, residual_quantiles = (
                self._job(job, None, minute(now)),
                self._durations(job.store_id).residual_quantiles,
            )
            finish_at = moment(
                planning.expected_finish(
                    known, team, minute(start_at), minute(now), residual_quantiles, 0.5
                )
            )
        expected = replace(job, planned_start_at=start_at, planned_finish_at=finish_at)
        return replace(expected, planned_finish_at=latest_expected_finish(expected, now))

    def overrun_buffers(
        self,
        store_id: str,
        in_hand: Sequence[Job],
        bookings: Sequence[ResourceBooking],
        absences: Sequence[Absence],
    ) -> list[ResourceBooking]:
        """Return the overrun buffers behind work in hand, in case it takes longer than expected
        (缓冲).

        It ends where ``bookings`` begin.
        """
        now = self._service.clock.now()
        expected = self._workshop(store_id, now, in_hand, (), absences)
        buffers: list[ResourceBooking] = []
        for job, longer in zip(
            expected.jobs, planning.with_overrun_buffers(expected).jobs, strict=True
        ):
            if job.fixed_assignment and longer.fixed_assignment:
                begin_at, end_at = (
                    moment(job.fixed_assignment.finish),
                    moment(longer.fixed_assignment.finish),
                )
                resources = persistence.resources_of(as_assignment(longer.fixed_assignment))
                behind = [b.begin_at for b in bookings if b.resource in resources]
                end_at = min([end_at, *(start_at for start_at in behind if start_at >= begin_at)])
                if begin_at < end_at:
                    buffers.extend(
                        ResourceBooking(job.job_id, None, resource, begin_at, end_at)
                        for resource in resources
                    )
        return buffers

    def _team(
        self,
        job: Job,
        technician_ids: Sequence[str],
        at: datetime,
        absences: Sequence[Absence],
    ) -> tuple[planning.Technician, ...]:
        return tuple(
            technician
            for technician in self.technicians(job.store_id, at, absences)
            if technician.technician_id in technician_ids
        )

    def _workshop(
        self,
        store_id: str,
        now: datetime,
        jobs: Sequence[Job],
        holds: Sequence[Hold],
        absences: Sequence[Absence],
    ) -> planning.Workshop:
        in_sequence = sorted(jobs, key=lambda job: (job.order_id, job.line_number, job.opened_at))
        before = {
            job.job_id: earlier.job_id
            for earlier, job in pairwise(in_sequence)
            if earlier.order_id == job.order_id
        }
        begun = [job.started_at for job in jobs if job.started_at and is_in_hand(job)]
        return planning.Workshop(
            now=minute(now + timedelta(seconds=59)),
            technicians=self.technicians(store_id, now, absences, min([now, *begun])),
            bays=self.config.open_bays(store_id, now),
            jobs=tuple(self._job(job, before.get(job.job_id), minute(now)) for job in jobs),
            current_plan=tuple(
                planning.PlanAssignment(*_slot(job.assignment), job.job_id)
                for job in jobs
                if job.assignment is not None
            ),
            reservations=tuple(each for hold in holds for each in self._reservations(hold)),
            residual_quantiles=self._durations(store_id).residual_quantiles,
        )

    def _job(self, job: Job, before: str | None, now: int) -> planning.PlanTask:
        """A job for the planner; ``before`` is the order's job whose turn comes first."""
        operation = self.config.operation(job.operation_id)
        fixed_assignment = None
        if is_in_hand(job) and job.assignment is not None:
            finish = latest_expected_finish(job, moment(now))
            in_hand = replace(job.assignment, finish_at=finish)
            fixed_assignment = planning.PlanAssignment(*_slot(in_hand), job.job_id)
        estimate = self._estimate(job.store_id, operation, job.standard_hours)
        return planning.PlanTask(
            job_id=job.job_id,
            order_id=job.order_id,
            trade=operation.trade,
            level=operation.level,
            bay_type=operation.bay_type,
            minutes=estimate.minutes,
            log_stddev=estimate.log_stddev,
            own_minutes=self._familiar(job, estimate.minutes),
            certificate=operation.certificate,
            technicians_needed=operation.technicians,
            after=(before,) if before else (),
            earliest_start=minute(_not_before(job)),
            parts_at=minute(job.parts_at + timedelta(seconds=59)) if job.parts_at else 0,
            promise=minute(job.promised_at) - self._handover(job.store_id),
            weight=_weight(job),
            waiting_customer=job.waiting_customer,
            pinned_technicians=job.technician_ids if job.pinned else (),
            pinned_bay=job.bay_id if job.pinned else None,
            forbidden_technicians=frozenset(job.forbidden_technicians),
            fixed_assignment=fixed_assignment,
        )

    def _familiar(self, job: Job, minutes: int) -> dict[str, int]:
        """The minutes of whoever knows the vehicle from the work that is done again."""
        return {
            member.technician_id: max(1, round(minutes * member.pace * _FAMILIAR))
            for member in self.config.members[job.store_id]
            if member.technician_id in job.rework_for
        }

    def _handover(self, store_id: str) -> int:
        return self.config.stores[store_id].handover_minutes

    def _new_job(
        self,
        store_id: str,
        order_id: str,
        requested: RequestedOperation,
        before: str | None,
        earliest_start: int,
    ) -> planning.PlanTask:
        operation = self.config.operation(requested.operation_id)
        estimate = self._estimate(store_id, operation, operation.standard_hours)
        return planning.PlanTask(
            job_id=requested.job_id,
            order_id=order_id,
            trade=operation.trade,
            level=operation.level,
            bay_type=operation.bay_type,
            minutes=estimate.minutes,
            log_stddev=estimate.log_stddev,
            certificate=operation.certificate,
            technicians_needed=operation.technicians,
            after=(before,) if before else (),
            earliest_start=earliest_start,
        )

    def _reservations(self, hold: Hold) -> Iterator[planning.ReservedTask]:
        """The hold's jobs in their slots, one after the other."""
        before = None
        for held in hold.jobs:
            slot = planning.PlanAssignment(*_slot(held.assignment), held.job_id)
            requested = RequestedOperation(held.job_id, held.operation_id)
            order_id = hold.order_id or hold.hold_id
            job = self._new_job(hold.store_id, order_id, requested, before, slot.start)
            yield planning.ReservedTask(job, slot)
            before = held.job_id

    def _durations(self, store_id: str) -> planning.Durations:
        return self._learned.get(store_id, planning.Durations())

    def _estimate(
        self, store_id: str, operation: Operation, standard_hours: float
    ) -> planning.Estimate:
        return self._durations(store_id).estimate(
            operation.operation_id, operation.trade, standard_hours * 60
        )

    def _finished_job(
        self, job: persistence.Finished, paces: Mapping[str, float]
    ) -> planning.FinishedJob:
        """A finished job at the pace that the group's configuration takes for granted."""
        slowest = max(job.technician_ids, key=lambda who: (paces.get(who, 1.0), who))
        return planning.FinishedJob(
            operation_id=job.operation_id,
            trade=self.config.operation(job.operation_id).trade,
            technician_id=slowest,
            standard=job.standard_hours * 60,
            minutes=job.clocked_s / 60 / paces.get(slowest, 1.0),
        )

    def _plan_update(self, snapshot: Snapshot, result: planning.Replan) -> PlanUpdate:
        zone = self.config.stores[snapshot.store_id].timezone
        movable = {job_id for job_id, job in snapshot.jobs.items() if job.status == "planned"}
        return PlanUpdate(
            snapshot.version,
            {
                assignment.job_id: as_assignment(assignment)
                for assignment in result.plan.assignments
                if assignment.job_id in movable
            },
            {
                change.job_id: Reason(change.code, localize_detail(change.detail, zone))
                for change in result.changes
            },
        )

    def _violation(
        self,
        infeasibility: planning.Infeasibility,
        requested_operations: Sequence[RequestedOperation],
        store_id: str,
    ) -> RuleViolation:
        operation_id = next(
            (
                requested.operation_id
                for requested in requested_operations
                if requested.job_id == infeasibility.job_id
            ),
            "",
        )
        reason = _INFEASIBLE[infeasibility.code].format_map(defaultdict(str, infeasibility.detail))
        return RuleViolation(
            infeasibility.code,
            f"{operation_id} cannot be promised: {reason}.",
            field="operations",
            kind="conflict",
            operation_id=operation_id,
            elsewhere=[
                {"store_id": other, "technicians": capable}
                for other, capable in self.config.capable(operation_id).items()
                if other != store_id
            ],
            **dict(infeasibility.detail),
        )


def _stay(job: Job) -> planning.Stay:
    """Where the finished job left the vehicle."""
    begin_at, end_at = job.started_at or job.opened_at, job.finished_at or job.opened_at
    done = Assignment(job.technician_ids, job.bay_id or "", begin_at, end_at)
    return planning.Stay(*_slot(done), job.order_id)


def _not_before(job: Job) -> datetime:
    """When a job may begin: where it is pinned, not before the start that it had then."""
    return job.planned_start_at if job.pinned and job.planned_start_at else job.opened_at


def _weight(job: Job) -> int:
    return (_RUSH_WEIGHT if job.rush else 1) * (_COMEBACK_WEIGHT if job.comeback_of else 1)


def as_assignment(assignment: planning.PlanAssignment) -> Assignment:
    """The planner's assignment in real time."""
    return Assignment(
        assignment.technician_ids,
        assignment.bay_id,
        moment(assignment.start),
        moment(assignment.finish),
    )


def localize_detail(detail: planning.Detail, zone: ZoneInfo) -> dict[str, str | int]:
    """Localize the values of a reason: the planner's minutes as moments of the store's zone."""
    return {
        name: moment(int(value)).astimezone(zone).isoformat() if name == "at" else value
        for name, value in detail.items()
    }


def latest_expected_finish(job: Job, now: datetime) -> datetime:
    """Return the latest expected finish of work in hand: the planned one, or soon if that is
    past."""
    planned = job.planned_finish_at or now
    return planned if planned > now else now + timedelta(minutes=MIN_REMAINING_MINUTES)


def moment(minutes: int) -> datetime:
    """The planner's time as real time."""
    return datetime.fromtimestamp(minutes * 60, UTC)


async def _computed(executor: Executor, compute: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, compute)


def _present(workshop: planning.Workshop) -> list[planning.PlanAssignment]:
    """The plan in force, with work in hand as it is expected now."""
    in_hand = {job.job_id: job.fixed_assignment for job in workshop.jobs if job.fixed_assignment}
    return [in_hand.get(assignment.job_id, assignment) for assignment in workshop.current_plan]


def _plan_rank(
    workshop: planning.Workshop, assignments: Sequence[planning.PlanAssignment]
) -> tuple[int, planning.Objective]:
    """What plans are compared by: jobs without a slot, then the objective; less is better."""
    return len(workshop.jobs) - len(assignments), evaluate(workshop, assignments)


def _slot(assignment: Assignment) -> tuple[tuple[str, ...], str, int, int]:
    return (
        assignment.technician_ids,
        assignment.bay_id,
        minute(assignment.start_at),
        minute(assignment.finish_at + timedelta(seconds=59)),
    )


def _by_person(absences: Sequence[Absence]) -> dict[str, list[tuple[datetime, datetime]]]:
    away: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for absence in absences:
        away[absence.technician_id].append((absence.from_at, absence.until_at))
    return away
