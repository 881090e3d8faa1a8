"""Conversion between real time and the planner's whole minutes since the epoch."""

from datetime import UTC, datetime, timedelta, tzinfo

from services.workshop.domain.job import Assignment
from services.workshop.planning.model import Detail, Interval, PlanAssignment

_ALMOST_A_MINUTE = timedelta(seconds=59)


def minute(moment: datetime) -> int:
    """Return the planner's time at or before ``moment``, in whole minutes since the epoch."""
    return int(moment.timestamp() // 60)


def next_minute(moment: datetime) -> int:
    """Return the first whole minute that does not begin before ``moment``, a whole second."""
    return minute(moment + _ALMOST_A_MINUTE)


def moment(minutes: int) -> datetime:
    """Return the planner's time as real time."""
    return datetime.fromtimestamp(minutes * 60, UTC)


def interval(start: datetime, finish: datetime) -> Interval:
    """Return a span of real time as the planner's."""
    return Interval(minute(start), minute(finish))


def slot(assignment: Assignment) -> tuple[tuple[str, ...], str, int, int]:
    """Return technicians, bay, start and finish of an assignment in the planner's time."""
    return (
        assignment.technician_ids,
        assignment.bay_id,
        minute(assignment.starts_at),
        next_minute(assignment.ends_at),
    )


def as_assignment(assignment: PlanAssignment) -> Assignment:
    """Return the planner's assignment in real time."""
    return Assignment(
        assignment.technician_ids,
        assignment.bay_id,
        moment(assignment.start),
        moment(assignment.finish),
    )


def localize_detail(detail: Detail, zone: tzinfo) -> dict[str, str | int]:
    """Localize the values of a reason: the planner's minutes as moments of ``zone``."""
    return {
        name: moment(int(value)).astimezone(zone).isoformat() if name == "at" else value
        for name, value in detail.items()
    }
