"""Times to offer to a customer (预约时段), off-peak ones first (错峰)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from services.reception.domain.estimate import CatalogOperation
from services.reception.domain.opening_hours import OpeningDays, OpeningHours

HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True)
class HalfHour:
    """Technician minutes of one skill in the half hour from ``starts_at``: at work, and free."""

    skill_code: str
    starts_at: datetime
    working_minutes: int
    free_minutes: int


@dataclass(frozen=True)
class Slot:
    """Appointment time, and the share (0 to 1) of the time of the skills needed that is booked."""

    starts_at: datetime
    booked_share: float


def off_peak_slots(
    load: Sequence[HalfHour],
    operations: Sequence[CatalogOperation],
    hours: OpeningHours | OpeningDays,
    now: datetime,
) -> list[Slot]:
    """Return the half hours with free time for all operations by skill, least booked first.

    Only those at which the store is open.

    A skill is looked at for as many half hours as its standard hours fill. Of equally booked times
    the earliest comes first.
    """
    curve: dict[str, dict[datetime, HalfHour]] = defaultdict(dict)
    for each in load:
        curve[each.skill_code][each.starts_at] = each
    needed: dict[str, float] = defaultdict(float)
    for operation in operations:
        needed[operation.skill_code] += operation.standard_hours * 60
    first = curve[operations[0].skill_code] if operations else {}
    slots = [
        Slot(starts_at, share)
        for starts_at in first
        if starts_at > now
        and hours.is_open(starts_at)
        and (share := _booked_share(curve, needed, starts_at)) is not None
    ]
    return sorted(slots, key=lambda slot: (slot.booked_share, slot.starts_at))


def _booked_share(
    curve: Mapping[str, Mapping[datetime, HalfHour]],
    needed: Mapping[str, float],
    starts_at: datetime,
) -> float | None:
    """Return booked ÷ working minutes of all skills needed; None where one lacks the time."""
    working = free = 0
    for skill_code, minutes in needed.items():
        span = [
            half_hour
            for place in range(ceil(minutes / 30))
            if (half_hour := curve[skill_code].get(starts_at + place * HALF_HOUR))
        ]
        skill_free = sum(each.free_minutes for each in span)
        if skill_free < minutes:
            return None
        working += sum(each.working_minutes for each in span)
        free += skill_free
    return (working - free) / working if working else None
