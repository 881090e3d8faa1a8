"""Promises while the workshop is unavailable (暂定承诺), as published with its last free time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.reception.domain.appointment_times import HALF_HOUR
from services.reception.domain.estimate import CatalogOperation
from shared.contracts.management import PromiseRules
from shared.contracts.workshop import FreeCapacity

_SLOT_MINUTES = HALF_HOUR // timedelta(minutes=1)


def provisional_promise(
    free: Sequence[FreeCapacity],
    operations: Sequence[CatalogOperation],
    rules: PromiseRules,
    now: datetime,
) -> datetime:
    """Return the workshop's published promise for the half hour in which the last operation ends.

    Operations follow one another. Where the published time does not suffice, the promise is
    later than the work alone would take, by ``rules``.
    """
    slots = sorted(free, key=lambda slot: slot.starts_at)
    begin = promisable_at = now
    for operation in operations:
        last = _last_slot(slots, operation, begin)
        if last is None:
            work = timedelta(hours=sum(each.standard_hours for each in operations))
            return now + work + timedelta(minutes=rules.provisional_delay_minutes)
        begin, promisable_at = last.starts_at + HALF_HOUR, last.promisable_at
    return promisable_at


def _last_slot(
    slots: Sequence[FreeCapacity], operation: CatalogOperation, begin: datetime
) -> FreeCapacity | None:
    """Return the half hour in which the operation ends if it does not start before ``begin``.

    More free technicians than the operation needs do not shorten it.
    """
    minutes = operation.standard_hours * 60
    for slot in slots:
        if slot.skill_code != operation.skill_code or slot.starts_at < begin:
            continue
        minutes -= min(slot.free_minutes / operation.technicians, _SLOT_MINUTES)
        if minutes <= 0:
            return slot
    return None
