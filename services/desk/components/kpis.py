"""KPIs of a day: tiles, ratios with their formula and reference, and charts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import box, test_id, text
from services.desk.i18n import Translator
from shared.clients.reporting.models import DailyReport, LiveKpis
from shared.contracts.reporting import DailyReportPublished

Kpis = LiveKpis | DailyReport | DailyReportPublished
"""KPIs of a store's day: so far, or as published."""

T = TypeVar("T")

INK, MUTED, LINE = "#1b2733", "#66727f", "#e4e8ec"
PALETTE = ("#1d4e6f", "#4f86a6", "#9fb8c6", "#2f7a55", "#a86a12")

_PLAIN = "ratio-plain"
FONTS = "Inter, PingFang SC, Microsoft YaHei, Noto Sans SC, Noto Sans CJK SC, sans-serif"

COUNTS: Mapping[str, Callable[[Kpis], int]] = {
    "arrived": lambda day: day.arrived,
    "orders": lambda day: day.orders,
    "delivered": lambda day: day.delivered,
    "settled": lambda day: day.settled,
}
AMOUNTS: Mapping[str, Callable[[Kpis], int | None]] = {
    "invoiced_cents": lambda day: day.invoiced_cents,
    "received_cents": lambda day: day.received_cents,
}


@dataclass(frozen=True)
class Kpi:
    """KPI (指标) of the report: its value in words, the tone of the value, and its reference.

    Staff who do the work are not shown the ``confidential`` ones: money and opinions.
    """

    name: str
    text: Callable[[Kpis], str]
    tone: Callable[[Kpis], str]
    reference: float | None
    confidential: bool


def _kpi(
    name: str,
    read: Callable[[Kpis], T],
    write: Callable[[T], str],
    *,
    confidential: bool = False,
) -> Kpi:
    return Kpi(name, lambda day: write(read(day)), lambda _: _PLAIN, None, confidential)


def _rate(
    name: str,
    read: Callable[[Kpis], float | None],
    *,
    reference: float | None = None,
    confidential: bool = False,
) -> Kpi:
    def tone(day: Kpis) -> str:
        value = read(day)
        if value is None or reference is None:
            return _PLAIN
        return "ratio-good" if value >= reference else "ratio-low"

    return Kpi(name, lambda day: formats.share(read(day)), tone, reference, confidential)


GROUPS: Mapping[str, Sequence[Kpi]] = {
    "delivery": (
        _rate("on_time_rate_initial", lambda day: day.on_time_rate_initial, reference=0.95),
        _rate("on_time_rate_final", lambda day: day.on_time_rate_final),
        _kpi("promise_calibration", lambda day: day.promise_calibration, formats.by_confidence),
        _rate("same_day_rate", lambda day: day.same_day_rate, reference=0.80),
        _rate("complete_delivery_rate", lambda day: day.complete_delivery_rate, reference=1.0),
    ),
    "reception": (
        _rate("appointment_rate", lambda day: day.appointment_rate),
        _rate("show_rate", lambda day: day.show_rate, reference=0.80),
        _kpi("greet_wait_median_s", lambda day: day.greet_wait_median_s, formats.minutes_seconds),
        _kpi("greet_wait_p90_s", lambda day: day.greet_wait_p90_s, formats.minutes_seconds),
        _kpi("greeted_late", lambda day: day.greeted_late, formats.plain),
        _rate("concern_match_rate", lambda day: day.concern_match_rate),
        _rate("estimate_accuracy", lambda day: day.estimate_accuracy),
        _rate("estimate_within_tenth_rate", lambda day: day.estimate_within_tenth_rate),
    ),
    "workshop": (
        _kpi("standard_hours_sold", lambda day: day.standard_hours_sold, formats.hours),
        _kpi("clocked_hours", lambda day: day.clocked_hours, formats.hours),
        _kpi("attended_hours", lambda day: day.attended_hours, formats.hours),
        _rate("utilization", lambda day: day.utilization, reference=0.85),
        _rate("efficiency", lambda day: day.efficiency, reference=1.10),
        _rate("overall_efficiency", lambda day: day.overall_efficiency),
        _rate("dispatch_override_rate", lambda day: day.dispatch_override_rate),
        _rate("first_time_fix_rate", lambda day: day.first_time_fix_rate),
        _rate("internal_rework_rate", lambda day: day.internal_rework_rate),
        _rate("comeback_rate", lambda day: day.comeback_rate),
        _kpi("hours_per_ro", lambda day: day.hours_per_ro, formats.hours),
    ),
    "money": (
        _kpi(
            "effective_labor_rate",
            lambda day: day.effective_labor_rate,
            formats.money,
            confidential=True,
        ),
        _kpi("revenue_per_ro", lambda day: day.revenue_per_ro, formats.money, confidential=True),
        _rate("collection_rate", lambda day: day.collection_rate, confidential=True),
        _kpi(
            "collection_rate_by_age",
            lambda day: day.collection_rate_by_age,
            formats.shares,
            confidential=True,
        ),
        _kpi("refunded_cents", lambda day: day.refunded_cents, formats.money, confidential=True),
        _kpi("credited_cents", lambda day: day.credited_cents, formats.money, confidential=True),
    ),
    "claims": (
        _kpi("claims_submitted", lambda day: day.claims_submitted, formats.plain),
        _kpi("claims_settled", lambda day: day.claims_settled, formats.plain),
        _kpi("claims_overdue", lambda day: day.claims_overdue, formats.plain),
    ),
    "quality": (
        _kpi("feedback", lambda day: day.feedback, formats.average, confidential=True),
        _kpi(
            "feedback_work_quality",
            lambda day: day.feedback_work_quality,
            formats.average,
            confidential=True,
        ),
        _kpi(
            "feedback_technical_skill",
            lambda day: day.feedback_technical_skill,
            formats.average,
            confidential=True,
        ),
        _kpi(
            "feedback_service_attitude",
            lambda day: day.feedback_service_attitude,
            formats.average,
            confidential=True,
        ),
        _kpi("csi", lambda day: day.csi, formats.points, confidential=True),
        _kpi("corrective_actions_opened", lambda day: day.corrective_actions_opened, formats.plain),
        _kpi(
            "corrective_actions_overdue", lambda day: day.corrective_actions_overdue, formats.plain
        ),
        _rate("facility_check_rate", lambda day: day.facility_check_rate, reference=1.0),
        _kpi("facility_checks_overdue", lambda day: day.facility_checks_overdue, formats.plain),
    ),
    "customers": (
        _kpi("customers_notified", lambda day: day.customers_notified, formats.plain),
        _kpi("follow_ups_scheduled", lambda day: day.follow_ups_scheduled, formats.plain),
        _kpi("complaints_opened", lambda day: day.complaints_opened, formats.plain),
        _rate("complaint_rate", lambda day: day.complaint_rate),
        _rate("complaints_closed_14d_rate", lambda day: day.complaints_closed_14d_rate),
    ),
}
"""KPIs by topic."""

