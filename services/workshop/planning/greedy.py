"""The greedy plan: jobs in order of urgency, each to its earliest finish."""

from collections.abc import Iterable, Mapping
from typing import Final

from services.workshop.planning.model import (
    Aim,
    Infeasibility,
    Objective,
    Plan,
    PlanAssignment,
    PlanTask,
    Workshop,
)
from services.workshop.planning.network import Network, Urgency
from services.workshop.planning.objective import WAITING_CUSTOMER_WEIGHT, evaluate
from services.workshop.planning.slot_search import MULTISKILL_PENALTY, ResourceSchedule
from services.workshop.planning.timeline import NEVER

ORDERINGS: Final = 1000
"""Jobs placed in the first plans; for a large workshop that is one or two plans."""
REPAIRS: Final = 300
"""Jobs placed again in the repairs of one plan; the number bounds the time."""


def greedy(workshop: Workshop, aim: Aim = "promises") -> Plan:
    """Return the best of a few plans, each with another order of urgency.

    The more jobs there are, the fewer plans are compared.

    Fixed jobs and reservations stay as they are. Ties are decided by job id, so that the same
    snapshot always gives the same plan.
    """
    network = Network(workshop.jobs)
    schedule = ResourceSchedule(workshop, MULTISKILL_PENALTY if aim == "promises" else 0)
    most = max(1, ORDERINGS // max(1, len(workshop.jobs)))
    urgencies = _urgencies(workshop, network, aim)[:most]
    plans = [_serial(workshop, network, schedule, urgency) for urgency in urgencies]
    if workshop.current_plan:
        plans.append(_replay_current_plan(workshop, network, schedule))
    best = min(plans, key=lambda plan: plan_rank(plan, aim))
    return best if aim == "makespan" else _repaired(workshop, network, schedule, best)


def plan_rank(plan: Plan, aim: Aim) -> tuple[int, int, Objective]:
    """Return the key by which plans are compared; less is better."""
    return len(plan.unplannable), plan.makespan if aim == "makespan" else 0, plan.objective


def decode(
    workshop: Workshop,
    network: Network,
    schedule: ResourceSchedule,
    order: Iterable[str],
    teams: Mapping[str, tuple[str, ...]],
) -> Plan:
    """Return the plan that results from placing jobs with these teams in this order."""
    rank = {job_id: float(i) for i, job_id in enumerate(order)}
    return _serial(workshop, network, schedule, lambda job: (rank.get(job.job_id, NEVER),), teams)


def _replay_current_plan(workshop: Workshop, network: Network, schedule: ResourceSchedule) -> Plan:
    """Replay the current plan until the first job whose slot is gone."""
    starts = {assignment.job_id: assignment.start for assignment in workshop.current_plan}
    return _serial(
        workshop, network, schedule, lambda job: (starts.get(job.job_id, NEVER),), replays=True
    )


def _repaired(workshop: Workshop, network: Network, schedule: ResourceSchedule, best: Plan) -> Plan:
    """Return the plan after trying each late order first and last, the nearest miss first."""
    tries = REPAIRS // len(workshop.jobs) if workshop.jobs else 0
    tried: set[tuple[str, bool]] = set()
    while tries and (found := _next_repair(network, best, tried)):
        tries -= 1
        tried.add(found)
        order_id, last = found
        order = sorted(
            best.assignments, key=lambda a: (network.jobs[a.job_id].order_id == order_id) == last
        )
        plan = decode(workshop, network, schedule, [a.job_id for a in order], {})
        best = min(best, plan, key=lambda plan: plan_rank(plan, "promises"))
    return best


def _next_repair(
    network: Network, plan: Plan, tried: set[tuple[str, bool]]
) -> tuple[str, bool] | None:
    """Return the late order, and whether to try it last, of the next untried repair."""
    misses: dict[str, int] = {}
    for a in plan.assignments:
        job = network.jobs[a.job_id]
        if job.promise is not None and a.finish > job.promise and not job.fixed_assignment:
            misses[job.order_id] = max(misses.get(job.order_id, 0), a.finish - job.promise)
    near = sorted(misses, key=lambda order_id: (misses[order_id], order_id))
    steps = ((order_id, last) for order_id in near for last in (False, True))
    return next((step for step in steps if step not in tried), None)


def _urgencies(workshop: Workshop, network: Network, aim: Aim) -> tuple[Urgency, ...]:
    tails = network.tails()
    starts = {assignment.job_id: assignment.start for assignment in workshop.current_plan}

    def latest_start(job: PlanTask) -> tuple[float, ...]:
        due = NEVER if job.promise is None else job.promise - tails[job.job_id]
        return due, -job.weight, -job.waiting_customer, job.earliest_start

    def longest_chain(job: PlanTask) -> tuple[float, ...]:
        return (-tails[job.job_id],)

    def current_start(job: PlanTask) -> tuple[float, ...]:
        return starts.get(job.job_id, NEVER), *latest_start(job)

    def shortest(job: PlanTask) -> tuple[float, ...]:
        patience = WAITING_CUSTOMER_WEIGHT if job.waiting_customer else 1
        return (tails[job.job_id] / (patience * job.weight),)

    if aim == "makespan":
        return longest_chain, current_start
    return latest_start, current_start, shortest


def _serial(
    workshop: Workshop,
    network: Network,
    schedule: ResourceSchedule,
    urgency: Urgency,
    teams: Mapping[str, tuple[str, ...]] | None = None,
    *,
    replays: bool = False,
) -> Plan:
    schedule.clear(teams)
    for reserved in workshop.reservations:
        schedule.take(reserved.slot, reserved.job.order_id)
    placed: dict[str, PlanAssignment] = {}
    for job in workshop.jobs:
        if job.fixed_assignment:
            schedule.take(job.fixed_assignment, job.order_id)
            placed[job.job_id] = job.fixed_assignment
    infeasible: dict[str, Infeasibility] = {}
    for job in network.sequence(urgency):
        if replays and infeasible:
            break
        if job.fixed_assignment or any(other not in placed for other in network.before[job.job_id]):
            continue
        ready = max((placed[other].finish for other in network.before[job.job_id]), default=0)
        result = (
            schedule.slot_in_current_plan(job, ready) if replays else schedule.find_slot(job, ready)
        )
        if isinstance(result, Infeasibility):
            infeasible[job.job_id] = result
        else:
            schedule.take(result, job.order_id)
            placed[job.job_id] = result
    return _planned(workshop, placed, infeasible)


def _planned(
    workshop: Workshop, placed: dict[str, PlanAssignment], infeasible: dict[str, Infeasibility]
) -> Plan:
    stuck = (
        Infeasibility(job.job_id, "predecessor", {"job_id": ", ".join(job.after)})
        for job in workshop.jobs
        if job.job_id not in placed and job.job_id not in infeasible
    )
    unplannable = sorted(
        [*infeasible.values(), *stuck], key=lambda infeasibility: infeasibility.job_id
    )
    assignments = sorted(placed.values(), key=lambda a: (a.start, a.job_id))
    return Plan(tuple(assignments), tuple(unplannable), evaluate(workshop, assignments))
