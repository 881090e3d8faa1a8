"""Timetable of a store's staff: shifts, leave and closed days, on each day as it was decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from services.management.domain.person import Person
from services.management.domain.record import Version, content_on
from shared.contracts.base import EventPart
from shared.contracts.management import (
    AttendanceRules,
    ShiftPattern,
    ShiftRules,
    StoreProfile,
    WorkingCalendarRules,
)

Span = tuple[datetime, datetime]

EARLIEST = timedelta(hours=4)
"""Time before a shift from which a sign-in counts to it."""

_ONE_DAY = timedelta(days=1)
C = TypeVar("C", bound=EventPart)


@dataclass(frozen=True)
class Shift:
    """Shift on one day (班次): begin, end and breaks, in UTC."""

    code: str
    start: datetime
    finish: datetime
    breaks: tuple[Span, ...] = ()

    def working_s(self, begin: datetime, until: datetime) -> int:
        """Return the working time of the shift between two moments, in seconds."""
        span = (begin, until)
        return _overlap_s(span, (self.start, self.finish)) - self.break_s(span)

    def break_s(self, span: Span) -> int:
        """Return how much of a span lies in breaks, in seconds."""
        return sum(_overlap_s(span, pause) for pause in self.breaks)

    @property
    def scheduled_s(self) -> int:
        return self.working_s(self.start, self.finish)


@dataclass(frozen=True)
class Schedule:
    """Schedule of a person for a day: posts in the store, shift and leave (排班).

    What they do at or after ``begins_at`` and before ``ends_at`` counts to the day. Someone who
    works in shifts and has none has a day off. A sign-out is missed ``grace`` after the shift's
    end, for someone without shifts after the store's ``closing``; that of someone who signed
    in after it is missed ``outside_shift`` later.
    """

    day: date
    posts: tuple[str, ...]
    shift: Shift | None
    on_leave: bool
    is_day_off: bool
    begins_at: datetime
    ends_at: datetime
    closing: datetime
    grace: timedelta
    outside_shift: timedelta

    @property
    def finish(self) -> datetime:
        """The end of the shift, or of the store's hours."""
        return self.shift.finish if self.shift else self.closing


@dataclass(frozen=True)
class Timetable:
    """Profile of a store, its own and the group's shifts, and the calendar, by dated versions."""

    store_id: str
    profiles: Sequence[Version]
    own_shifts: Sequence[Version] = ()
    group_shifts: Sequence[Version] = ()
    calendar: Sequence[Version] = ()
    own_attendance: Sequence[Version] = ()
    group_attendance: Sequence[Version] = ()

    def local_day(self, moment: datetime) -> date:
        """Return the store's calendar day at ``moment``."""
        return moment.astimezone(self.zone).date()

    def at(self, day: date, local: time) -> datetime:
        """Return the moment, in UTC, at which the store's clocks show ``local`` on ``day``."""
        return datetime.combine(day, local, self.zone).astimezone(UTC)

    def shift(self, person: Sequence[Version], day: date) -> Shift | None:
        """Return the shift of a person that begins on ``day``, whether or not they are on leave."""
        profile = _content(person, day, Person)
        if profile is None or not profile.shift or self._is_closed(day):
            return None
        for pattern in self._patterns(day):
            if pattern.shift == profile.shift and day.isoweekday() in pattern.weekdays:
                return self._shift(pattern, day)
        return None

    def schedule(self, person: Sequence[Version], day: date) -> Schedule:
        """Return the schedule of a person for ``day``."""
        profile, store = _content(person, day, Person), self._store(day)
        shift = self.shift(person, day)
        on_leave = profile is not None and any(
            leave.first_day <= day.isoformat() <= leave.last_day for leave in profile.leave
        )
        return Schedule(
            day=day,
            posts=self._posts(profile),
            shift=None if on_leave else shift,
            on_leave=on_leave,
            is_day_off=bool(profile and profile.shift) and shift is None and not on_leave,
            begins_at=self._begin(person, day),
            ends_at=self._begin(person, day + _ONE_DAY),
            closing=self.at(day, time.fromisoformat(store.closing)),
            grace=timedelta(minutes=store.missed_punch_grace_minutes),
            outside_shift=timedelta(minutes=self._attendance(day).missed_sign_out_minutes),
        )

    def day_of(self, person: Sequence[Version], moment: datetime) -> date:
        """Return the day to which a sign-in or sign-out counts.

        One of a shift past midnight counts to the day on which the shift begins.
        """
        day = self.local_day(moment)
        days = (day + _ONE_DAY, day)
        return next((each for each in days if self._begin(person, each) <= moment), day - _ONE_DAY)

    def works_here(self, person: Sequence[Version], day: date) -> bool:
        """Return whether the person has a post in the store on ``day``."""
        return bool(self._posts(_content(person, day, Person)))

    def _begin(self, person: Sequence[Version], day: date) -> datetime:
        """Return the moment from which sign-ins count to ``day``.

        It lies four hours before a shift, or where the rules of attendance say, and never within
        the shift of the day before.
        """
        before, own = self.shift(person, day - _ONE_DAY), self.shift(person, day)
        if own is None:
            begin = self.at(day, time.fromisoformat(self._attendance(day).day_begins))
            return max(begin, before.finish + EARLIEST) if before else begin
        begin = own.start - EARLIEST
        return max(begin, before.finish + (own.start - before.finish) / 2) if before else begin

    def _posts(self, profile: Person | None) -> tuple[str, ...]:
        posts = profile.posts if profile else ()
        return tuple(sorted(post.role for post in posts if post.in_store == self.store_id))

    def _attendance(self, day: date) -> AttendanceRules:
        own = _content(self.own_attendance, day, AttendanceRules)
        return own or _content(self.group_attendance, day, AttendanceRules) or AttendanceRules()

    def _patterns(self, day: date) -> Sequence[ShiftPattern]:
        own = _content(self.own_shifts, day, ShiftRules)
        rules = own or _content(self.group_shifts, day, ShiftRules)
        return rules.shifts if rules else ()

    def _shift(self, pattern: ShiftPattern, day: date) -> Shift:
        start = time.fromisoformat(pattern.start)

        def moment(text: str) -> datetime:
            local = time.fromisoformat(text)
            return self.at(day if local >= start else day + _ONE_DAY, local)

        return Shift(
            pattern.shift,
            self.at(day, start),
            moment(pattern.finish),
            tuple((moment(pause.start), moment(pause.finish)) for pause in pattern.breaks),
        )

    def _is_closed(self, day: date) -> bool:
        if content_on(self.profiles, day) is None:
            return True
        calendar = _content(self.calendar, day, WorkingCalendarRules)
        closed = calendar.closed if calendar else ()
        return day.isoformat() in {*closed, *self._store(day).closed_days}

    def _store(self, day: date) -> StoreProfile:
        """Return the store's profile on ``day``; a store that has ended has its last one."""
        profiles = [
            (each.valid_from, each.content)
            for each in self.profiles
            if isinstance(each.content, StoreProfile)
        ]
        begun = [profile for begin, profile in profiles if begin <= day]
        return begun[-1] if begun else profiles[0][1]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self._store(date.max).zone)


def _content(versions: Sequence[Version], day: date, kind: type[C]) -> C | None:
    content = content_on(versions, day)
    return content if isinstance(content, kind) else None


def _overlap_s(span: Span, other: Span) -> int:
    begin, until = max(span[0], other[0]), min(span[1], other[1])
    return max(0, round((until - begin).total_seconds()))
