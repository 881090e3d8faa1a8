"""Evaluation of plans."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Final

from services.workshop.planning.model import Objective, PlanAssignment, PlanTask, Workshop

WAITING_CUSTOMER_WEIGHT = 4
"""Factor for the minutes of a customer who waits in the store (在店等候)."""

MOVE_PENALTY: Final = 5
"""Hundredths of a promise that a plan must gain for each job that it moves (计划稳定)."""
OVERDUE: Final = 10
"""Hundredths of a promise that an order costs for being late by a day (逾期).

They come on top of the missed promise and grow with the square of the days, so that no order waits
forever because other promises can still be kept.
"""
DAY: Final = 24 * 60
EXTERNAL_VARIABILITY: Final = 0.2
"""Standard deviation of a finish due to other work, as a share of the time until then."""
_NORMAL: Final = NormalDist()


def evaluate(workshop: Workshop, assignments: Iterable[PlanAssignment]) -> Objective:
    """Evaluate a plan for the snapshot's open jobs."""
    assignments = sorted(assignments, key=lambda a: (a.start, a.job_id))
    jobs = {job.job_id: job for job in workshop.jobs}
    current_plan = {assignment.job_id: assignment for assignment in workshop.current_plan}
    finishes: defaultdict[str, int] = defaultdict(int)
    changed = 0
    load = {technician.technician_id: 0 for technician in workshop.technicians}
    for a in assignments:
        job = jobs[a.job_id]
        finishes[job.order_id] = max(finishes[job.order_id], a.finish)
        changed += moved(current_plan.get(a.job_id), a)
        for technician_id in a.technician_ids:
            load[technician_id] = load.get(technician_id, 0) + a.finish - a.start
    cost, lateness, waiting = _orders(workshop.now, jobs, finishes)
    waiting += workshop.move_minutes * _scattered(workshop, jobs, assignments)
    imbalance = max(load.values(), default=0) - min(load.values(), default=0)
    return Objective(cost + MOVE_PENALTY * changed, lateness, waiting, changed, imbalance)


def deviation(own: float, ahead: int) -> float:
    """Return the standard deviation of an order's finish ``ahead`` minutes from now.

    ``own`` is the part of its own work.

    Work whose duration is certain has no deviation from other work either.
    """
    return max(1.0, own + EXTERNAL_VARIABILITY * ahead) if own else 1.0


def moved(before: PlanAssignment | None, after: PlanAssignment) -> bool:
    """Return whether other technicians or another bay are to do the job."""
    return before is not None and (
        before.technician_ids != after.technician_ids or before.bay_id != after.bay_id
    )


def _scattered(
    workshop: Workshop, jobs: Mapping[str, PlanTask], assignments: Sequence[PlanAssignment]
) -> int:
    """Return how often a vehicle changes to another bay or to new technicians."""
    bays = {stay.order_id: stay.bay_id for stay in workshop.done}
    hands = {stay.order_id: set(stay.technician_ids) for stay in workshop.done}
    count = 0
    for a in assignments:
        order_id = jobs[a.job_id].order_id
        had = hands.setdefault(order_id, set(a.technician_ids))
        count += bays.get(order_id, a.bay_id) != a.bay_id
        count += not had.issuperset(a.technician_ids)
        had.update(a.technician_ids)
        bays[order_id] = a.bay_id
    return count


def _orders(
    now: int, jobs: Mapping[str, PlanTask], finishes: Mapping[str, int]
) -> tuple[int, int, int]:
    orders = {job.order_id: job for job in jobs.values()}
    own: defaultdict[str, float] = defaultdict(float)
    for job in jobs.values():
        own[job.order_id] += job.log_stddev * job.minutes
    cost, lateness, waiting = 0.0, 0, 0
    for order_id, finish in finishes.items():
        job, ahead = orders[order_id], max(0, finish - now)
        if job.promise is not None:
            late_by = (finish - job.promise) / deviation(own[order_id], ahead)
            late = max(0, finish - job.promise)
            cost += job.weight * (100 * _NORMAL.cdf(late_by) + OVERDUE * (late / DAY) ** 2)
            lateness += job.weight * late
        patience = WAITING_CUSTOMER_WEIGHT if job.waiting_customer else 1
        waiting += job.weight * patience * ahead
    return round(cost), lateness, waiting
