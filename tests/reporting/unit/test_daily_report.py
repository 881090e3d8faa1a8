"""Business days from closing to closing, their reports and revisions (R30)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.daily_report import BusinessDay, report
from shared.contracts.reporting import DailyKpis, DailyReportPublished
from shared.group import Store
from tests.support.event_examples import EXAMPLES

DAY = BusinessDay(
    "S01",
    date(2026, 3, 4),
    datetime(2026, 3, 3, 10, tzinfo=UTC),
    datetime(2026, 3, 4, 10, tzinfo=UTC),
)
KPIS = DailyKpis.model_validate(EXAMPLES["aftersales.reporting.DailyReportPublished.v1"])


def store(zone: str, closing: time) -> Store:
    return Store(
        id="S01",
        zh="店",
        en="Store",
        zone=zone,
        opening=time(8),
        closing=closing,
        greeting_limit_s=600,
        labor_rate_cents={},
        tax_rate_bp=1300,
        payment_days=30,
    )


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC"]),
    st.times(time(12), time(23, 59)),
)
def test_each_timestamp_is_in_one_business_day(moment: datetime, zone: str, closing: time) -> None:
    place = store(zone, closing)
    around = [place.local_day(moment) + timedelta(days=days) for days in (-1, 0, 1, 2)]
    bounds = {day: place.business_day_bounds(day) for day in around}
    (found,) = (day for day, (begin, end) in bounds.items() if begin <= moment < end)
    assert found == place.business_day(moment)
    assert all(bounds[day][1] == bounds[day + timedelta(days=1)][0] for day in around[:-1])


@pytest.mark.parametrize(
    ("local", "day"), [("17:59:59", 4), ("18:00", 5), ("18:05", 5), ("23:59", 5)]
)
def test_time_after_closing_counts_on_next_day(local: str, day: int) -> None:
    moment = datetime.fromisoformat(f"2026-03-04T{local}+08:00")
    assert store("Asia/Shanghai", time(18)).business_day(moment) == date(2026, 3, day)


def published(kpis: DailyKpis, earlier: DailyReportPublished | None) -> DailyReportPublished:
    (event,) = report(DAY, kpis, earlier, DAY.end)
    return event


def test_first_report_covers_closing_to_closing() -> None:
    first = published(KPIS, None)
    assert (first.covers_from, first.covers_until, first.revision) == (DAY.begin, DAY.end, 1)


@pytest.mark.parametrize("kpi", ["received_cents", "delivered"])
def test_changed_total_revises_report(kpi: str) -> None:
    changed = KPIS.model_copy(update={kpi: getattr(KPIS, kpi) + 1})
    revised = published(changed, published(KPIS, None))
    assert (revised.revision, getattr(revised, kpi)) == (2, getattr(changed, kpi))


def test_changed_rate_alone_revises_no_report() -> None:
    changed = KPIS.model_copy(update={"efficiency": 0.1})
    assert report(DAY, changed, published(KPIS, None), DAY.end) == []
