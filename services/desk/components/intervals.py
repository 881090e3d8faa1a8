"""Chart of means over time, each with its confidence interval."""

from collections.abc import Sequence

from nicegui import ui

from services.desk.components.kpis import FONTS, INK, LINE, MUTED, PALETTE
from shared.clients.crm.models import Interval

_GREY = "#b4bdc6"


def interval_line(categories: Sequence[str], means: Sequence[Interval], *, name: str) -> ui.echart:
    """Add a line of means over a band of their intervals.

    Means of too few answers are gray points.
    """
    lows = [_rounded(each.low) for each in means]
    highs = [_rounded(each.high) for each in means]
    widths = [
        None if low is None or high is None else high - low
        for low, high in zip(lows, highs, strict=True)
    ]
    band = {"type": "line", "stack": "band", "symbol": "none", "silent": True}
    return ui.echart(
        {
            "textStyle": {"fontFamily": FONTS},
            "animationDuration": 250,
            "grid": {"left": 8, "right": 16, "top": 16, "bottom": 4, "containLabel": True},
            "xAxis": {
                "type": "category",
                "data": list(categories),
                "axisTick": {"show": False},
                "axisLine": {"lineStyle": {"color": LINE}},
                "axisLabel": {"color": MUTED},
            },
            "yAxis": {
                "type": "value",
                "scale": True,
                "max": 1000,
                "splitLine": {"lineStyle": {"color": LINE}},
                "axisLabel": {"color": MUTED},
            },
            "series": [
                {**band, "data": lows, "lineStyle": {"opacity": 0}},
                {
                    **band,
                    "data": widths,
                    "lineStyle": {"opacity": 0},
                    "areaStyle": {"color": PALETTE[0], "opacity": 0.15},
                },
                {
                    "type": "line",
                    "name": name,
                    "data": [
                        {
                            "value": _rounded(each.mean),
                            "itemStyle": {"color": PALETTE[0] if each.enough else _GREY},
                        }
                        for each in means
                    ],
                    "symbolSize": 9,
                    "lineStyle": {"color": PALETTE[0]},
                    "label": {"show": True, "position": "top", "color": INK},
                },
            ],
        }
    ).classes("chart")


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
