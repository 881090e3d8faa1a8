"""Attendance (考勤): the working days of the staff, without names or reasons."""

from typing import ClassVar

from shared.contracts.base import BusinessDate, Code, Event, Identifier, Seconds, Timestamp


class AttendanceRecorded(Event):
    """A working day of a person ended, or was corrected (考勤记录); the newest of a day counts.

    ``business_date`` is the day on which the shift begins, ``posts`` are those in the store on it.
    ``attended_s`` is the time from sign-ins to sign-outs without breaks, ``overtime_s`` what of it
    lies after the shift or on a day off. ``late_s`` and ``early_leave_s`` are working time of the
    shift before the first sign-in and after the last sign-out. ``ended_at`` is the last sign-out;
    it is absent for a person who did not come. The platform set a sign-out of a day that is
    ``auto_closed`` (忘签退).
    """

    topic = "aftersales.management.work.v1"
    key_field = "store_id"
    publisher = "management"
    requirements: ClassVar[tuple[str, ...]] = ("R13", "R18")

    person_id: Identifier
    business_date: BusinessDate
    posts: tuple[Code, ...]
    scheduled_s: Seconds
    attended_s: Seconds
    late_s: Seconds
    early_leave_s: Seconds
    overtime_s: Seconds
    on_leave: bool
    auto_closed: bool
    ended_at: Timestamp | None
