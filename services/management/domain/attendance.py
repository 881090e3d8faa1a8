"""Attendance (考勤): working days of persons, by sign-ins, sign-outs and shifts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Literal

from services.management.domain import errors
from services.management.domain.timetable import Schedule
from shared.contracts.management import AttendanceRecorded
from shared.contracts.versioned import Versioned

Source = Literal["signed", "machine", "corrected"]
"""Origin of a working day: the person's own sign-ins, a machine's file, or a manager."""

Status = Literal["expected", "present", "left", "absent", "on_leave", "off", "no_shift"]
"""待上班、在岗、已下班、缺勤、休假、休息、未排班."""


@dataclass(frozen=True)
class Presence:
    """Time between a sign-in and a sign-out (在岗时段); it goes on until the latter.

    The platform set the sign-out of one that is ``auto_closed`` (忘签退).
    """

    signed_in_at: datetime
    signed_out_at: datetime | None = None
    auto_closed: bool = False


Presences = tuple[Presence, ...]


@dataclass(frozen=True)
class Figures:
    """Figures of a working day in seconds (考勤数据); breaks are no working time.

    ``overtime_s`` is attended after the shift, or on a day off. ``late_s`` and ``early_leave_s``
    are working time of the shift before the first sign-in and after the last sign-out.
    """

    scheduled_s: int
    attended_s: int
    late_s: int
    early_leave_s: int
    overtime_s: int
    on_leave: bool


@dataclass(frozen=True)
class WorkingDay(Versioned):
    """Working day of a person in a store (出勤日), named after the day on which its shift begins.

    ``figures`` are those that were announced last.
    """

    store_id: str
    person_id: str
    day: date
    presences: Presences = ()
    source: Source = "signed"
    figures: Figures | None = None

    @property
    def open_since(self) -> datetime | None:
        """The sign-in of someone who has not signed out."""
        last = self.presences[-1] if self.presences else None
        return last.signed_in_at if last and last.signed_out_at is None else None

    @property
    def auto_closed(self) -> bool:
        """Whether a sign-out was missed and is to be corrected."""
        return any(each.auto_closed for each in self.presences)

    @property
    def ended_at(self) -> datetime | None:
        """The last sign-out."""
        return self.presences[-1].signed_out_at if self.presences else None


Decided = tuple[WorkingDay, list[AttendanceRecorded]]


def figures(presences: Sequence[Presence], schedule: Schedule, now: datetime) -> Figures:
    """Return the figures of a working day; one that is not over counts until ``now``."""
    shift, now = schedule.shift, whole_seconds(now)
    spans = [(each.signed_in_at, each.signed_out_at or now) for each in presences]
    attended_s = sum(
        _seconds(begin, end) - (shift.break_s((begin, end)) if shift else 0) for begin, end in spans
    )
    if shift is None:
        overtime_s = attended_s if schedule.is_day_off else 0
        return Figures(0, attended_s, 0, 0, overtime_s, schedule.on_leave)
    late_s = early_leave_s = 0
    if spans:
        late_s = shift.working_s(shift.start, spans[0][0])
        early_leave_s = shift.working_s(spans[-1][1], shift.finish)
    return Figures(
        scheduled_s=shift.scheduled_s,
        attended_s=attended_s,
        late_s=late_s,
        early_leave_s=early_leave_s,
        overtime_s=sum(_seconds(max(begin, shift.finish), end) for begin, end in spans),
        on_leave=False,
    )


def status(presences: Sequence[Presence], schedule: Schedule, now: datetime) -> Status:
    """Return where a person is in their working day."""
    if presences:
        return "left" if presences[-1].signed_out_at else "present"
    if schedule.on_leave:
        return "on_leave"
    if schedule.shift is None:
        return "off" if schedule.is_day_off else "no_shift"
    return "absent" if now >= schedule.shift.start else "expected"


def missed_at(day: WorkingDay, schedule: Schedule) -> datetime | None:
    """Return when the sign-out of an open day counts as missed (忘签退)."""
    since = day.open_since
    if since is None:
        return None
    if since >= schedule.finish:
        return since + schedule.outside_shift
    return schedule.finish + schedule.grace


def sign_in(
    day: WorkingDay, earlier: Sequence[WorkingDay], now: datetime, zone: tzinfo
) -> WorkingDay:
    """Sign a person in (签到); ``earlier`` are their days before it.

    Raises:
        RuleViolation: they are signed in.
    """
    for each in (*earlier, day):
        if each.open_since:
            raise errors.already_signed_in(each.open_since, zone)
    return replace(day, presences=(*day.presences, Presence(whole_seconds(now))))


def sign_out(days: Sequence[WorkingDay], now: datetime, zone: tzinfo) -> WorkingDay:
    """Return the one of a person's last days that they sign out of (签退), with its end.

    It is the day on which they are signed in. On the last one, a sign-out that the platform has
    set gives way to the person's own.

    Raises:
        RuleViolation: they are not signed in.
    """
    for day in reversed(days):
        if day.open_since:
            return _ended(day, now)
    if days and days[-1].presences and days[-1].presences[-1].auto_closed:
        return _ended(days[-1], now)
    raise errors.not_signed_in(days[-1].ended_at if days else None, zone)


def close_missed(day: WorkingDay, schedule: Schedule) -> WorkingDay:
    """End a day whose sign-out was missed with its shift, for a manager to correct (忘签退)."""
    if day.open_since is None:
        return day
    return _ended(day, max(schedule.finish, day.open_since), auto_closed=True)


def correct(
    day: WorkingDay, presences: Sequence[Presence], schedule: Schedule, now: datetime
) -> WorkingDay:
    """Set the presences of a day, or none, in the place of what was recorded (补签、更正).

    Raises:
        RuleViolation: one lies in the future, ends before it begins, overlaps another, counts to
            another day, or does not end though it is not the last one of a day that goes on.
    """
    ordered = tuple(sorted(map(_whole, presences), key=lambda each: each.signed_in_at))
    for place, presence in enumerate(ordered):
        _check(presence, f"presences.{place}", schedule, now)
    for place, (one, other) in enumerate(pairwise(ordered), 1):
        if one.signed_out_at is None or other.signed_in_at < one.signed_out_at:
            raise errors.presences_overlap(f"presences.{place}.signed_in_at")
    changed = replace(day, presences=ordered, source="corrected")
    missed = missed_at(changed, schedule)
    if missed and now >= missed:
        raise errors.sign_out_needed(f"presences.{len(ordered) - 1}.signed_out_at")
    return changed


def take_over(
    day: WorkingDay, presences: Presences, schedule: Schedule, now: datetime
) -> WorkingDay:
    """Set what an attendance machine recorded of a day (考勤机).

    A day that the person or a manager recorded stays as it is.
    """
    if (day.presences and day.source != "machine") or day.source == "corrected":
        return day
    taken = replace(day, presences=presences, source="machine")
    missed = missed_at(taken, schedule)
    return close_missed(taken, schedule) if missed and now >= missed else taken


def record(day: WorkingDay, schedule: Schedule, now: datetime) -> Decided:
    """Return a day with its figures, and the event that announces them, unless it goes on."""
    if day.open_since:
        return day, []
    recorded = replace(day, figures=figures(day.presences, schedule, now))
    return recorded, [
        AttendanceRecorded(
            store_id=day.store_id,
            person_id=day.person_id,
            business_date=day.day.isoformat(),
            posts=schedule.posts,
            auto_closed=day.auto_closed,
            ended_at=day.ended_at,
            **vars(recorded.figures),
        )
    ]


def whole_seconds(moment: datetime) -> datetime:
    """Return the beginning of the second of ``moment``."""
    return moment.replace(microsecond=0)


def _whole(presence: Presence) -> Presence:
    out = presence.signed_out_at
    return Presence(whole_seconds(presence.signed_in_at), out and whole_seconds(out))


def _ended(day: WorkingDay, at: datetime, *, auto_closed: bool = False) -> WorkingDay:
    """Return the day with the end of its last presence."""
    last = Presence(day.presences[-1].signed_in_at, whole_seconds(at), auto_closed)
    return replace(day, presences=(*day.presences[:-1], last))


def _check(presence: Presence, field: str, schedule: Schedule, now: datetime) -> None:
    begin, end = presence.signed_in_at, presence.signed_out_at
    for name, moment in (("signed_in_at", begin), ("signed_out_at", end)):
        if moment and moment > now:
            raise errors.time_in_future(f"{field}.{name}")
    if end and end < begin:
        raise errors.signed_out_before_in(f"{field}.signed_out_at")
    if not schedule.begins_at <= begin < schedule.ends_at:
        raise errors.another_working_day(
            f"{field}.signed_in_at", schedule.begins_at, schedule.ends_at
        )
    if end and end - begin > timedelta(days=1):
        raise errors.presence_too_long(f"{field}.signed_out_at")


def _seconds(begin: datetime, end: datetime) -> int:
    return max(0, round((end - begin).total_seconds()))
