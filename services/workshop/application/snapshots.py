"""Snapshots of a store's workshop, from which plans are computed outside of any transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.workshop import persistence, planning
from services.workshop.application.deps import Deps
from services.workshop.application.workplace import Operations, Workplace, require_offered
from services.workshop.domain.absence import Absence
from services.workshop.domain.hold import Hold
from services.workshop.domain.job import Job
from services.workshop.planning.tasks import PlanningContext, stay, work_since, workshop_at
from shared.contracts.management import PromiseRules


@dataclass(frozen=True)
class Snapshot:
    """The workshop at one version of its plan."""

    workplace: Workplace
    version: int
    taken_at: datetime
    workshop: planning.Workshop
    jobs: dict[str, Job]
    context: PlanningContext
    calibration: planning.Calibration
    promises: PromiseRules


async def take_snapshot(
    store_id: str,
    deps: Deps,
    *,
    requested: Sequence[str] = (),
    without_hold: str | None = None,
) -> Snapshot:
    """Return the store's workshop as it is planned now, without the given hold.

    Raises:
        RuleViolation: an operation is ``requested`` that the group does not offer.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        await require_offered(connection, requested, deps.group)
        workplace = await deps.workplace(connection, store_id)
        promises = await deps.group.rules_on(connection, PromiseRules, store_id, workplace.today)
        version = await persistence.plan_version(connection, store_id)
        jobs = await persistence.open_jobs(connection, store_id)
        finished = await persistence.last_finished(connection, store_id)
        holds = await persistence.active_holds(connection, store_id, now)
        absences = await persistence.absences_after(connection, store_id, now)
        learned_model = await persistence.read_learned_model(connection, store_id)
        held = [job.op_code for hold in holds for job in hold.jobs]
        op_codes = [*(job.op_code for job in jobs), *held, *requested]
        operations = await deps.operations(connection, op_codes)
    workshop = planned_workshop(
        workplace,
        operations,
        now,
        jobs,
        [hold for hold in holds if hold.hold_id != without_hold],
        absences,
        learned_model.durations,
    )
    return Snapshot(
        workplace=workplace,
        version=version,
        taken_at=now,
        workshop=replace(
            workshop,
            move_minutes=workplace.store.vehicle_move_minutes,
            done=tuple(stay(job) for job in finished),
        ),
        jobs={job.job_id: job for job in jobs},
        context=workplace.planning_context(operations, learned_model.durations),
        calibration=learned_model.calibration,
        promises=promises,
    )


def planned_workshop(
    workplace: Workplace,
    operations: Operations,
    now: datetime,
    jobs: Sequence[Job],
    holds: Sequence[Hold],
    absences: Sequence[Absence],
    durations: planning.Durations,
) -> planning.Workshop:
    """Return the store's technicians and bays with the work planned and reserved ``now``."""
    return workshop_at(
        workplace.planning_context(operations, durations),
        now,
        workplace.technicians(now, absences, durations, work_since(jobs, now)),
        workplace.open_bays(now),
        jobs,
        holds,
    )
