"""Lifetime value of cohorts: additive, with costs that may be missing (R29)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.lifetime_value import (
    SMALL_COHORT,
    YEARS,
    Acquisition,
    Cohort,
    CohortBy,
    Contribution,
    MonthOfOwners,
    OwnershipYear,
    cohort,
    cohorts,
)

TODAY = date(2026, 3, 10)
YEARS_LATER = date(2031, 1, 1)
SPENT = Acquisition(100_000, 300_000, 50_000, 150_000, 12, 400_000)

CENTS = st.integers(-(10**9), 10**9)
BROUGHT = st.dictionaries(
    st.integers(1, YEARS), st.builds(Contribution, CENTS, st.integers(0, 10**9))
)
COSTS = st.builds(
    Acquisition, *[st.integers(0, 10**9)] * 4, st.integers(0, 500), st.integers(-(10**9), 10**9)
)
MONTHS = st.lists(
    st.builds(
        MonthOfOwners,
        st.tuples(st.integers(2018, 2025), st.integers(1, 12)).map(
            lambda each: "{}-{:02}".format(*each)
        ),
        st.integers(0, 300),
        BROUGHT,
        st.none() | COSTS,
    ),
    max_size=30,
    unique_by=lambda each: each.month,
)


def owners(
    month: str,
    customers: int = 10,
    brought: Mapping[int, int] | None = None,
    spent: Acquisition | None = SPENT,
) -> MonthOfOwners:
    contributions = {year: Contribution(cents, 0) for year, cents in (brought or {}).items()}
    return MonthOfOwners(month, customers, contributions, spent)


@given(MONTHS, st.sampled_from(["month", "year"]))
def test_cohorts_sum_to_total(months: list[MonthOfOwners], by: CohortBy) -> None:
    found = cohorts(months, by, YEARS_LATER)
    with_owners = [each for each in months if each.customers]
    assert sum(each.customers for each in found) == sum(each.customers for each in months)
    if not with_owners:
        assert found == []
        return
    total = cohort("", with_owners, YEARS_LATER)
    for year in range(1, YEARS + 1):
        parts = [each.contribution_cents for each in _years(found, year)]
        assert sum(parts) == sum(each.contribution_cents for each in _years([total], year))
    if total.acquisition is not None:
        spent = [each.acquisition.acquisition_cents for each in found if each.acquisition]
        assert sum(spent) == total.acquisition.acquisition_cents
    assert sorted(month for each in found for month in each.missing_months) == list(
        total.missing_months
    )


def _years(found: list[Cohort], year: int) -> list[OwnershipYear]:
    return [each for one in found for each in one.years if each.year == year]


@given(MONTHS)
def test_value_is_sum_less_acquisition(months: list[MonthOfOwners]) -> None:
    for each in cohorts(months, "year", TODAY):
        so_far = 0
        for year in each.years:
            so_far += year.contribution_cents
            if each.acquisition is None:
                assert each.missing_months
                assert year.value_cents is None
            else:
                assert year.value_cents == so_far - each.acquisition.acquisition_cents


def test_cohort_without_customers_is_absent() -> None:
    found = cohorts([owners("2025-01", 0), owners("2025-02")], "month", TODAY)
    assert [each.name for each in found] == ["2025-02"]
    assert cohorts([owners("2025-01", 0)], "year", TODAY) == []


def test_missing_month_leaves_no_value() -> None:
    months = [owners("2025-01", brought={1: 900}), owners("2025-02", spent=None)]
    (found,) = cohorts(months, "year", TODAY)
    assert (found.acquisition, found.missing_months) == (None, ("2025-02",))
    assert [(each.contribution_cents, each.value_cents) for each in found.years] == [
        (900, None),
        (0, None),
    ]
    assert found.break_even_year is None


def test_break_even_is_first_covered_year() -> None:
    brought = {1: 150_000, 2: 60_000, 3: -20_000}
    (found,) = cohorts([owners("2023-02", brought=brought)], "month", TODAY)
    assert SPENT.acquisition_cents == 200_000
    assert [each.value_cents for each in found.years] == [-50_000, 10_000, -10_000, -10_000]
    assert found.break_even_year == 2


def test_year_completes_with_its_last_customer() -> None:
    (found,) = cohorts([owners("2024-01"), owners("2024-03")], "year", TODAY)
    assert [each.is_complete for each in found.years] == [True, False, False]
    (found,) = cohorts([owners("2024-02")], "month", TODAY)
    assert [each.is_complete for each in found.years] == [True, True, False]


def test_curve_ends_after_five_years() -> None:
    (found,) = cohorts([owners("2015-01", brought={1: 1, 5: 2, 6: 4})], "month", TODAY)
    assert [each.year for each in found.years] == [1, 2, 3, 4, 5]
    assert found.years[-1].value_cents == 3 - SPENT.acquisition_cents


def test_few_customers_make_small_cohort() -> None:
    few = cohort("2025", [owners("2025-01", SMALL_COHORT - 1)], TODAY)
    assert (few.is_small, replace(few, customers=SMALL_COHORT).is_small) == (True, False)
