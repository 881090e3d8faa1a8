"""Opening hours (营业时间) of a store, and whether it takes new customers."""

from collections.abc import Iterable
from datetime import date, time

from services.reception.application.deps import Deps
from services.reception.domain import errors
from services.reception.domain.opening_hours import OpeningDays, OpeningHours
from shared.contracts.management import StoreDefined
from shared.db import Connection
from shared.group import Store


async def opening_days(
    connection: Connection, store: Store, days: Iterable[date], deps: Deps
) -> OpeningDays:
    """Return the hours of a store on ``days``, each as it is decided for that day."""
    states = await deps.master_data.get(connection, StoreDefined, [store.id])
    calendar = await deps.group.calendar(connection)
    on_days = {day: Store.of(states[store.id], store.at(day, time(12))) for day in days}
    return OpeningDays(
        store.timezone,
        {
            day: OpeningHours(
                each.opening, each.closing, store.timezone, calendar.closed | each.closed_days
            )
            for day, each in on_days.items()
            if not each.has_ended and not each.opens_on
        },
        store.opens_on,
    )


def require_in_business(store: Store) -> None:
    """Refuse customers of a store that has closed for good (闭店), or has not opened yet."""
    require_not_ended(store)
    if store.opens_on:
        raise errors.store_not_open_yet(store.opens_on)


def require_not_ended(store: Store) -> None:
    """Refuse new business of a store that has closed for good (闭店)."""
    if store.has_ended:
        raise errors.store_ended()
