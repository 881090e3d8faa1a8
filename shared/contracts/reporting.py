"""Events of reporting (报表)."""

from typing import ClassVar, Literal

from shared.contracts.base import Cents, Day, Event, Identifier, Moment, Part


class _StoreReportEvent(Event):
    topic = "aftersales.reporting.store.v1"
    key_field = "store_id"
    publisher = "reporting"
    duties: ClassVar[tuple[str, ...]] = ("R30",)


class Figures(Part):
    """Figures of a store's day (日报指标). A ratio without a denominator is absent, and so is a
    figure that was not yet known when a report was published.

    Formulas are in ``docs/indicators.md``.
    """

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
    credited_cents: Cents = 0
    collected: float | None = None
    show: float | None = None
    feedback: float | None = None
    corrective_actions_opened: int = 0
    corrective_actions_overdue: int = 0
    checks_missing: int = 0
    checks_done: float | None = None
    concern_match_rate: float | None = None
    promise_calibration: dict[Identifier, float] | None = None
    rework_in: float | None = None
    rework_out: float | None = None
    first_time_fix: float | None = None
    labour_rate: float | None = None
    hours_per_ro: float | None = None
    output_per_vehicle: float | None = None
    collected_by_age: dict[Identifier, float] | None = None
    claims_submitted: int | None = None
    claims_settled: int | None = None
    claims_overdue: int | None = None
    feedback_work_quality: float | None = None
    feedback_technical_skill: float | None = None
    feedback_service_attitude: float | None = None
    customers_notified: int | None = None


class DailyReportPublished(Figures, _StoreReportEvent):
    """The figures of one store's business day (日报), from closing to closing: of what happened at
    or after ``covers_from`` and before ``covers_until``.

    A higher ``revision`` replaces the report, after events of the day that came late.
    """

    day: Day
    covers_from: Moment | None = None
    covers_until: Moment | None = None
    revision: int = 1
    published_at: Moment


CorrectiveActionSource = Literal["feedback", "facility_check"]


class _CorrectiveActionEvent(Event):
    topic = "aftersales.reporting.store.v1"
    key_field = "store_id"
    publisher = "reporting"
    duties: ClassVar[tuple[str, ...]] = ("R10", "R43")

    corrective_action_id: Identifier


class RectificationOpened(_CorrectiveActionEvent):
    """Something must be put right (整改): what, by whom and by when.

    ``source_id`` is the order of a feedback or the facility check; ``subjects`` are the bad ratings
    or the failed items.
    """

    source: CorrectiveActionSource
    source_id: Identifier
    order_id: Identifier | None
    subjects: tuple[Identifier, ...]
    owner_id: Identifier
    due_at: Moment
    opened_at: Moment


class RectificationOverdue(_CorrectiveActionEvent):
    """The owner has not closed it in time (整改超期)."""

    owner_id: Identifier
    due_at: Moment


class RectificationClosed(_CorrectiveActionEvent):
    """It was put right, or found to be unfounded (整改完成)."""

    result: Literal["corrected", "unfounded"]
    closed_by: Identifier
    closed_at: Moment
