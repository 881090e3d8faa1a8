"""Durations that a store learns from its finished jobs (实际工时)."""

from collections.abc import Mapping
from datetime import timedelta

from services.workshop import persistence, planning
from services.workshop.application.deps import Deps
from services.workshop.application.load import next_multiple
from shared import timers
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

LEARN = "learn"

_LEARN_EVERY = timedelta(minutes=15)
_LEARN_FROM = 1500
"""Number of latest finished jobs from which durations are learned."""


async def schedule_learning(uow: UnitOfWork, store_id: str) -> None:
    """Schedule the learning of durations from the finished jobs."""
    due_at = next_multiple(_LEARN_EVERY, uow.now)
    await timers.schedule(uow, LEARN, store_id, store_id=store_id, due_at=due_at)


async def learn_durations(store_id: str, _entity_id: str, deps: Deps) -> planning.Durations:
    """Return the durations that follow from the store's latest finished jobs."""
    async with deps.uow_factory.read(store_id) as connection:
        finished = await persistence.finished_jobs(connection, store_id, _LEARN_FROM)
        workplace = await deps.workplace(connection, store_id)
        op_codes = {job.op_code for job in finished}
        operations = await deps.operations(connection, op_codes)
    time_factors = {member.technician_id: member.time_factor for member in workplace.members}
    return await deps.planner.learn(
        [_finished_job(job, operations[job.op_code].skill_code, time_factors) for job in finished]
    )


async def apply_learned_durations(uow: UnitOfWork, timer: Timer, _deps: Deps) -> None:
    """Store the learned durations, so that planning uses them from now on."""
    await persistence.save_durations(uow.connection, timer.store_id, timer.prepared)


def _finished_job(
    job: persistence.Finished, skill_code: str, time_factors: Mapping[str, float]
) -> planning.FinishedJob:
    """Return a finished job at the time factor of its technicians' records."""
    slowest = max(job.technician_ids, key=lambda who: (time_factors.get(who, 1.0), who))
    return planning.FinishedJob(
        op_code=job.op_code,
        skill_code=skill_code,
        technician_id=slowest,
        standard=job.standard_hours * 60,
        minutes=job.clocked_s / 60 / time_factors.get(slowest, 1.0),
    )
