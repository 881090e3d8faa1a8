"""Lifetime value of customers by cohort (客户终身价值)."""

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import BaseModel

from services.reporting.application.deps import Deps
from services.reporting.domain import lifetime_value
from services.reporting.domain.lifetime_value import (
    SMALL_COHORT,
    Acquisition,
    Cohort,
    CohortBy,
    MonthOfOwners,
    OwnershipYear,
)
from services.reporting.domain.retention import month_before
from services.reporting.persistence import lifetime_value as persistence
from shared.contracts.dated import content_on
from shared.contracts.management import MonthlyCostsDefined
from shared.db import Connection

MOST_MONTHS = 120
"""Largest number of months of owners in an answer."""


class OwnershipYearView(BaseModel):
    """Year of ownership of a cohort; amounts in cents without tax.

    ``value_cents`` is what all years so far brought less the acquisition cost; it is absent where
    costs are missing. Each amount also stands there for one customer, rounded to a cent. A year
    that is not complete is still going on for some customers.
    """

    year: int
    contribution_cents: int
    contribution_per_customer_cents: int
    value_cents: int | None
    value_per_customer_cents: int | None
    is_complete: bool


class AcquisitionView(BaseModel):
    """What winning the customers of a cohort cost, in cents without tax.

    ``acquisition_cents`` is the sum of the costs less the profit on the vehicles sold.
    """

    building_cents: int
    staff_cents: int
    working_capital_cents: int
    advertising_cents: int
    vehicles_sold: int
    vehicle_profit_cents: int
    acquisition_cents: int
    acquisition_per_customer_cents: int


class CohortView(BaseModel):
    """Customers who became owners in the same month or year, with their curve.

    ``missing_months`` have no costs, so that acquisition and value are absent. The figures of a
    cohort that ``is_small`` may be those of a few customers. ``uncosted_parts_cents`` is revenue
    from parts whose cost is not known and was not taken off.
    """

    cohort: str
    customers: int
    is_small: bool
    missing_months: Sequence[str]
    acquisition: AcquisitionView | None
    break_even_year: int | None
    uncosted_parts_cents: int
    years: Sequence[OwnershipYearView]


class LifetimeValue(BaseModel):
    """Lifetime value of the customers who became owners from a month to another.

    ``total`` is that of all cohorts. ``unallocated_cents`` is the acquisition cost of the
    ``months_without_owners``, which belongs to no cohort; ``of_no_owner_cents`` is what invoices
    brought whose customer and vehicle have no known owner, at any time.
    """

    by: CohortBy
    first_month: str
    last_month: str
    small_below: int
    cohorts: Sequence[CohortView]
    total: CohortView | None
    months_without_owners: Sequence[str]
    unallocated_cents: int
    of_no_owner_cents: int


async def lifetime_value_by_cohort(
    store_id: str, by: CohortBy, last: str | None, months: int, deps: Deps
) -> LifetimeValue:
    """Compute the contribution curves of the cohorts of so many months that end with ``last``.

    The last month that has ended is the default, and the latest that is counted.
    """
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        today = store.local_day(deps.uow_factory.clock.now())
        ended = month_before(f"{today:%Y-%m}", 1)
        last_month = min(last or ended, ended)
        wanted = [month_before(last_month, back) for back in range(months - 1, -1, -1)]
        first_day, end = (
            date.fromisoformat(f"{month}-01") for month in (wanted[0], month_before(last_month, -1))
        )
        owners = await persistence.owners_by_month(connection, store, first_day, end)
        brought = await persistence.brought(connection, store, first_day, end)
        costs = await _costs(connection, store_id, today, deps)
    found = [
        MonthOfOwners(
            month, owners.get(month, 0), brought.by_month.get(month, {}), costs.get(month)
        )
        for month in wanted
    ]
    with_owners = [each for each in found if each.customers]
    without = [each for each in found if not each.customers and each.acquisition]
    return LifetimeValue(
        by=by,
        first_month=wanted[0],
        last_month=last_month,
        small_below=SMALL_COHORT,
        cohorts=[_view(each) for each in lifetime_value.cohorts(found, by, today)],
        total=_view(lifetime_value.cohort("", with_owners, today)) if with_owners else None,
        months_without_owners=[each.month for each in without],
        unallocated_cents=sum(
            each.acquisition.acquisition_cents for each in without if each.acquisition
        ),
        of_no_owner_cents=brought.of_no_owner_cents,
    )


async def _costs(
    connection: Connection, store_id: str, today: date, deps: Deps
) -> Mapping[str, Acquisition]:
    """Return the costs and sales of each month of the store that are known today."""
    states = await deps.group.master_data.of_store(connection, MonthlyCostsDefined, store_id)
    known = {
        record_id.partition(".")[0]: content_on(state.versions, today)
        for record_id, state in states.items()
    }
    return {
        month: Acquisition(**content.model_dump(exclude={"kind"}))
        for month, content in known.items()
        if content
    }


def _view(found: Cohort) -> CohortView:
    return CohortView(
        cohort=found.name,
        customers=found.customers,
        is_small=found.is_small,
        missing_months=found.missing_months,
        acquisition=_acquisition(found.acquisition, found.customers),
        break_even_year=found.break_even_year,
        uncosted_parts_cents=found.uncosted_parts_cents,
        years=[_year(each, found.customers) for each in found.years],
    )


def _acquisition(spent: Acquisition | None, customers: int) -> AcquisitionView | None:
    if spent is None:
        return None
    return AcquisitionView(
        **vars(spent),
        acquisition_cents=spent.acquisition_cents,
        acquisition_per_customer_cents=round(spent.acquisition_cents / customers),
    )


def _year(each: OwnershipYear, customers: int) -> OwnershipYearView:
    value = each.value_cents
    return OwnershipYearView(
        **vars(each),
        contribution_per_customer_cents=round(each.contribution_cents / customers),
        value_per_customer_cents=None if value is None else round(value / customers),
    )
