"""Promises while the workshop is away (临时承诺), from its last published free time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.reception.domain.estimate import LaborOperation
from shared.contracts.workshop import FreeCapacity

_SLOT = timedelta(minutes=30)
_UNKNOWN_CAPACITY_DELAY = timedelta(hours=24)


def provisional_promise(
    free: Sequence[FreeCapacity], operations: Sequence[LaborOperation], now: datetime
) -> datetime:
    """The end of the half hour by which each trade has had the free minutes that it needs.

    A trade whose published time does not suffice is promised a day later than needed.
    """
    needed: dict[str, float] = defaultdict(float)
    for operation in operations:
        needed[operation.trade] += operation.standard_hours * 60
    return max(_trade_done(free, trade, minutes, now) for trade, minutes in needed.items())


def _trade_done(
    free: Sequence[FreeCapacity], trade: str, minutes: float, now: datetime
) -> datetime:
    for slot in sorted(free, key=lambda slot: slot.starts_at):
        if slot.trade != trade or slot.starts_at < now:
            continue
        minutes -= slot.free_minutes
        if minutes <= 0:
            return slot.starts_at + _SLOT
    return now + timedelta(minutes=minutes) + _UNKNOWN_CAPACITY_DELAY
