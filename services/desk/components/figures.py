"""Figures of a day: tiles, ratios with their formula and reference, and charts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import box, test_id, text
from services.desk.i18n import Translator

Figures = Mapping[str, Any]

INK, MUTED, LINE = "#1b2733", "#66727f", "#e4e8ec"
PALETTE = ("#1d4e6f", "#4f86a6", "#9fb8c6", "#2f7a55", "#a86a12")

_FONTS = "Inter, PingFang SC, Microsoft YaHei, Noto Sans SC, Noto Sans CJK SC, sans-serif"

COUNTS = ("arrived", "orders", "delivered", "settled")
AMOUNTS = ("invoiced_cents", "received_cents")


@dataclass(frozen=True)
class Indicator:
    """An indicator (指标) of the report, how it is written and where it should be.

    Those who do the work are not told the ``confidential`` ones: money and opinions.
    """

    name: str
    write: Callable[[Any], str] = formats.share
    reference: float | None = None
    confidential: bool = False


GROUPS: Mapping[str, Sequence[Indicator]] = {
    "delivery": (
        Indicator("on_time_first", reference=0.95),
        Indicator("on_time_last"),
        Indicator("promise_calibration", formats.by_confidence),
        Indicator("same_day", reference=0.80),
        Indicator("delivery_complete", reference=1.0),
    ),
    "reception": (
        Indicator("appointment"),
        Indicator("show", reference=0.80),
        Indicator("greet_wait_median_s", formats.minutes_seconds),
        Indicator("greet_wait_p90_s", formats.minutes_seconds),
        Indicator("greeted_late", formats.plain),
        Indicator("concern_match_rate"),
        Indicator("estimate_accuracy"),
        Indicator("estimate_within_tenth"),
    ),
    "workshop": (
        Indicator("standard_hours_sold", formats.hours),
        Indicator("clocked_hours", formats.hours),
        Indicator("efficiency", reference=1.10),
        Indicator("override"),
        Indicator("first_time_fix"),
        Indicator("rework_in"),
        Indicator("rework_out"),
        Indicator("hours_per_ro", formats.hours),
    ),
    "money": (
        Indicator("labour_rate", formats.money, confidential=True),
        Indicator("output_per_vehicle", formats.money, confidential=True),
        Indicator("collected", confidential=True),
        Indicator("collected_by_age", formats.shares, confidential=True),
        Indicator("refunded_cents", formats.money, confidential=True),
        Indicator("credited_cents", formats.money, confidential=True),
    ),
    "claims": (
        Indicator("claims_submitted", formats.plain),
        Indicator("claims_settled", formats.plain),
        Indicator("claims_overdue", formats.plain),
    ),
    "quality": (
        Indicator("feedback", formats.average, confidential=True),
        Indicator("feedback_work_quality", formats.average, confidential=True),
        Indicator("feedback_technical_skill", formats.average, confidential=True),
        Indicator("feedback_service_attitude", formats.average, confidential=True),
        Indicator("corrective_actions_opened", formats.plain),
        Indicator("corrective_actions_overdue", formats.plain),
        Indicator("checks_done", reference=1.0),
        Indicator("checks_missing", formats.plain),
    ),
    "customers": (
        Indicator("customers_notified", formats.plain),
        Indicator("follow_ups_scheduled", formats.plain),
    ),
}
"""The indicators by what they are about."""

INDICATORS = tuple(chain.from_iterable(GROUPS.values()))


def tiles(t: Translator, figures: Figures, *, with_money: bool) -> None:
    """The day at a glance."""
    with box("tiles"):
        for name in COUNTS:
            _tile(t.code("figure", name), str(figures[name]), name)
        for name in AMOUNTS if with_money else ():
            _tile(t.code("figure", name), formats.money(figures[name]), name)


def _tile(name: str, value: str, key: str) -> None:
    with test_id(f"figure-{key}", box("tile")):
        text(name, "tile-name")
        text(value, "tile-value")


def indicators(t: Translator, figures: Figures, *, with_money: bool) -> None:
    """Each indicator with its formula beside the name, under what it is about."""
    for group, members in GROUPS.items():
        told = [each for each in members if with_money or not each.confidential]
        if not told:
            continue
        text(t.code("group", group), "section-title")
        with box("ratios"):
            for indicator in told:
                _ratio(t, indicator, figures[indicator.name])


def _ratio(t: Translator, indicator: Indicator, value: Any) -> None:
    with test_id(f"figure-{indicator.name}", box("ratio")):
        with box("ratio-name"):
            text(t.code("figure", indicator.name))
            text(t.code("formula", indicator.name), "formula")
        with box("ratio-value"):
            text(indicator.write(value), tone_of(indicator, value))
            if indicator.reference is not None:
                text(f"≥ {indicator.reference:.0%}", "formula")


def tone_of(indicator: Indicator, value: float | None) -> str:
    """Style of a value by its reference."""
    if value is None or indicator.reference is None:
        return "ratio-plain"
    return "ratio-good" if value >= indicator.reference else "ratio-low"


def bars(
    categories: Sequence[str], series: Mapping[str, Sequence[float | None]], *, unit: str = ""
) -> ui.echart:
    """Vertical bars, one color a series; ``unit`` stands behind each number."""
    return ui.echart(
        {
            "color": list(PALETTE),
            "textStyle": {"fontFamily": _FONTS},
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
