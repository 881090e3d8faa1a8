"""The figures of a store's day (日报指标). Formulas are in ``docs/indicators.md``."""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime

from shared.contracts.reporting import DailyReportPublished


@dataclass(frozen=True)
class Figures:
    """Counts, integer cents, hours, seconds; ratios, absent where the denominator is 0."""

    arrived: int
    orders: int
    delivered: int
    settled: int
    invoiced_cents: int
    labor_cents: int
    parts_cents: int
    received_cents: int
    on_time_first: float | None
    on_time_last: float | None
    same_day: float | None
    greet_wait_median_s: float | None
    greet_wait_p90_s: float | None
    greeted_late: int
    delivery_complete: float | None
    appointment: float | None
    standard_hours_sold: float
    clocked_hours: float
    efficiency: float | None
    override: float | None
    follow_ups_scheduled: int
    estimate_accuracy: float | None
    estimate_within_tenth: float | None
    refunded_cents: int
    collected: float | None
    show: float | None
    feedback: float | None
    rectifications_opened: int
    rectifications_overdue: int
    checks_missing: int


def daily_report(
    store_id: str, day: date, figures: Figures, published_at: datetime
) -> DailyReportPublished:
    """The report (日报) of one store and day, as it goes out."""
    return DailyReportPublished(
        store_id=store_id,
        day=day.isoformat(),
        published_at=published_at,
        **dataclasses.asdict(figures),
    )
