"""Expected finishes of jobs.

They follow from the absences that a transaction sees and from what the store has learned.
"""

from collections.abc import Sequence
from datetime import datetime

from services.workshop import persistence, planning
from services.workshop.application.deps import Deps
from services.workshop.domain.job import Job
from services.workshop.planning.expectation import first_expected_finish, with_expected_finish
from services.workshop.planning.tasks import PlanningContext
from shared.db import Connection


async def expect_finish(
    connection: Connection,
    job: Job,
    technician_ids: Sequence[str],
    starts_at: datetime,
    deps: Deps,
) -> datetime:
    """Return when these technicians, beginning at ``starts_at``, would finish the job."""
    context, team = await _team(connection, job, technician_ids, starts_at, deps)
    return first_expected_finish(context, job, team, starts_at)


async def renew_expected_finish(connection: Connection, job: Job, now: datetime, deps: Deps) -> Job:
    """Return work in progress with the finish that is expected ``now``."""
    begun_at = job.started_at or now
    context, team = await _team(connection, job, job.technician_ids, begun_at, deps)
    return with_expected_finish(context, job, team, now)


async def _team(
    connection: Connection,
    job: Job,
    technician_ids: Sequence[str],
    since: datetime,
    deps: Deps,
) -> tuple[PlanningContext, tuple[planning.Technician, ...]]:
    absences = await persistence.absences_after(connection, job.store_id, since)
    durations = (await persistence.read_learned_model(connection, job.store_id)).durations
    workplace = await deps.workplace(connection, job.store_id)
    operations = await deps.operations(connection, [job.op_code])
    team = tuple(
        technician
        for technician in workplace.technicians(since, absences, durations)
        if technician.technician_id in technician_ids
    )
    return workplace.planning_context(operations, durations), team
