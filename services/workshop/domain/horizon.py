"""The planning horizon."""

from datetime import datetime, timedelta

from services.workshop.domain import errors

LONGEST_AHEAD = timedelta(days=365)


def check_ahead(field: str, moment: datetime | None, now: datetime) -> None:
    """Refuse a time beyond the planning horizon."""
    if moment and moment > now + LONGEST_AHEAD:
        raise errors.too_far_ahead(field, LONGEST_AHEAD.days)


def require_ahead(field: str, moment: datetime | None, now: datetime) -> None:
    """Refuse a time that is past or beyond the planning horizon."""
    if moment and moment < now:
        raise errors.in_the_past(field)
    check_ahead(field, moment, now)
