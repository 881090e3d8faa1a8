"""The events of an order as a timeline, each one to be opened."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.components.drawing import Drawing
from services.desk.components.elements import box, empty, mark, text
from services.desk.components.event_fields import REASON_KINDS, event_fields
from services.desk.visit import Visit


def history(
    visit: Visit, catalogue: Catalogue, events: Sequence[Mapping[str, Any]], drawing: Drawing
) -> None:
    """The latest event first."""
    if not events:
        drawing.part("none", empty, visit.t("No events yet."))
        return
    with drawing.frame("history", _timeline):
        for event in reversed(events):
            drawing.part(event["event_id"], partial(_event, visit, catalogue), event)


def _timeline() -> ui.element:
    return mark("history", box("timeline"))


def _event(visit: Visit, catalogue: Catalogue, event: Mapping[str, Any]) -> None:
    publisher, name = event["type"].split(".")[1:3]
    at = formats.day_and_clock(event["time"], visit.store.timezone, visit.now())
    with box(f"event from-{publisher}"):
        box("event-dot")
        with ui.element("details").classes("event-body"):
            with ui.element("summary"):
                text(visit.t.code("event", name), "event-name")
                text(at, "event-time")
                if note := _note(visit, catalogue, event["data"]):
                    text(note, "event-note")
            with ui.element("dl").classes("event-data"):
                for field, value in event_fields(visit, catalogue, event["data"]):
                    with ui.element("dt"):
                        text(field)
                    with ui.element("dd"):
                        text(value)


def _note(visit: Visit, catalogue: Catalogue, data: Mapping[str, Any]) -> str:
    """Who and what, in one line."""
    parts = []
    for field in ("advisor_id", "technician_ids", "inspector_id", "agent_id"):
        value = data.get(field)
        people = value if isinstance(value, list) else [value] if value else []
        parts += [visit.colleague(person) for person in people]
    if operation := data.get("operation_id"):
        parts.append(catalogue.operation(operation))
    if promised := data.get("promised_at"):
        at = formats.day_and_clock(promised, visit.store.timezone, visit.now())
        parts.append(visit.t("promised {time}", time=at))
    if reason := data.get("reason"):
        parts += filter(None, [visit.t.first_known(REASON_KINDS, reason)])
    for field in ("total_cents", "amount_cents"):
        if field in data:
            parts.append(formats.money(data[field]))
    return " · ".join(parts)
