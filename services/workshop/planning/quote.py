"""The earliest promise for new work beside the work that is already planned."""

from collections.abc import Sequence
from dataclasses import replace

from services.workshop.planning.calibration import EMPTY_CALIBRATION, Calibration
from services.workshop.planning.forecast import Forecast, shop_hours
from services.workshop.planning.greedy import greedy
from services.workshop.planning.limiting_factors import find_limiting_factor
from services.workshop.planning.model import (
    CannotPromiseError,
    Infeasibility,
    LimitingFactor,
    PlanAssignment,
    PlanTask,
    PromiseQuote,
    Workshop,
)
from services.workshop.planning.network import Network
from services.workshop.planning.simulation import WorkingTime, simulate_finishes
from services.workshop.planning.slot_search import ResourceSchedule
from services.workshop.planning.timeline import NEVER
from services.workshop.planning.wip import with_overrun_buffers


def quote(
    workshop: Workshop,
    jobs: Sequence[PlanTask],
    confidence: float,
    calibration: Calibration = EMPTY_CALIBRATION,
) -> PromiseQuote:
    """Return the earliest finish of one order's new jobs with ``confidence`` (0 < p < 1).

    The current plan, holds and work in progress keep their slots; nothing is reserved. The plan is
    simulated with uncertain durations, and the store's ``calibration`` sets the margin. The promise
    never lies before the finish of the jobs' own slots.

    Raises:
        CannotPromiseError: a technician, bay or skill is missing; ``infeasibility`` names it.
        ValueError: no jobs, or a confidence outside (0, 1).
    """
    if not jobs or not 0 < confidence < 1:
        raise ValueError("a quote needs jobs and a confidence between 0 and 1")
    workshop = with_overrun_buffers(workshop)
    schedule = ResourceSchedule(replace(workshop, jobs=(*workshop.jobs, *jobs)))
    ahead = complete_current_plan(workshop)
    known = {job.job_id: job for job in (*workshop.jobs, *jobs)}
    for reserved in workshop.reservations:
        schedule.take(reserved.slot, reserved.job.order_id)
    for assignment in ahead:
        schedule.take(assignment, known[assignment.job_id].order_id)
    assignments, limiting_factors = _earliest(schedule, jobs)
    last = max(a.start for a in assignments)
    earlier = (a for a in ahead if a.start <= last)
    simulated = simulate_finishes(workshop, known, (*earlier, *assignments), assignments)
    hours = WorkingTime(shop_hours(workshop))
    forecast = Forecast(workshop.now, hours, assignments, simulated)
    finish = forecast.promise(confidence, calibration)
    if finish >= NEVER:
        raise CannotPromiseError(
            Infeasibility(jobs[-1].job_id, "no_time", {"skill_code": jobs[-1].skill_code})
        )
    return PromiseQuote(
        finish=finish,
        confidence=confidence,
        assignments=assignments,
        limiting_factors=limiting_factors,
        calibrated=forecast.calibrated(confidence, calibration),
        expected=forecast.expected,
        spread_minutes=forecast.spread_minutes,
    )


def complete_current_plan(workshop: Workshop) -> tuple[PlanAssignment, ...]:
    """Complete the current plan; jobs without a slot are placed by greedy."""
    current_plan = {a.job_id: a for a in workshop.current_plan}
    known = {
        job.job_id: job.fixed_assignment or current_plan.get(job.job_id) for job in workshop.jobs
    }
    if all(known.values()):
        return tuple(a for a in known.values() if a)
    fixed_tasks = tuple(replace(job, fixed_assignment=known[job.job_id]) for job in workshop.jobs)
    return greedy(replace(workshop, jobs=fixed_tasks)).assignments


def _earliest(
    schedule: ResourceSchedule, jobs: Sequence[PlanTask]
) -> tuple[tuple[PlanAssignment, ...], tuple[LimitingFactor, ...]]:
    """Place the jobs one after another, and return the limiting factor of each."""
    network = Network(tuple(jobs))
    rank = {job.job_id: float(i) for i, job in enumerate(jobs)}
    placed: dict[str, PlanAssignment] = {}
    limiting_factors: list[LimitingFactor] = []
    for job in network.sequence(lambda job: (rank[job.job_id],)):
        ready = max((placed[other].finish for other in network.before[job.job_id]), default=0)
        result = schedule.find_slot(job, ready)
        if isinstance(result, Infeasibility):
            raise CannotPromiseError(result)
        limiting_factors.append(find_limiting_factor(schedule, job, ready, result))
        schedule.take(result, job.order_id)
        placed[job.job_id] = result
    if len(placed) < len(jobs):
        stuck = min(job.job_id for job in jobs if job.job_id not in placed)
        raise CannotPromiseError(Infeasibility(stuck, "predecessor", {}))
    return tuple(placed.values()), tuple(limiting_factors)