KPIS = tuple(chain.from_iterable(GROUPS.values()))


def tiles(t: Translator, kpis: Kpis, *, with_money: bool) -> None:
    """Show the day at a glance."""
    with box("tiles"):
        for name, count in COUNTS.items():
            _tile(t.code("kpi", name), str(count(kpis)), name)
        for name, cents in AMOUNTS.items() if with_money else ():
            _tile(t.code("kpi", name), formats.money(cents(kpis)), name)


def _tile(name: str, value: str, key: str) -> None:
    with test_id(f"kpi-{key}", box("tile")):
        text(name, "tile-name")
        text(value, "tile-value")


def kpi_groups(t: Translator, kpis: Kpis, *, with_money: bool) -> None:
    """Show each KPI by topic, with its formula beside the name."""
    for group, members in GROUPS.items():
        told = [each for each in members if with_money or not each.confidential]
        if not told:
            continue
        text(t.code("group", group), "section-title")
        with box("ratios"):
            for kpi in told:
                _ratio(t, kpi, kpis)


def _ratio(t: Translator, kpi: Kpi, kpis: Kpis) -> None:
    with test_id(f"kpi-{kpi.name}", box("ratio")):
        with box("ratio-name"):
            text(t.code("kpi", kpi.name))
            text(t.code("formula", kpi.name), "formula")
        with box("ratio-value"):
            text(kpi.text(kpis), kpi.tone(kpis))
            if kpi.reference is not None:
                text(f"≥ {kpi.reference:.0%}", "formula")


def bars(
    categories: Sequence[str], series: Mapping[str, Sequence[float | None]], *, unit: str = ""
) -> ui.echart:
    """Add vertical bars, one color a series; ``unit`` stands behind each number."""
    return ui.echart(
        {
            "color": list(PALETTE),
            "textStyle": {"fontFamily": FONTS},
            "animationDuration": 250,
            "grid": {"left": 8, "right": 12, "top": 36, "bottom": 4, "containLabel": True},
            "legend": {"top": 0, "left": 0, "itemWidth": 10, "itemHeight": 10}
            if len(series) > 1
            else {"show": False},
            "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
            "xAxis": {
                "type": "category",
                "data": list(categories),
                "axisTick": {"show": False},
                "axisLine": {"lineStyle": {"color": LINE}},
                "axisLabel": {"color": MUTED, "interval": 0},
            },
            "yAxis": {
                "type": "value",
                "minInterval": 1,
                "splitLine": {"lineStyle": {"color": LINE}},
                "axisLabel": {"color": MUTED, "formatter": "{value}" + unit},
            },
            "series": [
                {
                    "name": name,
                    "type": "bar",
                    "data": list(values),
                    "barMaxWidth": 34,
                    "itemStyle": {"borderRadius": [3, 3, 0, 0]},
                    "label": {
                        "show": len(series) == 1,
                        "position": "top",
                        "color": INK,
                        "formatter": "{c}" + unit,
                    },
                }
                for name, values in series.items()
            ],
        }
    ).classes("chart")
