"""Attendance (考勤): signing in and out, corrections, and the files of machines (R13, R18)."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from services.management.application.deps import Deps
from services.management.domain import attendance, attendance_file, errors
from services.management.domain.attendance import Presence, Source, Status, WorkingDay
from services.management.domain.attendance_file import Column, RowRule
from services.management.domain.record import Version as DatedVersion
from services.management.domain.timetable import Schedule, Timetable
from services.management.persistence import attendance as persistence
from services.management.persistence import records
from services.management.persistence.attendance import Correction
from shared import timers
from shared.contracts.base import GROUP, Timestamp
from shared.contracts.versioned import require_version
from shared.db import Connection, limit
from shared.request_model import Reason, RequestModel, Version, VersionedRequest
from shared.table_files import rows_of_csv
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

MISSED_SIGN_OUT = "missed_sign_out"

LARGEST_FILE = 1_000_000
"""Largest size of a machine's file in bytes."""

MOST_ERRORS = 200
"""Largest number of errors in a response."""

LONGEST_SPAN = timedelta(days=31)
"""Longest span of days in a list."""

_ONE_DAY = timedelta(days=1)


class PresenceGiven(RequestModel):
    signed_in_at: Annotated[Timestamp, Field(description="签到")]
    signed_out_at: Annotated[Timestamp | None, Field(description="签退")] = None


class CorrectAttendanceRequest(VersionedRequest):
    """Presences of a working day in the place of what was recorded; none if the person was away."""

    presences: Annotated[list[PresenceGiven], Field(max_length=20)]
    reason: Reason


class PresenceView(BaseModel):
    """Time from a sign-in to a sign-out; it goes on until the latter.

    The platform set the sign-out of one that is ``auto_closed``.
    """

    signed_in_at: datetime
    signed_out_at: datetime | None
    auto_closed: bool


class WorkingDayView(BaseModel):
    """Working day of a person: planned shift, presences and figures, which run on until it ends.

    ``version`` is "0" for a day without a sign-in. The platform set a sign-out of a day that is
    ``auto_closed``. Times in seconds.
    """

    person_id: str
    day: date
    status: Status
    shift: str | None
    shift_start: datetime | None
    shift_finish: datetime | None
    presences: Sequence[PresenceView]
    source: Source
    auto_closed: bool
    scheduled_s: int
    attended_s: int
    late_s: int
    early_leave_s: int
    overtime_s: int
    on_leave: bool
    version: Version


class CorrectionView(BaseModel):
    """Correction of a working day; the reason is absent once its key was destroyed."""

    before: Sequence[PresenceView]
    after: Sequence[PresenceView]
    corrected_by: str
    corrected_at: datetime
    reason: str | None


class CorrectedDayView(WorkingDayView):
    """Working day with its corrections, the last one first."""

    corrections: Sequence[CorrectionView]


class OwnAttendance(BaseModel):
    """Week of a person, from Monday on, and since when they are signed in."""

    today: date
    signed_in_since: datetime | None
    days: Sequence[WorkingDayView]


class RowErrorView(BaseModel):
    """Error in a row of a file, of which the head is row 1, with an example of what is right."""

    row: int
    column: Column | None
    value: str
    rule: RowRule
    expected: str


class ImportAttendanceResponse(BaseModel):
    """Result of a machine's file; with ``errors``, nothing has changed.

    ``error_count`` is the number of all errors. ``kept`` days were recorded by the person or a
    manager and stay as they are.
    """

    rows: int
    changed: int
    unchanged: int
    kept: int
    error_count: int
    errors: Sequence[RowErrorView]


@dataclass(frozen=True)
class _Plan:
    """Timetable of a store and the persons in question."""

    timetable: Timetable
    staff: Mapping[str, Sequence[DatedVersion]]

    def person(self, person_id: str) -> Sequence[DatedVersion]:
        return self.staff.get(person_id, ())

    def schedule(self, day: WorkingDay) -> Schedule:
        return self.timetable.schedule(self.person(day.person_id), day.day)


