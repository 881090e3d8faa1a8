"""Events of an order as a timeline, each one to be opened."""

import json
from collections.abc import Sequence
from functools import partial

from nicegui import ui
from pydantic import AwareDatetime

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import box, empty, test_id, text
from services.desk.components.event_fields import REASON_KINDS, event_fields
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from shared.clients.bodies import ResponseBody
from shared.clients.reporting.models import HistoryEntry


class _Noted(ResponseBody):
    """Fields of an event that its line in the history shows."""

    advisor_id: str | None = None
    technician_ids: list[str] | None = None
    inspector_id: str | None = None
    agent_id: str | None = None
    op_code: str | None = None
    promised_at: AwareDatetime | None = None
    reason: str | None = None
    total_cents: int | None = None
    amount_cents: int | None = None


def history(
    ctx: PageContext,
    catalog: Catalog,
    events: Sequence[HistoryEntry],
    renderer: PartialRenderer,
) -> None:
    """Show the events, the latest first."""
    if not events:
        renderer.section("none", empty, ctx.t("No events yet."))
        return
    with renderer.frame("history", _timeline):
        for event in reversed(events):
            renderer.section(event.event_id, partial(_event, ctx, catalog), event)


def _timeline() -> ui.element:
    return test_id("history", box("timeline"))


def _event(ctx: PageContext, catalog: Catalog, event: HistoryEntry) -> None:
    _, publisher, name, _ = event.type.split(".")
    at = formats.day_and_clock(event.time, ctx.store.timezone, ctx.now())
    with box(f"event from-{publisher}"):
        box("event-dot")
        with ui.element("details").classes("event-body"):
            with ui.element("summary"):
                text(ctx.t.code("event", name), "event-name")
                text(at, "event-time")
                if note := _note(ctx, catalog, event):
                    text(note, "event-note")
            with ui.element("dl").classes("event-data"):
                for field, value in event_fields(ctx, catalog, event.data):
                    with ui.element("dt"):
                        text(field)
                    with ui.element("dd"):
                        text(value)


def _note(ctx: PageContext, catalog: Catalog, event: HistoryEntry) -> str:
    """Return actor and content in one line."""
    noted = _Noted.model_validate_json(json.dumps(event.data))
    people = (noted.advisor_id, *(noted.technician_ids or ()), noted.inspector_id, noted.agent_id)
    parts = [ctx.colleague(person) for person in people if person]
    if noted.op_code:
        parts.append(catalog.operation(noted.op_code))
    if noted.promised_at:
        at = formats.day_and_clock(noted.promised_at, ctx.store.timezone, ctx.now())
        parts.append(ctx.t("promised {time}", time=at))
    if noted.reason:
        parts += filter(None, [ctx.t.first_known(REASON_KINDS, noted.reason)])
    amounts = (noted.total_cents, noted.amount_cents)
    parts += [formats.money(cents) for cents in amounts if cents is not None]
    return " · ".join(parts)
