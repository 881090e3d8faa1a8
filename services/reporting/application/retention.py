"""Defection and retention by month (流失率, 留存率)."""

from datetime import date, datetime, time

from pydantic import BaseModel

from services.reporting.application.deps import Deps
from services.reporting.domain.retention import (
    ACTIVE_MONTHS,
    LAPSE_MONTHS,
    lapse_rate,
    lapse_rates,
    month_before,
    retention_rate,
)
from services.reporting.persistence import retention
from shared.db import Connection
from shared.group import Store

NO_TIER = "none"


class RetentionKpis(BaseModel):
    """Defection and retention of a store in a calendar month that has ended.

    ``visited`` customers came six months before ``month``, ``returned`` of them again until its
    end. ``lapse_by_tier`` has the tier that they had when they came; ``none`` stands for those
    without one. A customer is active for twelve months after a visit.
    """

    month: str
    visited: int
    returned: int
    lapse_rate: float | None
    lapse_by_tier: dict[str, float]
    active_at_start: int
    active_at_end: int
    new_customers: int
    retention_rate: float | None


async def monthly_retention(store_id: str, months: int, deps: Deps) -> list[RetentionKpis]:
    """Compute defection and retention of the last ``months`` calendar months that have ended."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        present = store.months_until(deps.uow_factory.clock.now(), 1)[0]
        wanted = [month_before(present, back) for back in range(months, 0, -1)]
        return [await _month(connection, store, month) for month in wanted]


async def _month(connection: Connection, store: Store, month: str) -> RetentionKpis:
    begin, end = _first(store, month), _first(store, month_before(month, -1))
    visitors = await retention.visitors_by_tier(
        connection,
        store.id,
        _first(store, month_before(month, LAPSE_MONTHS)),
        _first(store, month_before(month, LAPSE_MONTHS - 1)),
        end,
    )
    active = await retention.active_customers(
        connection,
        store.id,
        begin,
        end,
        (
            _first(store, month_before(month, ACTIVE_MONTHS)),
            _first(store, month_before(month, ACTIVE_MONTHS - 1)),
        ),
    )
    visited, returned = (
        sum(each.visited for each in visitors),
        sum(each.returned for each in visitors),
    )
    return RetentionKpis(
        month=month,
        visited=visited,
        returned=returned,
        lapse_rate=lapse_rate(visited, returned),
        lapse_by_tier=lapse_rates(
            {each.tier or NO_TIER: (each.visited, each.returned) for each in visitors}
        ),
        active_at_start=active.active_at_start,
        active_at_end=active.active_at_end,
        new_customers=active.new_customers,
        retention_rate=retention_rate(
            active.active_at_start, active.active_at_end, active.new_customers
        ),
    )


def _first(store: Store, month: str) -> datetime:
    return store.at(date.fromisoformat(f"{month}-01"), time.min)
