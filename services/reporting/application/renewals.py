"""Insurance renewal by month (续保率)."""

from datetime import date

from pydantic import BaseModel

from services.reporting.application.deps import Deps
from services.reporting.domain.renewal import (
    REFERENCES,
    PoliciesSold,
    renewal_again_rate,
    renewal_new_rate,
    renewal_rate,
    renewal_reach_rate,
)
from services.reporting.domain.retention import month_before
from services.reporting.persistence import renewal

_YEAR_MONTHS = 12
_NONE = PoliciesSold(0, 0, 0, 0)


class RenewalKpis(BaseModel):
    """Renewals of a store in a month, by the first day insured, against the year before.

    ``new_before`` and ``renewals_before`` are the policies that began twelve months before,
    ``visitors_before`` the customers who visited then.
    """

    month: str
    renewals: int
    new_before: int
    renewals_before: int
    visitors_before: int
    renewal_rate: float | None
    renewal_new_rate: float | None
    renewal_again_rate: float | None
    renewal_reach_rate: float | None


class RenewalReport(BaseModel):
    """Renewal by month, with the reference band of each rate: what is usual, and what is good."""

    months: list[RenewalKpis]
    references: dict[str, tuple[float, float]]


async def monthly_renewals(store_id: str, months: int, deps: Deps) -> RenewalReport:
    """Compute the renewal rates of this month and the ``months`` before it."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        present = store.months_until(deps.uow_factory.clock.now(), 1)[0]
        first_day, end = (
            date.fromisoformat(f"{month_before(present, back)}-01")
            for back in (months + _YEAR_MONTHS, -1)
        )
        sold = await renewal.policies_sold(connection, store_id, first_day, end)
        visitors = await renewal.visitors(connection, store, first_day, end)
    return RenewalReport(
        months=[
            _kpis(month, sold, visitors)
            for month in (month_before(present, back) for back in range(months, -1, -1))
        ],
        references=dict(REFERENCES),
    )


def _kpis(month: str, by_month: dict[str, PoliciesSold], visitors: dict[str, int]) -> RenewalKpis:
    year_before = month_before(month, _YEAR_MONTHS)
    sold, before = by_month.get(month, _NONE), by_month.get(year_before, _NONE)
    return RenewalKpis(
        month=month,
        renewals=sold.renewals,
        new_before=before.new,
        renewals_before=before.renewals,
        visitors_before=visitors.get(year_before, 0),
        renewal_rate=renewal_rate(sold, before),
        renewal_new_rate=renewal_new_rate(sold, before),
        renewal_again_rate=renewal_again_rate(sold, before),
        renewal_reach_rate=renewal_reach_rate(sold, visitors.get(year_before, 0)),
    )
