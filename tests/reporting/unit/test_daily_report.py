"""Business days from closing to closing, their reports and revisions (R30)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.application.business_days import BusinessDays
from services.reporting.domain.daily_report import BusinessDay, report
from shared.contracts.reporting import DailyKpis, DailyReportPublished
from tests.support.event_examples import EXAMPLES
from tests.support.stores import FIRST_DAY, profile, store

DAY = BusinessDay(
    "S01",
    date(2026, 3, 4),
    datetime(2026, 3, 3, 10, tzinfo=UTC),
    datetime(2026, 3, 4, 10, tzinfo=UTC),
)
KPIS = DailyKpis.model_validate(EXAMPLES["aftersales.reporting.DailyReportPublished.v1"])


def days(zone: str, closing: time, *later: tuple[date, time]) -> BusinessDays:
    """Return the business days of a store that closes so, and otherwise from later days on."""
    closings = [(FIRST_DAY, closing), *later]
    return BusinessDays(
        store(
            "S01",
            *((since, profile(zone=zone, closing=f"{at:%H:%M}")) for since, at in closings),
        )
    )


_CHANGES = st.tuples(st.dates(date(2026, 1, 2), date(2028, 1, 1)), st.times(time(12), time(23, 59)))


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC"]),
    st.times(time(12), time(23, 59)),
    st.lists(
        st.tuples(st.dates(date(2026, 1, 2), date(2028, 1, 1)), st.times(time(12), time(23))),
        max_size=3,
        unique_by=lambda each: each[0],
    ),
)
def test_each_timestamp_is_in_one_business_day(
    moment: datetime, zone: str, closing: time, later: list[tuple[date, time]]
) -> None:
    place = days(zone, closing, *sorted(later))
    local_day = moment.astimezone(ZoneInfo(zone)).date()
    around = [local_day + timedelta(days=distance) for distance in (-1, 0, 1, 2)]
    bounds = {day: place.bounds(day) for day in around}
    (found,) = (day for day, (begin, end) in bounds.items() if begin <= moment < end)
    assert found == place.day_of(moment)
    assert all(bounds[day][1] == bounds[day + timedelta(days=1)][0] for day in around[:-1])


@pytest.mark.parametrize(
    ("local", "day"), [("17:59:59", 4), ("18:00", 5), ("18:05", 5), ("23:59", 5)]
)
def test_time_after_closing_counts_on_next_day(local: str, day: int) -> None:
    moment = datetime.fromisoformat(f"2026-03-04T{local}+08:00")
    assert days("Asia/Shanghai", time(18)).day_of(moment) == date(2026, 3, day)


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
