"""The load curve (负荷曲线): how much of each trade's time is taken, by half hour."""

from dataclasses import dataclass
from datetime import datetime

from services.workshop import store
from services.workshop.planner import Planner
from shared.db import Connection


@dataclass(frozen=True)
class Load:
    """Technician minutes of one trade in the half hour from ``starts_at``: at work, and free."""

    trade: str
    starts_at: datetime
    working_minutes: int
    free_minutes: int


async def load_between(
    connection: Connection, planner: Planner, store_id: str, begin: datetime, end: datetime
) -> list[Load]:
    """The half hours in which somebody works, by trade and time."""
    bookings = await store.bookings_after(connection, store_id, begin)
    absences = await store.absences_after(connection, store_id, begin)
    free = {
        (each.trade, each.starts_at): each.free_minutes
        for each in planner.free(store_id, begin, end, bookings, absences)
    }
    return [
        Load(
            each.trade,
            each.starts_at,
            each.free_minutes,
            free.get((each.trade, each.starts_at), 0),
        )
        for each in planner.free(store_id, begin, end, (), absences)
    ]
