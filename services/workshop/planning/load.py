"""The load curve (负荷曲线): the share of each skill's time that is taken, by half hour.

Taken are bookings and the overrun buffers of work in progress.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.workshop.domain.capacity import SLOT_MINUTES, free_minutes
from services.workshop.domain.resource_booking import ResourceBooking
from services.workshop.planning.model import Technician
from services.workshop.planning.real_time import minute, moment
from shared.contracts.workshop import FreeCapacity

_HALF_HOUR: Final = timedelta(minutes=SLOT_MINUTES)


@dataclass(frozen=True)
class Load:
    """Technician minutes of one skill in the half hour from ``starts_at``: at work, and free."""

    skill_code: str
    starts_at: datetime
    working_minutes: int
    free_minutes: int


def load(
    technicians: Sequence[Technician],
    taken: Iterable[ResourceBooking],
    begin: datetime,
    end: datetime,
) -> list[Load]:
    """Return the half hours in which one of these technicians works, by skill and time."""
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for booked in taken:
        spans[booked.resource.removeprefix("technician:")].append(
            (minute(booked.starts_at), minute(booked.ends_at))
        )
    skills = {each.technician_id: each.skills for each in technicians}
    at_work = {
        each.technician_id: [(w.start, w.finish) for w in each.working] for each in technicians
    }
    span = minute(begin), minute(end)
    free = free_minutes(skills, at_work, spans, *span)
    return [
        Load(skill_code, moment(slot), minutes, free.get((skill_code, slot), 0))
        for (skill_code, slot), minutes in sorted(free_minutes(skills, at_work, {}, *span).items())
    ]


def free_time(load: Iterable[Load], delivery_lead: timedelta) -> list[FreeCapacity]:
    """Return the half hours in which a technician has time (空闲工时), with possible promises."""
    return [
        FreeCapacity(
            skill_code=each.skill_code,
            starts_at=each.starts_at,
            free_minutes=each.free_minutes,
            promisable_at=each.starts_at + _HALF_HOUR + delivery_lead,
        )
        for each in load
        if each.free_minutes
    ]
