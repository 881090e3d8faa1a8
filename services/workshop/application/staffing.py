"""Shortages of technicians in a store (人员建议, R18)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.workshop import persistence, planning
from services.workshop.application.deps import Deps
from services.workshop.domain.job import Job
from services.workshop.planning import Demand, Shortage
from services.workshop.planning.real_time import interval
from services.workshop.planning.tasks import PlanningContext
from shared import timers
from shared.contracts.management import StoreDefined
from shared.contracts.workshop import StaffingShortageDetected
from shared.group import Store
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

STAFFING = "staffing"

WEEKS = 8
"""Number of past weeks that are analyzed."""
_WEEK, _AHEAD = timedelta(weeks=1), timedelta(weeks=2)
_MONDAY = 1
_BEFORE_OPENING = timedelta(hours=1)


class SkillDemand(BaseModel):
    """One skill's hours of work: by past week, oldest first, queued now, and without people.

    ``needed_hours`` a week, growth and queue included, are absent where no hours are missing.
    """

    skill_code: str
    weekly_hours: Sequence[float]
    queued_hours: float
    needed_hours: float | None
    shortfall_hours: float
    people: int


class StaffingView(BaseModel):
    """Demand and people by skill; ``growth`` is the rise expected against the past weeks."""

    weeks_observed: int
    growth: float
    skill_codes: Sequence[SkillDemand]


@dataclass(frozen=True)
class StaffingAnalysis:
    """A store's demand by skill with its growth, and its shortages of technicians."""

    growth: float
    weeks_observed: int
    demands: tuple[planning.Demand, ...]
    shortages: tuple[planning.Shortage, ...]


async def get_staffing(store_id: str, deps: Deps) -> StaffingView:
    """Return how many technicians of each skill are missing at present."""
    found = await analyze(store_id, "", deps)
    short = {shortage.skill_code: shortage for shortage in found.shortages}
    return StaffingView(
        weeks_observed=found.weeks_observed,
        growth=found.growth,
        skill_codes=[_skill_code(demand, short.get(demand.skill_code)) for demand in found.demands],
    )


async def analyze(store_id: str, _entity_id: str, deps: Deps) -> StaffingAnalysis:
    """Analyze the demand of past weeks, the queue and the staff of the next two weeks."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        workplace = await deps.workplace(connection, store_id)
        store = workplace.store
        until = store.day_bounds(workplace.today)[0]
        ordered = await persistence.ordered_hours(connection, store_id, until, WEEKS)
        queue = await persistence.open_jobs(connection, store_id)
        absences = await persistence.absences_after(connection, store_id, now)
        learned_model = await persistence.read_learned_model(connection, store_id)
        op_codes = [*(each.op_code for each in ordered), *(job.op_code for job in queue)]
        operations = await deps.operations(connection, op_codes)
    durations = learned_model.durations
    weeks = max((each.weeks_ago for each in ordered), default=0)
    context = workplace.planning_context(operations, durations)
    demands = _demands(context, ordered, queue, weeks, store.growth)
    shortages = await deps.planner.shortages(
        workplace.technicians(now, absences, durations, horizon=_AHEAD),
        demands,
        interval(now, now + _AHEAD),
    )
    return StaffingAnalysis(store.growth, weeks, demands, shortages)


async def report_shortages(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Publish on Monday before opening which skills are short, and schedule the next check."""
    found: StaffingAnalysis = timer.prepared
    store = await deps.group.store(uow.connection, timer.store_id)
    if store.has_ended:
        return
    if found.weeks_observed:
        uow.publish(
            StaffingShortageDetected(
                store_id=timer.store_id,
                skill_code=short.skill_code,
                needed_hours=short.needed_hours,
                shortfall_hours=short.shortfall_hours,
                people=short.people,
                weeks_observed=found.weeks_observed,
                growth=found.growth,
                computed_at=uow.now,
            )
            for short in found.shortages
        )
    due_at = next_look(store, uow.now)
    await timers.schedule(uow, STAFFING, store.id, store_id=store.id, due_at=due_at)


async def schedule_first_look(uow: UnitOfWork, state: StoreDefined, _deps: Deps) -> None:
    """Schedule the first staffing check of a store for next Monday, unless there is one."""
    store = Store.of(state, uow.now)
    if not store.has_ended:
        await timers.schedule_missing(uow, STAFFING, {store.id: next_look(store, uow.now)})


def next_look(store: Store, now: datetime) -> datetime:
    """Return the next Monday, an hour before the store opens."""
    day = store.local_day(now)
    monday = day + timedelta(days=(_MONDAY - day.isoweekday()) % 7)
    look_at = store.at(monday, store.opening) - _BEFORE_OPENING
    return look_at if look_at > now else look_at + _WEEK


def _demands(
    context: PlanningContext,
    ordered: Sequence[persistence.OrderedHours],
    queue: Sequence[Job],
    weeks: int,
    growth: float,
) -> tuple[planning.Demand, ...]:
    by_week: dict[str, list[float]] = defaultdict(lambda: [0.0] * weeks)
    queued: dict[str, float] = defaultdict(float)
    for each in ordered:
        skill_code, hours = context.labor(each.op_code, each.standard_hours)
        by_week[skill_code][weeks - each.weeks_ago] += hours
    for job in queue:
        skill_code, hours = context.labor(job.op_code, job.standard_hours)
        queued[skill_code] += hours
    return tuple(
        planning.Demand(skill_code, tuple(by_week[skill_code]), queued[skill_code], growth)
        for skill_code in sorted({*by_week, *queued})
    )


def _skill_code(demand: Demand, short: Shortage | None) -> SkillDemand:
    return SkillDemand(
        skill_code=demand.skill_code,
        weekly_hours=[round(hours, 1) for hours in demand.weekly_hours],
        queued_hours=round(demand.queued_hours, 1),
        needed_hours=short.needed_hours if short else None,
        shortfall_hours=short.shortfall_hours if short else 0.0,
        people=short.people if short else 0,
    )
