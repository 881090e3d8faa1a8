"""How good a plan is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from services.workshop.planning.model import Assignment, Job, Objective, Workshop

WAITING_CUSTOMER_WEIGHT = 4
"""How much more a minute counts for a customer who waits in the store (在店等候)."""


def judge(workshop: Workshop, assignments: Iterable[Assignment]) -> Objective:
    """The figures of a plan for the snapshot's open jobs."""
    jobs = {job.job_id: job for job in workshop.jobs}
    running = {assignment.job_id: assignment for assignment in workshop.running}
    finishes: defaultdict[str, int] = defaultdict(int)
    changed = 0
    load = {technician.technician_id: 0 for technician in workshop.technicians}
    for a in assignments:
        job = jobs[a.job_id]
        finishes[job.order_id] = max(finishes[job.order_id], a.finish)
        changed += moved(running.get(a.job_id), a)
        for technician_id in a.technician_ids:
            load[technician_id] = load.get(technician_id, 0) + a.finish - a.start
    broken, lateness, waiting = _orders(workshop.now, jobs, finishes)
    imbalance = max(load.values(), default=0) - min(load.values(), default=0)
    return Objective(broken, lateness, waiting, changed, imbalance)


def moved(before: Assignment | None, after: Assignment) -> bool:
    """Whether other people or another bay are to do the job."""
    return before is not None and (
        before.technician_ids != after.technician_ids or before.bay_id != after.bay_id
    )


def _orders(now: int, jobs: Mapping[str, Job], finishes: Mapping[str, int]) -> tuple[int, int, int]:
    orders = {job.order_id: job for job in jobs.values()}
    broken = lateness = waiting = 0
    for order_id, finish in finishes.items():
        job = orders[order_id]
        late = max(0, finish - job.promise) if job.promise is not None else 0
        broken += job.weight * (late > 0)
        lateness += job.weight * late
        patience = WAITING_CUSTOMER_WEIGHT if job.waiting_customer else 1
        waiting += job.weight * patience * max(0, finish - now)
    return broken, lateness, waiting
