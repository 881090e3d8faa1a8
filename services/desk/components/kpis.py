"""KPIs of a day: tiles, ratios with their formula and reference, and charts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import box, test_id, text
from services.desk.i18n import Translator

Kpis = Mapping[str, Any]

INK, MUTED, LINE = "#1b2733", "#66727f", "#e4e8ec"
PALETTE = ("#1d4e6f", "#4f86a6", "#9fb8c6", "#2f7a55", "#a86a12")

_FONTS = "Inter, PingFang SC, Microsoft YaHei, Noto Sans SC, Noto Sans CJK SC, sans-serif"

COUNTS = ("arrived", "orders", "delivered", "settled")
AMOUNTS = ("invoiced_cents", "received_cents")


@dataclass(frozen=True)
class Kpi:
    """KPI (指标) of the report, its format and its reference.

    Staff who do the work are not shown the ``confidential`` ones: money and opinions.
    """

    name: str
    write: Callable[[Any], str] = formats.share
    reference: float | None = None
    confidential: bool = False


GROUPS: Mapping[str, Sequence[Kpi]] = {
    "delivery": (
        Kpi("on_time_rate_initial", reference=0.95),
        Kpi("on_time_rate_final"),
        Kpi("promise_calibration", formats.by_confidence),
        Kpi("same_day_rate", reference=0.80),
        Kpi("complete_delivery_rate", reference=1.0),
    ),
    "reception": (
        Kpi("appointment_rate"),
        Kpi("show_rate", reference=0.80),
        Kpi("greet_wait_median_s", formats.minutes_seconds),
        Kpi("greet_wait_p90_s", formats.minutes_seconds),
        Kpi("greeted_late", formats.plain),
        Kpi("concern_match_rate"),
        Kpi("estimate_accuracy"),
        Kpi("estimate_within_tenth_rate"),
    ),
    "workshop": (
        Kpi("standard_hours_sold", formats.hours),
        Kpi("clocked_hours", formats.hours),
        Kpi("efficiency", reference=1.10),
        Kpi("dispatch_override_rate"),
        Kpi("first_time_fix_rate"),
        Kpi("internal_rework_rate"),
        Kpi("comeback_rate"),
        Kpi("hours_per_ro", formats.hours),
    ),
    "money": (
        Kpi("effective_labor_rate", formats.money, confidential=True),
        Kpi("revenue_per_ro", formats.money, confidential=True),
        Kpi("collection_rate", confidential=True),
        Kpi("collection_rate_by_age", formats.shares, confidential=True),
        Kpi("refunded_cents", formats.money, confidential=True),
        Kpi("credited_cents", formats.money, confidential=True),
    ),
    "claims": (
        Kpi("claims_submitted", formats.plain),
        Kpi("claims_settled", formats.plain),
        Kpi("claims_overdue", formats.plain),
    ),
    "quality": (
        Kpi("feedback", formats.average, confidential=True),
        Kpi("feedback_work_quality", formats.average, confidential=True),
        Kpi("feedback_technical_skill", formats.average, confidential=True),
        Kpi("feedback_service_attitude", formats.average, confidential=True),
        Kpi("corrective_actions_opened", formats.plain),
        Kpi("corrective_actions_overdue", formats.plain),
        Kpi("facility_check_rate", reference=1.0),
        Kpi("facility_checks_overdue", formats.plain),
    ),
    "customers": (
        Kpi("customers_notified", formats.plain),
        Kpi("follow_ups_scheduled", formats.plain),
    ),
}
"""KPIs by topic."""

KPIS = tuple(chain.from_iterable(GROUPS.values()))


def tiles(t: Translator, kpis: Kpis, *, with_money: bool) -> None:
    """Show the day at a glance."""
    with box("tiles"):
        for name in COUNTS:
            _tile(t.code("kpi", name), str(kpis[name]), name)
        for name in AMOUNTS if with_money else ():
            _tile(t.code("kpi", name), formats.money(kpis[name]), name)


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
                _ratio(t, kpi, kpis[kpi.name])


def _ratio(t: Translator, kpi: Kpi, value: Any) -> None:
    with test_id(f"kpi-{kpi.name}", box("ratio")):
        with box("ratio-name"):
            text(t.code("kpi", kpi.name))
            text(t.code("formula", kpi.name), "formula")
        with box("ratio-value"):
            text(kpi.write(value), tone_of(kpi, value))
            if kpi.reference is not None:
                text(f"≥ {kpi.reference:.0%}", "formula")


def tone_of(kpi: Kpi, value: float | None) -> str:
    """Return the style of a value by its reference."""
    if value is None or kpi.reference is None:
        return "ratio-plain"
    return "ratio-good" if value >= kpi.reference else "ratio-low"


def bars(
    categories: Sequence[str], series: Mapping[str, Sequence[float | None]], *, unit: str = ""
) -> ui.echart:
    """Add vertical bars, one color a series; ``unit`` stands behind each number."""
    return ui.echart(
        {
            "color": list(PALETTE),
            "textStyle": {"fontFamily": _FONTS},
            "animationDuration": 250,
            "grid": {"left": 8, "right": 12, "top": 36, "bottom": 4, "containLabel": True},
            "legend": {"top": 0, "left": 0, "itemWidth": 10, "itemHeight": 10}
            if len(series) > 1
            else {"show_rate": False},
            "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
            "xAxis": {
                "type": "category",
                "data": list(categories),
                "axisTick": {"show_rate": False},
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
                        "show_rate": len(series) == 1,
                        "position": "top",
                        "color": INK,
                        "formatter": "{c}" + unit,
                    },
                }
                for name, values in series.items()
            ],
        }
    ).classes("chart")
