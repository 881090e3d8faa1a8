"""Events of reporting (报表)."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import Cents, Event, Moment


class _StoreReportEvent(Event):
    topic = "aftersales.reporting.store.v1"
    key_field = "store_id"
    publisher = "reporting"
    duties: ClassVar[tuple[str, ...]] = ("R30",)


class DailyReportPublished(_StoreReportEvent):
    """The day's figures of one store (日报). A ratio without a denominator is absent."""

    day: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    arrived: int
    orders: int
    delivered: int
    settled: int
    invoiced_cents: Cents
    labor_cents: Cents
    parts_cents: Cents
    received_cents: Cents
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
    estimate_accuracy: float | None = None
    estimate_within_tenth: float | None = None
    refunded_cents: Cents = 0
    collected: float | None = None
    show: float | None = None
    published_at: Moment
