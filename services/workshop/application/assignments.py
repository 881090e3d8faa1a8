"""Assignment of slots in the plan to jobs (派工).

Every function runs inside a unit of work in which the store's plan is locked.
"""

from collections.abc import Sequence
from datetime import timedelta

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Assignment, Job
from services.workshop.domain.reasons import Reason
from shared import timers
from shared.contracts.management import WorkshopRules
from shared.unit_of_work import UnitOfWork

START_DUE = "start_due"


async def assign_jobs(
    uow: UnitOfWork,
    store_id: str,
    changes: Sequence[tuple[Job, Assignment, Reason]],
    by: str,
    deps: Deps,
) -> list[Job]:
    """Assign jobs and book their resources, each with a reason."""
    await persistence.delete_resource_bookings(
        uow.connection, store_id, [job.job_id for job, _, _ in changes]
    )
    await persistence.add_resource_bookings(
        uow.connection,
        store_id,
        [(job.job_id, None, assignment) for job, assignment, _ in changes],
    )
    workplace = await deps.workplace(uow.connection, store_id)
    changed = []
    for job, assignment, reason in changes:
        assigned, events = jobs.assign(
            job, assignment, delivery_lead=workplace.delivery_lead, reason=reason, by=by
        )
        changed.append(assigned)
        uow.publish(events)
    saved = await persistence.save_jobs(uow, changed)
    await schedule_start_check(uow, store_id, workplace.rules)
    return saved


async def schedule_start_check(uow: UnitOfWork, store_id: str, rules: WorkshopRules) -> None:
    """Schedule a check for when the next job should have begun."""
    starts_at = await persistence.next_start(uow.connection, store_id)
    if starts_at is not None:
        due_at = max(starts_at, uow.now) + timedelta(minutes=rules.late_start_grace_minutes)
        await timers.schedule(uow, START_DUE, store_id, store_id=store_id, due_at=due_at)
