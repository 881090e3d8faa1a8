"""The load curve (负荷曲线), and the free capacity that is published for the front desk."""

from datetime import date, datetime, time, timedelta

from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.snapshots import planned_workshop
from services.workshop.planning.expectation import overrun_buffers
from services.workshop.planning.load import Load, free_time, load
from shared import timers
from shared.contracts.workshop import CapacityChanged
from shared.db import Connection
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

CAPACITY = "capacity"

_ANNOUNCE_EVERY = timedelta(minutes=5)
_AHEAD = timedelta(days=2)


class LoadView(BaseModel):
    """Technician minutes of a skill in half an hour: at work, and not yet taken."""

    skill_code: str
    starts_at: datetime
    working_minutes: int
    free_minutes: int


async def get_load(store_id: str, day: date | None, days: int, deps: Deps) -> list[LoadView]:
    """Return working and free time by skill and half hour from ``day``, today by default."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        first = day or store.local_day(now)
        begin, end = store.at(first, time.min), store.at(first + timedelta(days=days), time.min)
        found = await _load_between(connection, store_id, max(begin, now), end, now, deps)
    return [LoadView.model_validate(each, from_attributes=True) for each in found]


async def schedule_capacity_announcement(uow: UnitOfWork, store_id: str) -> None:
    """Schedule the publication of the free capacity shortly."""
    due_at = next_multiple(_ANNOUNCE_EVERY, uow.now)
    await timers.schedule(uow, CAPACITY, store_id, store_id=store_id, due_at=due_at)


async def announce_capacity(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Publish the store's free time (R1, R11)."""
    store_id, now = timer.store_id, uow.now
    found = await _load_between(uow.connection, store_id, now, now + _AHEAD, now, deps)
    store = await deps.group.store(uow.connection, store_id)
    event = CapacityChanged(
        store_id=store_id,
        plan_version=await persistence.plan_version(uow.connection, store_id),
        free=tuple(free_time(found, timedelta(minutes=store.delivery_lead_minutes))),
    )
    uow.publish([event])


async def _load_between(
    connection: Connection,
    store_id: str,
    begin: datetime,
    end: datetime,
    now: datetime,
    deps: Deps,
) -> list[Load]:
    """Return the half hours in which technicians work, by skill and time."""
    absences = await persistence.absences_after(connection, store_id, begin)
    bookings = await persistence.resource_bookings_after(connection, store_id, begin)
    wip = await persistence.wip_jobs(connection, store_id)
    durations = (await persistence.read_learned_model(connection, store_id)).durations
    workplace = await deps.workplace(connection, store_id)
    operations = await deps.operations(connection, [job.op_code for job in wip])
    workshop = planned_workshop(workplace, operations, now, wip, (), absences, durations)
    taken = [*bookings, *overrun_buffers(workshop, bookings)]
    technicians = workplace.technicians(begin, absences, durations)
    return load(technicians, taken, begin, end)


def next_multiple(interval: timedelta, now: datetime) -> datetime:
    """Return the first whole multiple of ``interval`` after ``now``, the same for all callers."""
    seconds = interval.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, now.tzinfo)
