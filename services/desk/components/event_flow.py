"""Flow of an order (工单事件流): which event follows which, drawn by service from top to bottom."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import EChartComponentClickEventArguments

from services.desk.components.kpis import FONTS, INK, MUTED, PALETTE
from services.desk.i18n import Translator

LANES: Sequence[tuple[Sequence[str], float]] = (
    (("reception",), 0.5),
    (("workshop",), 2.5),
    (("crm",), 4),
    (("reporting", "management"), 5),
)
"""Services with the column above which they stand."""

PLACES: Mapping[str, tuple[int, int]] = {
    "AppointmentBooked": (1, 0),
    "VehicleArrived": (1, 1),
    "CustomerGreeted": (1, 2),
    "OrderOpened": (1, 3),
    "JobAssigned": (2, 3),
    "JobStarted": (2, 4),
    "AdditionalWorkRecommended": (3, 4),
    "AdditionalWorkAuthorized": (1, 5),
    "JobFinished": (2, 6),
    "QualityInspectionFailed": (3, 5),
    "QualityInspectionPassed": (2, 7),
    "VehicleReady": (2, 8),
    "CustomerNotified": (4, 8),
    "InvoiceIssued": (1, 9),
    "WarrantyClaimDrafted": (0, 9),
    "WarrantyClaimSubmitted": (0, 10),
    "WarrantyClaimDecided": (0, 11),
    "WarrantyClaimSettled": (0, 12),
    "PaymentReceived": (1, 10),
    "DailyReportPublished": (5, 10),
    "VehicleDelivered": (1, 11),
    "FeedbackSubmitted": (1, 12),
    "FollowUpScheduled": (4, 11),
    "FollowUpCompleted": (4, 12),
    "CorrectiveActionOpened": (5, 12),
}
"""Column and row of each event; time goes down."""

FOLLOWS: Sequence[tuple[str, str]] = (
    ("AppointmentBooked", "VehicleArrived"),
    ("VehicleArrived", "CustomerGreeted"),
    ("CustomerGreeted", "OrderOpened"),
    ("OrderOpened", "JobAssigned"),
    ("JobAssigned", "JobStarted"),
    ("JobStarted", "AdditionalWorkRecommended"),
    ("AdditionalWorkRecommended", "AdditionalWorkAuthorized"),
    ("AdditionalWorkAuthorized", "JobAssigned"),
    ("JobStarted", "JobFinished"),
    ("JobFinished", "QualityInspectionPassed"),
    ("JobFinished", "QualityInspectionFailed"),
    ("QualityInspectionFailed", "JobAssigned"),
    ("QualityInspectionPassed", "VehicleReady"),
    ("VehicleReady", "CustomerNotified"),
    ("VehicleReady", "InvoiceIssued"),
    ("InvoiceIssued", "WarrantyClaimDrafted"),
    ("WarrantyClaimDrafted", "WarrantyClaimSubmitted"),
    ("WarrantyClaimSubmitted", "WarrantyClaimDecided"),
    ("WarrantyClaimDecided", "WarrantyClaimSettled"),
    ("InvoiceIssued", "PaymentReceived"),
    ("PaymentReceived", "DailyReportPublished"),
    ("PaymentReceived", "VehicleDelivered"),
    ("VehicleDelivered", "FeedbackSubmitted"),
    ("VehicleDelivered", "FollowUpScheduled"),
    ("FollowUpScheduled", "FollowUpCompleted"),
    ("FollowUpCompleted", "CorrectiveActionOpened"),
)

_WIDTH, _HEIGHT = 164, 30
_COLUMN, _LINE = 192, 46
_TOP = 60
_ARROW_LENGTH, _ARROW_WIDTH = 8, 5
_SURFACE = "#fff"
_Point = tuple[float, float]
_Element = dict[str, Any]


def event_flow(t: Translator, choose: Callable[[str], None]) -> ui.echart:
    """Draw the flow; ``choose`` is called with the name of an event that is pressed."""

    def pressed(event: EChartComponentClickEventArguments) -> None:
        if event.name and event.name in PLACES:
            choose(event.name)

    elements = [*_lanes(t), *_arrows(), *_boxes(t)]
    chart = ui.echart({"graphic": {"elements": elements}}, on_click=pressed, renderer="svg")
    return chart.classes("event-flow")


def _center(column: float, line: float) -> _Point:
    return column * _COLUMN + _WIDTH / 2 + 1, line * _LINE + _TOP


def _lanes(t: Translator) -> Iterator[_Element]:
    for services, column in LANES:
        x, y = _center(column, -1)
        words = t.listed(t.code("service", each) for each in services)
        style = {"text": words, "x": x, "y": y, "align": "center", "fill": MUTED, "font": _font(12)}
        yield {"type": "text", "silent": True, "style": style}


def _boxes(t: Translator) -> Iterator[_Element]:
    for name, place in PLACES.items():
        x, y = _center(*place)
        shape = {"x": x - _WIDTH / 2, "y": y - _HEIGHT / 2, "width": _WIDTH, "height": _HEIGHT}
        words = {"text": t.code("event", name), "fill": INK, "font": _font(11)}
        yield {
            "type": "rect",
            "name": name,
            "shape": {**shape, "r": 6},
            "style": {"fill": _SURFACE, "stroke": PALETTE[0]},
            "textContent": {"type": "text", "style": words},
            "textConfig": {"position": "inside"},
        }


def _arrows() -> Iterator[_Element]:
    for source, target in FOLLOWS:
        one, other = _center(*PLACES[source]), _center(*PLACES[target])
        begin, end = _border(one, other), _border(other, one)
        angle = math.atan2(end[1] - begin[1], end[0] - begin[0])
        line = {"x1": begin[0], "y1": begin[1], "x2": end[0], "y2": end[1]}
        yield {"type": "line", "silent": True, "shape": line, "style": {"stroke": MUTED}}
        head = {"points": [end, _behind(end, angle, 1), _behind(end, angle, -1)]}
        yield {"type": "polygon", "silent": True, "shape": head, "style": {"fill": MUTED}}


def _border(center: _Point, towards: _Point) -> _Point:
    """Return the point in which the line between two centers leaves the first box."""
    across, down = towards[0] - center[0], towards[1] - center[1]
    share = 1 / max(2 * abs(across) / _WIDTH, 2 * abs(down) / _HEIGHT)
    return center[0] + across * share, center[1] + down * share


def _behind(point: _Point, angle: float, side: int) -> _Point:
    """Return a corner of the arrowhead behind its point."""
    along, aside = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    return (
        point[0] - _ARROW_LENGTH * along[0] + side * _ARROW_WIDTH * aside[0],
        point[1] - _ARROW_LENGTH * along[1] + side * _ARROW_WIDTH * aside[1],
    )


def _font(size: int) -> str:
    return f"{size}px {FONTS}"
