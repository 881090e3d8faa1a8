"""Checks of shifts (班次), of the working calendar (工作日历) and of inspections (质检单)."""

from itertools import pairwise

from services.management.domain import errors
from shared.contracts.management import (
    SKILLS,
    AttendanceRules,
    InspectionChecklistRules,
    ShiftPattern,
    ShiftRules,
    WorkingCalendarRules,
)
from shared.contracts.violations import RuleViolation

_LATEST_BEGIN = "12:00"


def check_shifts(rules: ShiftRules) -> None:
    """Check the shifts.

    Raises:
        RuleViolation: a shift stands twice, or two of its times overlap.
    """
    seen = set[str]()
    for place, shift in enumerate(rules.shifts):
        if shift.shift in seen:
            raise RuleViolation(
                "shift_twice",
                f"The shift {shift.shift} stands there twice.",
                field=f"content.shifts.{place}.shift",
                code=shift.shift,
            )
        seen.add(shift.shift)
        _check_times(shift, f"content.shifts.{place}")


def check_calendar(rules: WorkingCalendarRules) -> None:
    """Check the years.

    Raises:
        RuleViolation: a year stands twice, or a day is of another year.
    """
    seen = set[int]()
    for place, year in enumerate(rules.years):
        field = f"content.years.{place}"
        if year.year in seen:
            raise RuleViolation(
                "year_twice", f"The year {year.year} stands there twice.", field=f"{field}.year"
            )
        seen.add(year.year)
        for name in ("holidays", "workdays"):
            for number, day in enumerate(getattr(year, name)):
                if not day.startswith(f"{year.year}-"):
                    raise RuleViolation(
                        "day_of_another_year",
                        f"{day} is not in {year.year}.",
                        field=f"{field}.{name}.{number}",
                    )


def check_attendance(rules: AttendanceRules) -> None:
    """Check that days begin in the morning.

    Raises:
        RuleViolation: they begin later.
    """
    if rules.day_begins > _LATEST_BEGIN:
        raise RuleViolation(
            "day_begins_late",
            f"The day begins by {_LATEST_BEGIN} at the latest.",
            field="content.day_begins",
            latest=_LATEST_BEGIN,
        )


def check_inspection(rules: InspectionChecklistRules) -> None:
    """Check the checklists by skill.

    Raises:
        RuleViolation: a skill is unknown, or a skill or an item of it stands twice.
    """
    skills = [each.skill_code for each in rules.skills]
    for place, checklist in enumerate(rules.skills):
        field = f"content.skills.{place}"
        if checklist.skill_code not in SKILLS:
            raise errors.unknown_skill(checklist.skill_code, f"{field}.skill_code")
        if checklist.skill_code in skills[:place]:
            raise RuleViolation(
                "skill_twice",
                f"The skill {checklist.skill_code} stands there twice.",
                field=f"{field}.skill_code",
            )
        items = [each.item for each in checklist.items]
        for number, item in enumerate(items):
            if item in items[:number]:
                raise errors.item_twice(item, checklist.skill_code, f"{field}.items.{number}.item")


def _check_times(shift: ShiftPattern, field: str) -> None:
    edges = {"start": shift.start}
    for number, pause in enumerate(shift.breaks):
        edges |= {
            f"breaks.{number}.start": pause.start,
            f"breaks.{number}.finish": pause.finish,
        }
    edges["finish"] = shift.finish
    times = list(edges.items())
    past_midnight = False
    for (_, earlier), (name, later) in pairwise(times):
        if later <= earlier:
            if past_midnight or later == earlier or shift.finish > shift.start:
                raise RuleViolation(
                    "times_overlap",
                    f"{later} comes after {earlier} in the shift {shift.shift}.",
                    field=f"{field}.{name}",
                )
            past_midnight = True
