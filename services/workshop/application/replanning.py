"""Replanning (重排): a fresh plan after each disturbance, then an improved one.

Plans are computed outside of the transactions that apply them; one that is based on an older
version of the plan is discarded and computed again.
"""

from dataclasses import dataclass
from datetime import timedelta
from zlib import crc32

from services.workshop import persistence, planning
from services.workshop.application.assignments import assign_jobs, schedule_start_check
from services.workshop.application.deps import Deps
from services.workshop.application.load import schedule_capacity_announcement
from services.workshop.application.promise_risks import schedule_risk_check
from services.workshop.application.snapshots import Snapshot, take_snapshot
from services.workshop.domain.job import Assignment
from services.workshop.domain.reasons import PLANNER, Reason
from services.workshop.planning.real_time import as_assignment, localize_detail
from shared import timers
from shared.contracts.management import WorkshopRules
from shared.timers import StaleStateError, Timer
from shared.unit_of_work import UnitOfWork

REPLAN = "replan"
IMPROVE = "improve"

_IMPROVE_AFTER = timedelta(milliseconds=300)
"""Time without a disturbance after which the search for a better plan begins."""
_RISK_CHECK_AFTER = timedelta(milliseconds=500)


@dataclass(frozen=True)
class PlanUpdate:
    """New assignments and the reason of each move, by job id; valid for one version of the plan."""

    version: int
    assignments: dict[str, Assignment]
    reasons: dict[str, Reason]


async def request_replan(uow: UnitOfWork, store_id: str) -> None:
    """Request a replan at once, and the follow-up of each change of the plan."""
    await timers.schedule(uow, REPLAN, store_id, store_id=store_id, due_at=uow.now)
    await follow_up(uow, store_id)


async def follow_up(uow: UnitOfWork, store_id: str) -> None:
    """Schedule the risk check and the capacity announcement after a change of the plan."""
    await schedule_capacity_announcement(uow, store_id)
    await schedule_risk_check(uow, store_id, after=_RISK_CHECK_AFTER)


async def compute_replan(store_id: str, _entity_id: str, deps: Deps) -> PlanUpdate:
    """Return a fresh plan at once for all work that is not in progress."""
    snapshot = await take_snapshot(store_id, deps)
    return _plan_update(snapshot, await deps.planner.replan(snapshot.workshop))


async def apply_replan(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Apply the fresh plan and schedule the search for a better one."""
    await _apply(uow, timer.store_id, timer.prepared, deps)
    due_at = uow.now + _IMPROVE_AFTER
    await timers.schedule(uow, IMPROVE, timer.store_id, store_id=timer.store_id, due_at=due_at)


async def compute_improvement(store_id: str, _entity_id: str, deps: Deps) -> PlanUpdate | None:
    """Return a better plan than the present one, if the search finds any within its time."""
    snapshot = await take_snapshot(store_id, deps)
    seed = crc32(f"{store_id} {snapshot.version}".encode())
    result = await deps.planner.improve(snapshot.workshop, seed)
    if not planning.is_better(snapshot.workshop, result.plan):
        return None
    return _plan_update(snapshot, result)


async def apply_improvement(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Apply the better plan, if one was found."""
    if timer.prepared is not None:
        await _apply(uow, timer.store_id, timer.prepared, deps)


async def replan_late_start(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Replan the jobs that should have begun by now (未按时开工)."""
    rules = await deps.group.rules_today(uow.connection, WorkshopRules, timer.store_id)
    grace = timedelta(minutes=rules.late_start_grace_minutes)
    starts_at = await persistence.next_start(uow.connection, timer.store_id)
    if starts_at is not None and starts_at + grace <= uow.now:
        await request_replan(uow, timer.store_id)
    await schedule_start_check(uow, timer.store_id, rules)


async def _apply(uow: UnitOfWork, store_id: str, plan_update: PlanUpdate, deps: Deps) -> None:
    """Move the jobs, unless the plan has changed while the new one was computed."""
    try:
        await persistence.begin_plan_change(uow.connection, store_id, plan_update.version)
    except persistence.StalePlanError:
        raise StaleStateError from None
    open_jobs = await persistence.open_jobs(uow.connection, store_id)
    booked = await persistence.booked_jobs(uow.connection, store_id)
    plan_improved = Reason("plan_improved")
    changes = [
        (
            job,
            plan_update.assignments[job.job_id],
            plan_update.reasons.get(job.job_id, plan_improved),
        )
        for job in open_jobs
        if job.job_id in plan_update.assignments
        and (job.assignment != plan_update.assignments[job.job_id] or job.job_id not in booked)
    ]
    await assign_jobs(uow, store_id, changes, PLANNER, deps)
    await follow_up(uow, store_id)


def _plan_update(snapshot: Snapshot, result: planning.Replan) -> PlanUpdate:
    zone = snapshot.workplace.store.timezone
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
