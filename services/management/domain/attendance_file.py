"""File of an attendance machine (考勤机文件): read, checked whole and arranged in working days."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import Literal

from services.management.domain.attendance import Presence, Presences
from services.management.domain.record import Version
from services.management.domain.timetable import Timetable
from services.management.domain.typed_days import day_of

Column = Literal["person_id", "date", "time", "in_out"]
"""工号、日期、时间、进出."""

RowRule = Literal[
    "unreadable",
    "column_missing",
    "too_many_rows",
    "no_rows",
    "not_on_staff",
    "not_a_date",
    "not_a_time",
    "not_in_or_out",
    "time_in_future",
    "signed_in_twice",
    "not_signed_in",
]

MOST_ROWS = 20_000
LONGEST_VALUE = 60

LONGEST_PRESENCE = timedelta(hours=16)
"""Longest time after a sign-in to which a sign-out belongs."""

SAME_PUNCH = timedelta(minutes=1)
"""Time within which plain punches of a person are one (重复打卡)."""

_COLUMNS: Mapping[str, Column] = {
    "person_id": "person_id",
    "工号": "person_id",
    "人员编号": "person_id",
    "date": "date",
    "日期": "date",
    "time": "time",
    "时间": "time",
    "in_out": "in_out",
    "进出": "in_out",
    "状态": "in_out",
}
_REQUIRED: Sequence[Column] = ("person_id", "date", "time")
_IN = frozenset({"in", "进", "签到", "上班", "上班签到"})
_OUT = frozenset({"out", "出", "签退", "下班", "下班签退"})
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)


@dataclass(frozen=True)
class RowError:
    """Error in a row of a file: its number, of which the head is 1, column and value, the rule that
    it breaks, and what would be right.
    """

    row: int
    column: Column | None
    value: str
    rule: RowRule
    expected: str


@dataclass(frozen=True)
class Punch:
    """A row of a file (打卡): ``is_in`` is absent where sign-ins and sign-outs alternate."""

    row: int
    person_id: str
    at: datetime
    is_in: bool | None


Arranged = Mapping[tuple[str, date], Presences]
"""Presences by person and working day."""


def read_file(
    rows: Iterator[Sequence[str]] | None, timetable: Timetable, now: datetime
) -> tuple[list[Punch], list[RowError]]:
    """Read the punches of a file, and all errors of its rows; one without rows is unreadable."""
    if rows is None:
        return [], [RowError(1, None, "", "unreadable", "CSV: UTF-8, GBK")]
    head = [_COLUMNS.get(name.strip().lower()) for name in next(rows, [])]
    missing = [column for column in _REQUIRED if column not in head]
    if missing:
        return [], [RowError(1, each, "", "column_missing", each) for each in missing]
    punches: list[Punch] = []
    errors: list[RowError] = []
    for number, row in enumerate(rows, 2):
        if number > MOST_ROWS + 1:
            return [], [RowError(number, None, "", "too_many_rows", f"≤ {MOST_ROWS}")]
        cells = zip_longest(head, row[: len(head)], fillvalue="")
        values = {name: text.strip() for name, text in cells if name}
        if any(values.values()):
            found = _read(number, values, timetable, now)
            if isinstance(found, Punch):
                punches.append(found)
            else:
                errors += found
    if not punches and not errors:
        errors.append(RowError(1, None, "", "no_rows", "person_id,date,time,in_out"))
    return punches, errors


def arrange(
    punches: Iterable[Punch], staff: Mapping[str, Sequence[Version]], timetable: Timetable
) -> tuple[Arranged, list[RowError]]:
    """Arrange punches, in whatever order, in the working days of persons; return errors too.

    Where the file says in or out, each sign-in needs its sign-out before the next one; where it
    does not, they alternate within a working day. The last sign-out of a day may be missing.
    """
    errors: list[RowError] = []
    days: dict[tuple[str, date], Presences] = {}
    ordered = sorted(punches, key=lambda each: (each.person_id, each.at, each.is_in or False))
    for person_id, own in groupby(ordered, key=attrgetter("person_id")):
        person = staff.get(person_id, ())
        for day, of_day in _by_day(_without_repeats(own), person, timetable).items():
            if not timetable.works_here(person, day):
                errors += [_error(each, "person_id", "not_on_staff") for each in of_day]
                continue
            presences, wrong = _presences(of_day)
            days[person_id, day] = presences
            errors += wrong
    return days, sorted(errors, key=attrgetter("row"))


def _read(
    number: int, values: Mapping[str, str], timetable: Timetable, now: datetime
) -> Punch | list[RowError]:
    def error(column: Column, rule: RowRule, expected: str) -> RowError:
        return RowError(number, column, values.get(column, "")[:LONGEST_VALUE], rule, expected)

    day, local = day_of(values.get("date", "")), _time(values.get("time", ""))
    errors = []
    if not values.get("person_id"):
        errors.append(error("person_id", "not_on_staff", "S01-technician-1"))
    if day is None:
        errors.append(error("date", "not_a_date", "2026-03-04"))
    if local is None:
        errors.append(error("time", "not_a_time", "08:00"))
    direction = values.get("in_out", "").lower()
    if "in_out" in values and direction not in _IN | _OUT:
        errors.append(error("in_out", "not_in_or_out", "in, out, 签到, 签退"))
    if errors or day is None or local is None:
        return errors
    at = timetable.at(day, local)
    if at > now:
        return [error("date", "time_in_future", f"≤ {timetable.local_day(now)}")]
    is_in = direction in _IN if "in_out" in values else None
    return Punch(number, values["person_id"], at, is_in)


def _time(text: str) -> time | None:
    """Return the time that a text such as 8:00 or 08:00:15 names."""
    if found := _TIME.fullmatch(text):
        hour, minute, second = (int(each or 0) for each in found.groups())
        with suppress(ValueError):
            return time(hour, minute, second)
    return None


def _without_repeats(punches: Iterable[Punch]) -> Iterator[Punch]:
    """Leave out a person's punches that repeat the one before."""
    last: Punch | None = None
    for punch in punches:
        same = SAME_PUNCH if punch.is_in is None else timedelta(0)
        if last and last.is_in == punch.is_in and punch.at - last.at <= same:
            continue
        yield punch
        last = punch


