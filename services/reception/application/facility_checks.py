"""Facility checks of customer lounge and service drive (日常检查), and overdue areas (R43).

Each store has one timer, which sets the next, so that a day without any check is noticed. It fires
at each due time, and at the start of a day, from which another checklist may hold. The first is set
when the store is defined; while the store is closed for good, there is none.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.checklists import facility_checklists
from services.reception.application.deps import Deps
from services.reception.application.opening_hours import opening_days
from services.reception.domain import facility_check as checks
from services.reception.domain.facility_check import FacilityCheck, FacilityChecklist, Result
from shared import timers
from shared.contracts.base import Identifier
from shared.contracts.dated import content_on
from shared.contracts.management import StoreDefined
from shared.group import Store
from shared.ids import new_id
from shared.master_data import NotDefinedError
from shared.request_model import RequestModel
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

CHECKS_DUE = "facility_checks_due"
_SINCE = "since"


class RecordCheckRequest(RequestModel):
    """Request to record every item of the area's list with its result.

    ``photo_id`` is a photo that was sent.
    """

    area: Identifier
    results: Annotated[dict[Identifier, Result], Field(min_length=1, max_length=50)]
    photo_id: Identifier | None = None


class CheckView(BaseModel):
    check_id: str
    area: str
    day: date
    results: dict[str, Result]
    failed: Sequence[str]
    photo_id: str | None
    checked_by: str
    checked_at: datetime


async def record_check(uow: UnitOfWork, command: RecordCheckRequest, deps: Deps) -> CheckView:
    """Record the caller's check of an area; failed items become a corrective action (整改).

    Raises:
        NotDefinedError: there is no checklist of the premises.
    """
    store = await deps.group.store(uow.connection, uow.store_id)
    day = store.local_day(uow.now)
    lists = await facility_checklists(uow.connection, uow.store_id, day, deps)
    check = FacilityCheck(
        check_id=str(new_id()),
        store_id=uow.store_id,
        area=command.area,
        day=day,
        results=command.results,
        photo_id=command.photo_id,
        checked_by=uow.person,
        checked_at=uow.now,
    )
    events = checks.record(check, lists)
    if command.photo_id is not None:
        await persistence.read_photo(uow.connection, uow.store_id, command.photo_id)
    await persistence.add_facility_check(uow.connection, check)
    uow.publish(events)
    return _view(check)


async def list_checks(store_id: str, day: date | None, deps: Deps) -> list[CheckView]:
    """List the checks of a day of the store, today's where none is named."""
    async with deps.uow_factory.read(store_id) as connection:
        today = deps.today(await deps.group.store(connection, store_id))
        found = await persistence.facility_checks(connection, store_id, day or today)
    return [_view(check) for check in found]


async def begin_checks(uow: UnitOfWork, event: StoreDefined, _: Deps) -> None:
    """Have the store's timer fire, and set the next, from when the store has a profile.

    A timer that runs is left as it is; one that waits for the store's begin is moved to it.
    """
    store_id = event.record_id
    store = Store.of(event, uow.now)
    today = store.local_day(uow.now)
    if content_on(event.versions, today) is not None:
        await timers.schedule_missing(uow, CHECKS_DUE, {store_id: uow.now})
    elif begin := _next_begin(event, today):
        due_at = store.day_bounds(begin)[0]
        await timers.schedule(uow, CHECKS_DUE, store_id, store_id=store_id, due_at=due_at)


async def report_missing_checks(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Report areas that were not checked in time since the last timer, and schedule the next.

    The checklist of each day counts. Closed days (休业日) need no check; when the store has closed
    for good, no timer follows.

    Raises:
        NotDefinedError: there is no checklist of the premises today.
    """
    store, until = await deps.group.store(uow.connection, timer.store_id), timer.due_at
    await facility_checklists(uow.connection, store.id, store.local_day(uow.now), deps)
    since = datetime.fromisoformat(timer.data.get(_SINCE, until.isoformat()))
    today = store.local_day(until)
    hours = (await opening_days(uow.connection, store, {store.local_day(since), today}, deps)).hours
    for day in sorted(hours):
        lists = await _lists_of(uow, store.id, day, deps)
        if day not in hours[day].closed:
            found = await persistence.facility_checks(uow.connection, store.id, day)
            due = checks.due_times(lists, store.timezone, day)
            uow.publish(checks.missing(store.id, day, due, found, since, until))
    if today in hours:
        await timers.schedule(
            uow,
            CHECKS_DUE,
            store.id,
            store_id=store.id,
            due_at=checks.next_due(lists, store.timezone, until) + checks.report_delay(store.id),
            data={_SINCE: until.isoformat()},
        )


async def _lists_of(
    uow: UnitOfWork, store_id: str, day: date, deps: Deps
) -> Sequence[FacilityChecklist]:
    """Return the checklists of a day, none where it had none."""
    try:
        return await facility_checklists(uow.connection, store_id, day, deps)
    except NotDefinedError:
        return ()


def _next_begin(event: StoreDefined, today: date) -> date | None:
    """Return the first day after ``today`` from which the store has a profile."""
    begins = (date.fromisoformat(each.valid_from) for each in event.versions if each.content)
    return min((day for day in begins if day > today), default=None)


def _view(check: FacilityCheck) -> CheckView:
    return CheckView.model_validate(check, from_attributes=True)
