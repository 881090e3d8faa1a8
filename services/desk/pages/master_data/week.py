"""A week of the store's people (排班周览): who works when, who is on leave, who is absent."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from services.desk.components.day_choice import chosen_day
from services.desk.components.elements import (
    badge,
    box,
    cell_box,
    link,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.page import Page
from services.desk.pages.master_data.form import shifts_of
from services.desk.pages.master_data.record import address_of_entry
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.access import roles_of
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import Person, RecordEntry
from shared.clients.workshop.models import AbsenceView
from shared.contracts.management import ShiftPattern, StoreProfile, WorkingCalendarRules

PAGE = Page(
    path="/stores/{store_id}/staff-week",
    title="Week of the staff",
    roles=roles_of(ManagementApi.list_staff),
    requirements=("R40",),
)

_DAYS = 7


@dataclass(frozen=True)
class _Week:
    """People of the store with what says when they work."""

    people: Sequence[RecordEntry]
    shifts: Sequence[ShiftPattern]
    absences: Sequence[AbsenceView]
    open_days: frozenset[date]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one row a person, and one column a day, from Monday on."""
    day = chosen_day(ctx)
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=number) for number in range(_DAYS)]
    with box("day-choice"):
        for label, distance in (("‹", -_DAYS), ("›", _DAYS)):
            step = link(label, f"?day={monday + timedelta(days=distance)}", "day-step")
            test_id("week-before" if distance < 0 else "week-after", step)
        text(f"{days[0]} – {days[-1]}", "day number")

    def render(week: _Week, renderer: PartialRenderer) -> None:
        heads = [f"{ctx.t.code('weekday', str(each.isoweekday()))} {each:%m-%d}" for each in days]
        with renderer.frame("table", table, [ctx.t("Name"), *heads]):
            for entry in week.people:
                mine = [each for each in week.absences if each.technician_id == entry.record_id]
                shown = partial(_row, ctx, days, week.shifts, week.open_days)
                renderer.section(entry.record_id, shown, entry, mine)

    await live(ctx, lambda: ctx.shared(f"week {monday}", partial(_fetch, ctx, days)), render)


async def _fetch(ctx: PageContext, days: Sequence[date]) -> _Week:
    management, store_id = ctx.services.management, ctx.store.id
    listed, shifts, absences, calendar, store = await asyncio.gather(
        management.list_staff(store_id),
        shifts_of(ctx, store_id),
        _absences(ctx),
        management.get_group_rules("working_calendar"),
        management.get_store(store_id),
    )
    people = [entry for entry in listed if any(_here(ctx, entry, day) for day in days)]
    rules = calendar.holds and calendar.holds.content
    of_group = rules.closed if isinstance(rules, WorkingCalendarRules) else ()
    profile = store.holds and store.holds.content
    of_store = profile.closed_days if isinstance(profile, StoreProfile) else ()
    open_days = [day for day in days if day.isoformat() not in {*of_group, *of_store}]
    return _Week(people, shifts, absences, frozenset(open_days))


def _here(ctx: PageContext, entry: RecordEntry, day: date) -> Person | None:
    """Return what holds of a person on a day on which they have a post in the store."""
    begun = entry.next_from and entry.next_from <= day
    person = entry.next_content if begun else entry.content
    if not isinstance(person, Person):
        return None
    return person if any(post.in_store == ctx.store.id for post in person.posts) else None


async def _absences(ctx: PageContext) -> list[AbsenceView]:
    """Return the absences that were not cancelled; none while the workshop is away."""
    workshop = ctx.services.workshop
    if not ctx.may(workshop.list_absences):
        return []
    try:
        listed = await workshop.list_absences(ctx.store.id)
    except (ApiError, ServiceUnavailableError):
        return []
    return [absence for absence in listed if absence.cancelled_at is None]


def _row(
    ctx: PageContext,
    days: Sequence[date],
    shifts: Sequence[ShiftPattern],
    open_days: frozenset[date],
    entry: RecordEntry,
    absences: Sequence[AbsenceView],
) -> None:
    here = {day: _here(ctx, entry, day) for day in days}
    with test_id(f"week-{entry.record_id}", row()):
        with cell_box():
            named = next(filter(None, here.values()))
            link(ctx.t.of(named), address_of_entry(ctx, "staff", entry), "row-anchor")
        for day, person in here.items():
            with cell_box():
                if person:
                    _day(ctx, person, day, shifts, absences, is_open=day in open_days)


def _day(
    ctx: PageContext,
    person: Person,
    day: date,
    shifts: Sequence[ShiftPattern],
    absences: Sequence[AbsenceView],
    *,
    is_open: bool,
) -> None:
    t = ctx.t
    if any(leave.first_day <= day.isoformat() <= leave.last_day for leave in person.leave):
        badge(t("On leave"), "warn")
        return
    begin = datetime.combine(day, time.min, ctx.store.timezone)
    for absence in absences:
        if absence.starts_at < begin + timedelta(days=1) and absence.ends_at > begin:
            badge(t.code("absence", absence.kind), "bad")
    worked = [
        shift
        for shift in shifts
        if shift.shift == person.shift and day.isoweekday() in shift.weekdays and is_open
    ]
    for shift in worked:
        text(f"{shift.start}–{shift.finish}", "number")
    if not worked:
        text(t("Store closed") if not is_open else NOTHING, "hint")
