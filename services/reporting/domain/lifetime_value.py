"""Lifetime value of customers (客户终身价值): what winning them cost, and what they bring.

They are followed by year of ownership, over five years.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Literal

from services.reporting.domain.retention import month_before

YEARS = 5
"""Years of ownership over which customers are followed."""

SMALL_COHORT = 30
"""Customers below which the figures of a cohort may be those of a few of them (样本少)."""

CohortBy = Literal["month", "year"]
"""Months or years in which customers became owners (按月、按年)."""

_YEAR_MONTHS = 12


@dataclass(frozen=True)
class Acquisition:
    """What winning customers cost in a time, and the vehicles sold in it; cents without tax."""

    building_cents: int
    staff_cents: int
    working_capital_cents: int
    advertising_cents: int
    vehicles_sold: int
    vehicle_profit_cents: int

    @property
    def acquisition_cents(self) -> int:
        """All costs, less the profit on the vehicles sold."""
        costs = (
            self.building_cents,
            self.staff_cents,
            self.working_capital_cents,
            self.advertising_cents,
        )
        return sum(costs) - self.vehicle_profit_cents

    def __add__(self, other: "Acquisition") -> "Acquisition":
        added = {
            each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)
        }
        return Acquisition(**added)


NOTHING_SPENT = Acquisition(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Contribution:
    """Contribution (贡献毛利) of customers in a year of ownership: revenue less the cost of parts.

    ``uncosted_parts_cents`` is the revenue from parts whose cost is not known, which is not taken
    off.
    """

    contribution_cents: int
    uncosted_parts_cents: int

    def __add__(self, other: "Contribution") -> "Contribution":
        return Contribution(
            self.contribution_cents + other.contribution_cents,
            self.uncosted_parts_cents + other.uncosted_parts_cents,
        )


NOTHING_BROUGHT = Contribution(0, 0)


@dataclass(frozen=True)
class MonthOfOwners:
    """Customers who became owners in a month, what they brought by year of ownership, and what the
    month cost, where it is known.
    """

    month: str
    customers: int
    brought: Mapping[int, Contribution]
    acquisition: Acquisition | None


@dataclass(frozen=True)
class OwnershipYear:
    """Year of ownership of a cohort, from 1 on, that has begun.

    ``value_cents`` is what all years so far brought less the acquisition cost, where that is known.
    The year ``is_complete`` once the last customer of the cohort has had it.
    """

    year: int
    contribution_cents: int
    value_cents: int | None
    is_complete: bool


@dataclass(frozen=True)
class Cohort:
    """Customers who became owners in the same time (同期客户), with their curve.

    Of the ``missing_months`` no costs are known; with any, the cohort has no ``acquisition``.
    """

    name: str
    customers: int
    acquisition: Acquisition | None
    missing_months: tuple[str, ...]
    years: tuple[OwnershipYear, ...]
    uncosted_parts_cents: int

    @property
    def is_small(self) -> bool:
        return self.customers < SMALL_COHORT

    @property
    def break_even_year(self) -> int | None:
        """The first year of ownership in which the cohort has brought what it cost (回本)."""
        return next(
            (
                each.year
                for each in self.years
                if each.value_cents is not None and each.value_cents >= 0
            ),
            None,
        )


def cohorts(months: Iterable[MonthOfOwners], by: CohortBy, today: date) -> list[Cohort]:
    """Return the cohorts of months that have ended, in their order; one without customers is
    absent.
    """
    grouped: dict[str, list[MonthOfOwners]] = defaultdict(list)
    for each in months:
        if each.customers:
            grouped[each.month if by == "month" else each.month[:4]].append(each)
    return [cohort(name, grouped[name], today) for name in sorted(grouped)]


def cohort(name: str, months: Sequence[MonthOfOwners], today: date) -> Cohort:
    """Return the cohort of the customers of these months, which are one or more."""
    known = [each.acquisition for each in months if each.acquisition is not None]
    missing = tuple(sorted(each.month for each in months if each.acquisition is None))
    acquisition = None if missing else sum(known, NOTHING_SPENT)
    brought = [
        sum((each.brought.get(year, NOTHING_BROUGHT) for each in months), NOTHING_BROUGHT)
        for year in range(1, YEARS + 1)
    ]
    return Cohort(
        name,
        sum(each.customers for each in months),
        acquisition,
        missing,
        tuple(_years(months, brought, acquisition, today)),
        sum(each.uncosted_parts_cents for each in brought),
    )


def _years(
    months: Sequence[MonthOfOwners],
    brought: Sequence[Contribution],
    acquisition: Acquisition | None,
    today: date,
) -> Iterable[OwnershipYear]:
    """Yield the years of ownership that have begun for the first of the customers."""
    first, last = min(each.month for each in months), max(each.month for each in months)
    value = None if acquisition is None else -acquisition.acquisition_cents
    for year, each in enumerate(brought, 1):
        if _first_day(first, year - 1) > today:
            return
        if value is not None:
            value += each.contribution_cents
        ended = _first_day(month_before(last, -1), year)
        yield OwnershipYear(year, each.contribution_cents, value, ended <= today)


def _first_day(month: str, years: int) -> date:
    return date.fromisoformat(f"{month_before(month, -years * _YEAR_MONTHS)}-01")
