"""Events of an order as a timeline, each one to be opened."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import box, empty, test_id, text
from services.desk.components.event_fields import REASON_KINDS, event_fields
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext


def history(
    ctx: PageContext,
    catalog: Catalog,
    events: Sequence[Mapping[str, Any]],
    renderer: PartialRenderer,
) -> None:
    """Show the events, the latest first."""
    if not events:
        renderer.section("none", empty, ctx.t("No events yet."))
        return
    with renderer.frame("history", _timeline):
        for event in reversed(events):
            renderer.section(event["event_id"], partial(_event, ctx, catalog), event)


def _timeline() -> ui.element:
    return test_id("history", box("timeline"))


def _event(ctx: PageContext, catalog: Catalog, event: Mapping[str, Any]) -> None:
    publisher, name = event["type"].split(".")[1:3]
    at = formats.day_and_clock(event["time"], ctx.store.timezone, ctx.now())
    with box(f"event from-{publisher}"):
        box("event-dot")
        with ui.element("details").classes("event-body"):
            with ui.element("summary"):
                text(ctx.t.code("event", name), "event-name")
                text(at, "event-time")
                if note := _note(ctx, catalog, event["data"]):
                    text(note, "event-note")
            with ui.element("dl").classes("event-data"):
                for field, value in event_fields(ctx, catalog, event["data"]):
                    with ui.element("dt"):
                        text(field)
                    with ui.element("dd"):
                        text(value)


def _note(ctx: PageContext, catalog: Catalog, data: Mapping[str, Any]) -> str:
    """Return actor and content in one line."""
    parts = []
    for field in ("advisor_id", "technician_ids", "inspector_id", "agent_id"):
        value = data.get(field)
        people = value if isinstance(value, list) else [value] if value else []
        parts += [ctx.colleague(person) for person in people]
    if operation := data.get("op_code"):
        parts.append(catalog.operation(operation))
    if promised := data.get("promised_at"):
        at = formats.day_and_clock(promised, ctx.store.timezone, ctx.now())
        parts.append(ctx.t("promised {time}", time=at))
    if reason := data.get("reason"):
        parts += filter(None, [ctx.t.first_known(REASON_KINDS, reason)])
    for field in ("total_cents", "amount_cents"):
        if field in data:
            parts.append(formats.money(data[field]))
    return " · ".join(parts)
