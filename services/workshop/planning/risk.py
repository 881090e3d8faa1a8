"""Probability and main risk of each promise, and the best new promise."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.workshop.planning.calibration import EMPTY_CALIBRATION, Calibration
from services.workshop.planning.forecast import Forecast, shop_hours
from services.workshop.planning.model import Detail, PlanAssignment, PlanTask, Workshop
from services.workshop.planning.quote import complete_current_plan
from services.workshop.planning.simulation import WorkingTime, simulate_finishes

RiskCode = Literal["overrun", "part_late", "vehicle_late", "queue", "bay", "reserved", "work"]


@dataclass(frozen=True)
class RiskAssessment:
    """Risk of one order's promise (承诺风险).

    ``probability`` is that of keeping ``promise``. ``code`` names what determines the finish: a job
    in progress past its time (``overrun``), a part or the vehicle, other work of the technician
    (``queue``) or in the bay, a slot ``reserved`` before it, or just the ``work`` itself.
    ``best_promise`` holds with the confidence asked for.
    """

    order_id: str
    promise: int
    probability: float
    code: RiskCode
    detail: Detail
    best_promise: int


def assess_risks(
    workshop: Workshop, confidence: float = 0.95, calibration: Calibration = EMPTY_CALIBRATION
) -> tuple[RiskAssessment, ...]:
    """Assess all orders with a promise, the least likely to be kept first."""
    planned = complete_current_plan(workshop)
    jobs = {job.job_id: job for job in workshop.jobs}
    simulated = simulate_finishes(workshop, jobs, planned)
    orders: defaultdict[str, list[PlanAssignment]] = defaultdict(list)
    for assignment in planned:
        orders[jobs[assignment.job_id].order_id].append(assignment)
    hours = WorkingTime(shop_hours(workshop))
    found = []
    for order_id, own in orders.items():
        promise = jobs[own[0].job_id].promise
        if promise is None:
            continue
        forecast = Forecast(workshop.now, hours, own, simulated)
        code, detail = _cause(workshop, jobs, planned, own)
        found.append(
            RiskAssessment(
                order_id,
                promise,
                forecast.probability(promise),
                code,
                detail,
                forecast.promise(confidence, calibration),
            )
        )
    return tuple(sorted(found, key=lambda risk: (risk.probability, risk.order_id)))


def _cause(
    workshop: Workshop,
    jobs: Mapping[str, PlanTask],
    planned: Sequence[PlanAssignment],
    own: Sequence[PlanAssignment],
) -> tuple[RiskCode, Detail]:
    waiting = [a for a in own if jobs[a.job_id].fixed_assignment is None]
    if not waiting:
        job = jobs[max(own, key=lambda a: a.finish).job_id]
        return ("overrun", {"job_id": job.job_id}) if _overruns(workshop, job) else ("work", {})
    first = min(waiting, key=lambda a: a.start)
    job = jobs[first.job_id]
    if job.parts_eta > workshop.now and job.parts_eta >= job.earliest_start:
        return "part_late", {"job_id": job.job_id, "at": job.parts_eta}
    if job.earliest_start > workshop.now:
        return "vehicle_late", {"job_id": job.job_id, "at": job.earliest_start}
    return _ahead(workshop, jobs, planned, first)


def _ahead(
    workshop: Workshop,
    jobs: Mapping[str, PlanTask],
    planned: Sequence[PlanAssignment],
    first: PlanAssignment,
) -> tuple[RiskCode, Detail]:
    """Return the risk from the last slot before ``first`` of its technicians or its bay."""
    slots = (*planned, *(reserved.slot for reserved in workshop.reservations))
    ahead = [
        a for a in slots if a.start < first.start and a.finish >= workshop.now and a.shares(first)
    ]
    if not ahead:
        return "work", {}
    other = min(ahead, key=lambda a: (-a.finish, a.job_id))
    if other.job_id not in jobs:
        return "reserved", {"at": other.start}
    if set(other.technician_ids).isdisjoint(first.technician_ids):
        return "bay", {"job_id": other.job_id, "bay_id": first.bay_id}
    late = _overruns(workshop, jobs[other.job_id])
    return "overrun" if late else "queue", {"job_id": other.job_id}


def _overruns(workshop: Workshop, job: PlanTask) -> bool:
    """Return whether a job in progress has taken longer than it should."""
    return (
        job.fixed_assignment is not None and workshop.now - job.fixed_assignment.start > job.minutes
    )
