"""Events of reporting (报表)."""

from typing import ClassVar

from shared.contracts.base import BusinessDate, Cents, Event, EventPart, Identifier, Timestamp


class _StoreReportEvent(Event):
    topic = "aftersales.reporting.store.v1"
    key_field = "store_id"
    publisher = "reporting"
    requirements: ClassVar[tuple[str, ...]] = ("R30",)


class DailyKpis(EventPart):
    """KPIs of a store's day (日报指标). A ratio without a denominator is absent, and so is a
    KPI that was not yet known when a report was published.

    Formulas are in ``docs/kpis.md``.
    """

    arrived: int
    orders: int
    delivered: int
    settled: int
    invoiced_cents: Cents
    labor_cents: Cents
    parts_cents: Cents
    received_cents: Cents
    on_time_rate_initial: float | None
    on_time_rate_final: float | None
    same_day_rate: float | None
    greet_wait_median_s: float | None
    greet_wait_p90_s: float | None
    greeted_late: int
    complete_delivery_rate: float | None
    appointment_rate: float | None
    standard_hours_sold: float
    clocked_hours: float
    efficiency: float | None
    dispatch_override_rate: float | None
    follow_ups_scheduled: int
    estimate_accuracy: float | None = None
    estimate_within_tenth_rate: float | None = None
    refunded_cents: Cents = 0
    credited_cents: Cents = 0
    collection_rate: float | None = None
    show_rate: float | None = None
    feedback: float | None = None
    corrective_actions_opened: int = 0
    corrective_actions_overdue: int = 0
    facility_checks_overdue: int = 0
    facility_check_rate: float | None = None
    concern_match_rate: float | None = None
    promise_calibration: dict[Identifier, float] | None = None
    internal_rework_rate: float | None = None
    comeback_rate: float | None = None
    first_time_fix_rate: float | None = None
    effective_labor_rate: float | None = None
    hours_per_ro: float | None = None
    revenue_per_ro: float | None = None
    collection_rate_by_age: dict[Identifier, float] | None = None
    claims_submitted: int | None = None
    claims_settled: int | None = None
    claims_overdue: int | None = None
    feedback_work_quality: float | None = None
    feedback_technical_skill: float | None = None
    feedback_service_attitude: float | None = None
    customers_notified: int | None = None
    attended_hours: float | None = None
    utilization: float | None = None
    overall_efficiency: float | None = None
    csi: float | None = None
    complaints_opened: int | None = None
    complaint_rate: float | None = None
    complaints_closed_14d_rate: float | None = None


class DailyReportPublished(DailyKpis, _StoreReportEvent):
    """The KPIs of one store's business day (日报), from closing to closing: of what happened at
    or after ``covers_from`` and before ``covers_until``.

    A higher ``revision`` replaces the report, after events of the day that came late.
    """

    day: BusinessDate
    covers_from: Timestamp | None = None
    covers_until: Timestamp | None = None
    revision: int = 1
    published_at: Timestamp