async def sign_in(uow: UnitOfWork, _: Deps) -> WorkingDayView:
    """Begin the caller's working day, or go on with it (签到); in another store it ends.

    Raises:
        RuleViolation: the caller has no post in the store, or is signed in.
    """
    await persistence.lock_person(uow.connection, uow.person)
    person_id, plan = uow.person, await _plan(uow, [uow.person])
    today = plan.timetable.day_of(plan.person(person_id), uow.now)
    if not plan.timetable.works_here(plan.person(person_id), today):
        raise errors.not_on_staff(person_id)
    locked = await persistence.begin(uow.connection, uow.store_id, [(person_id, today)])
    earlier = await persistence.of_person(
        uow.connection, uow.store_id, person_id, today - _ONE_DAY, today - _ONE_DAY
    )
    signed = attendance.sign_in(locked[person_id, today], earlier, uow.now, plan.timetable.zone)
    [saved] = await _save(uow, [signed], plan)
    await _sign_out_elsewhere(uow)
    return _view(saved, plan, uow.now)


async def sign_out(uow: UnitOfWork, _: Deps) -> WorkingDayView:
    """End the caller's working day, or interrupt it, in the store where it began (签退).

    The caller's own sign-out replaces one that the platform has set on the same day.

    Raises:
        RuleViolation: the caller is not signed in.
    """
    await persistence.lock_person(uow.connection, uow.person)
    plan = await _plan(uow, [uow.person])
    days = await _lock_last_days(uow, plan)
    if not any(day.open_since for day in days) and (ended := await _sign_out_elsewhere(uow)):
        return ended
    return await _sign_out(uow, days, plan)


async def _sign_out(uow: UnitOfWork, days: Sequence[WorkingDay], plan: _Plan) -> WorkingDayView:
    ended = attendance.sign_out(days, uow.now, plan.timetable.zone)
    [saved] = await _save(uow, [ended], plan)
    return _view(saved, plan, uow.now)


async def _sign_out_elsewhere(uow: UnitOfWork) -> WorkingDayView | None:
    """End the caller's open working day in another store; the transaction sees that store too."""
    for store_id in await _other_stores(uow):
        async with uow.limited_to(store_id) as there:
            plan = await _plan(there, [uow.person])
            days = await _lock_last_days(there, plan)
            is_open = any(day.open_since for day in days)
            ended = await _sign_out(there, days, plan) if is_open else None
        if ended:
            await limit(uow.connection, [*uow.stores, store_id])
            return ended
    return None


async def _other_stores(uow: UnitOfWork) -> Collection[str]:
    async with _with_group(uow):
        return await _stores_but(uow.connection, uow.store_id, uow.person)


async def _stores_but(connection: Connection, store_id: str, person_id: str) -> Collection[str]:
    """Return the other stores in which the person has, had or will have a post."""
    return sorted(await records.stores_of_staff(connection, [person_id]) - {store_id})


async def _lock_last_days(uow: UnitOfWork, plan: _Plan) -> Sequence[WorkingDay]:
    """Return the caller's working days of yesterday and today, locked."""
    today = plan.timetable.day_of(plan.person(uow.person), uow.now)
    keys = [(uow.person, today - _ONE_DAY), (uow.person, today)]
    return [*(await persistence.lock(uow.connection, uow.store_id, keys)).values()]


async def lock_working_day(uow: UnitOfWork, store_id: str, entity_id: str) -> None:
    """Lock the working day of a timer."""
    await persistence.lock(uow.connection, store_id, [_key_of(store_id, entity_id)])