def _by_day(
    punches: Iterable[Punch], person: Sequence[Version], timetable: Timetable
) -> Mapping[date, Sequence[Punch]]:
    """Return the punches of each working day; a sign-out counts to the day of its sign-in."""
    days: dict[date, list[Punch]] = defaultdict(list)
    day: date | None = None
    last: Punch | None = None
    for punch in punches:
        ends = punch.is_in is False and last and last.is_in
        if not (day and last and ends and punch.at - last.at <= LONGEST_PRESENCE):
            day = timetable.day_of(person, punch.at)
        days[day].append(punch)
        last = punch
    return days


def _presences(punches: Sequence[Punch]) -> tuple[Presences, list[RowError]]:
    presences: list[Presence] = []
    errors: list[RowError] = []
    for punch in punches:
        is_open = bool(presences) and presences[-1].signed_out_at is None
        if punch.is_in and is_open:
            errors.append(_error(punch, "in_out", "signed_in_twice"))
        elif punch.is_in is False and not is_open:
            errors.append(_error(punch, "in_out", "not_signed_in"))
        elif is_open:
            presences[-1] = Presence(presences[-1].signed_in_at, punch.at)
        else:
            presences.append(Presence(punch.at))
    return tuple(presences), errors


_RIGHT: Mapping[str, str] = {
    "not_on_staff": "S01-technician-1",
    "signed_in_twice": "out",
    "not_signed_in": "in",
}


def _error(punch: Punch, column: Column, rule: RowRule) -> RowError:
    value = punch.person_id if column == "person_id" else ("in" if punch.is_in else "out")
    return RowError(punch.row, column, value[:LONGEST_VALUE], rule, _RIGHT[rule])