async def close_missed_sign_out(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """End a working day whose sign-out was missed (忘签退), for a manager to correct."""
    person_id, day = _key_of(timer.store_id, timer.entity_id)
    locked = await persistence.lock(uow.connection, timer.store_id, [(person_id, day)])
    plan = await _plan(uow, [person_id])
    found = locked[person_id, day]
    missed_at = attendance.missed_at(found, plan.schedule(found))
    if missed_at and missed_at <= uow.now:
        found = attendance.close_missed(found, plan.schedule(found))
    if found.open_since or found != found.stored:
        await _save(uow, [found], plan)


async def correct_attendance(
    uow: UnitOfWork, person_id: str, day: date, command: CorrectAttendanceRequest, deps: Deps
) -> WorkingDayView:
    """Correct a person's working day, with a reason (考勤更正); what was recorded is kept.

    Raises:
        RuleViolation: the person has no post in the store, another change came in between, or as
            :func:`attendance.correct`.
    """
    connection, store_id, plan = uow.connection, uow.store_id, await _plan(uow, [person_id])
    locked = await persistence.begin(connection, store_id, [(person_id, day)])
    found = locked[person_id, day]
    if not found.version and not plan.timetable.works_here(plan.person(person_id), day):
        raise errors.not_on_staff(person_id)
    require_version(found, command.version)
    presences = [Presence(**vars(each)) for each in command.presences]
    corrected = attendance.correct(found, presences, plan.schedule(found), uow.now)
    if corrected == found:
        return _view(found, plan, uow.now)
    [saved] = await _save(uow, [corrected], plan)
    reason = await deps.personal.encrypt(connection, store_id, person_id, command.reason)
    correction = Correction(saved.version, found.presences, saved.presences, uow.person, uow.now)
    await persistence.add_correction(connection, saved, correction, reason)
    return _view(saved, plan, uow.now)


async def import_attendance(uow: UnitOfWork, content: bytes, _: Deps) -> ImportAttendanceResponse:
    """Take over the file of an attendance machine (考勤机), whole or not at all.

    It is CSV in UTF-8 or GBK, with a head and the columns person_id, date, time and, unless
    sign-ins and sign-outs alternate, in_out. Days that a person or a manager recorded stay as they
    are; the same file again changes nothing.
    """
    plan = await _plan(uow)
    rows = await asyncio.to_thread(rows_of_csv, content)
    punches, wrong = await asyncio.to_thread(
        attendance_file.read_file, rows, plan.timetable, uow.now
    )
    days, unarranged = await asyncio.to_thread(
        attendance_file.arrange, punches, plan.staff, plan.timetable
    )
    if wrong := [*wrong, *unarranged]:
        shown = sorted(wrong, key=lambda each: each.row)[:MOST_ERRORS]
        return ImportAttendanceResponse(
            rows=len(punches),
            changed=0,
            unchanged=0,
            kept=0,
            error_count=len(wrong),
            errors=[RowErrorView(**vars(each)) for each in shown],
        )
    locked = await persistence.begin(uow.connection, uow.store_id, days)
    taken = [
        attendance.take_over(day, days[key], plan.schedule(day), uow.now)
        for key, day in locked.items()
    ]
    changed = [day for day in taken if day != day.stored]
    await _save(uow, changed, plan)
    kept = sum(day.source != "machine" for day in taken)
    return ImportAttendanceResponse(
        rows=len(punches),
        changed=len(changed),
        unchanged=len(taken) - len(changed) - kept,
        kept=kept,
        error_count=0,
        errors=[],
    )


async def own_attendance(
    store_id: str, person_id: str, day: date | None, deps: Deps
) -> OwnAttendance:
    """Return the week of the caller in which ``day`` lies, or today (我的考勤).

    They may be signed in to another store.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id, GROUP) as connection:
        plan = await _read_plan(connection, store_id, [person_id])
        today = plan.timetable.day_of(plan.person(person_id), now)
        monday = (day or today) - timedelta(days=(day or today).weekday())
        week = [monday + timedelta(days=number) for number in range(7)]
        recorded = await persistence.of_person(connection, store_id, person_id, week[0], week[-1])
        others = await _stores_but(connection, store_id, person_id)
        await limit(connection, [store_id, *others])
        last = [
            day
            for each in (store_id, *others)
            for day in await persistence.of_person(
                connection, each, person_id, today - _ONE_DAY, today
            )
        ]
    found = {each.day: each for each in recorded}
    days = [
        found.get(each, WorkingDay(store_id=store_id, person_id=person_id, day=each))
        for each in week
    ]
    return OwnAttendance(
        today=today,
        signed_in_since=next((each.open_since for each in last if each.open_since), None),
        days=[_view(each, plan, now) for each in days],
    )


async def list_attendance(
    store_id: str, first: date | None, last: date | None, deps: Deps
) -> list[WorkingDayView]:
    """List the working days of a store's staff, of today or from a first day to a last (考勤表).

    At most 31 days are listed.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id, GROUP) as connection:
        plan = await _read_plan(connection, store_id)
        begin = first or plan.timetable.local_day(now)
        end = max(begin, min(last or begin, begin + LONGEST_SPAN - _ONE_DAY))
        recorded = await persistence.of_store(connection, store_id, begin, end)
    found = {(each.day, each.person_id): each for each in recorded}
    span = [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
    for day in span:
        for person_id, person in plan.staff.items():
            if plan.timetable.works_here(person, day):
                blank = WorkingDay(store_id=store_id, person_id=person_id, day=day)
                found.setdefault((day, person_id), blank)
    ordered = sorted(found.items(), key=lambda each: (each[0][0], len(each[0][1]), each[0][1]))
    return [_view(day, plan, now) for _, day in ordered]


async def get_attendance(store_id: str, person_id: str, day: date, deps: Deps) -> CorrectedDayView:
    """Return a person's working day with its corrections (考勤明细)."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id, GROUP) as connection:
        plan = await _read_plan(connection, store_id, [person_id])
        found = await persistence.of_person(connection, store_id, person_id, day, day)
        history = await persistence.corrections(connection, store_id, person_id, day)
        encrypted = [(person_id, reason) for _, reason in history]
        reasons = await deps.personal.decrypt_all(connection, store_id, encrypted)
    blank = WorkingDay(store_id=store_id, person_id=person_id, day=day)
    return CorrectedDayView(
        **_view(found[0] if found else blank, plan, now).model_dump(),
        corrections=[
            CorrectionView(
                before=_presences(each.before),
                after=_presences(each.after),
                corrected_by=each.corrected_by,
                corrected_at=each.corrected_at,
                reason=reason,
            )
            for (each, _), reason in zip(history, reasons, strict=True)
        ],
    )


async def _plan(uow: UnitOfWork, person_ids: Collection[str] | None = None) -> _Plan:
    """Read timetable and persons in the running transaction."""
    async with _with_group(uow):
        return await _read_plan(uow.connection, uow.store_id, person_ids)


@asynccontextmanager
async def _with_group(uow: UnitOfWork) -> AsyncIterator[None]:
    """See the rows of the group too, which decides on some of the staff."""
    await limit(uow.connection, [*uow.stores, GROUP])
    yield
    await limit(uow.connection, uow.stores)


async def _read_plan(
    connection: Connection, store_id: str, person_ids: Collection[str] | None = None
) -> _Plan:
    return _Plan(
        await persistence.timetable(connection, store_id),
        await persistence.staff(connection, store_id, person_ids),
    )


async def _save(uow: UnitOfWork, days: Iterable[WorkingDay], plan: _Plan) -> list[WorkingDay]:
    """Store working days, announce those that ended, and watch for the sign-outs of the others."""
    recorded = []
    for day in days:
        schedule = plan.schedule(day)
        ended, events = attendance.record(day, schedule, uow.now)
        recorded.append(ended)
        uow.publish(events)
        entity_id = f"{day.store_id}/{day.person_id}/{day.day}"
        if missed_at := attendance.missed_at(day, schedule):
            await timers.schedule(
                uow, MISSED_SIGN_OUT, entity_id, store_id=day.store_id, due_at=missed_at
            )
        else:
            await timers.cancel(uow, MISSED_SIGN_OUT, entity_id)
    return await uow.save(recorded, lambda changed: persistence.save(uow.connection, changed))


def _key_of(store_id: str, entity_id: str) -> tuple[str, date]:
    person_id, _, day = entity_id.removeprefix(f"{store_id}/").rpartition("/")
    return person_id, date.fromisoformat(day)


def _view(day: WorkingDay, plan: _Plan, now: datetime) -> WorkingDayView:
    schedule = plan.schedule(day)
    shift = schedule.shift
    return WorkingDayView(
        person_id=day.person_id,
        day=day.day,
        status=attendance.status(day.presences, schedule, now),
        shift=shift and shift.code,
        shift_start=shift and shift.start,
        shift_finish=shift and shift.finish,
        presences=_presences(day.presences),
        source=day.source,
        auto_closed=day.auto_closed,
        version=str(day.version),
        **asdict(_figures(day, schedule, now)),
    )


def _figures(day: WorkingDay, schedule: Schedule, now: datetime) -> attendance.Figures:
    """Return the figures that were announced, or those of a day that is not over."""
    if day.figures and not day.open_since:
        return day.figures
    return attendance.figures(day.presences, schedule, now)


def _presences(presences: Iterable[Presence]) -> list[PresenceView]:
    return [PresenceView(**vars(each)) for each in presences]
