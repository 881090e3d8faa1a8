"""One service reminder (保养提醒): the figures behind its day, and the odometer over time."""

from datetime import date
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import (
    box,
    button,
    cell,
    dialog,
    empty,
    facts,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.service_reminder import (
    answer_badge,
    due_badge,
    needs_text,
    reminder_actions,
)
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    RecordFirstRegistrationRequest,
    RecordOdometerRequest,
    ReminderDetail,
)

PAGE = Page(
    path="/stores/{store_id}/service-reminders/{reminder_id}",
    title="Service reminder",
    roles=roles_of(CrmApi.get_reminder),
    requirements=("R26",),
)

Shown = tuple[ReminderDetail, str | None]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show why the vehicle is due on that day, and what may be recorded."""
    catalog = await ctx.catalog()

    async def fetch() -> Shown:
        reminder_id = ctx.parameters["reminder_id"]
        reminder = await ctx.shared(
            f"service reminder {reminder_id}",
            lambda: ctx.services.crm.get_reminder(ctx.store.id, reminder_id),
        )
        return reminder, (await ctx.names([reminder.customer_ref])).of(reminder.customer_ref).name

    def render(shown: Shown, renderer: PartialRenderer) -> None:
        reminder, name = shown
        renderer.section("head", partial(_head, ctx, catalog), reminder, name)
        renderer.section("chart", partial(_odometer, ctx, catalog), reminder)

    await live(ctx, fetch, render)


def _head(ctx: PageContext, catalog: Catalog, reminder: ReminderDetail, name: str | None) -> None:
    t = ctx.t
    with panel():
        with box("order-head"):
            with box("card-names"):
                text(name or formats.NOTHING, "plate")
                link(t("All service reminders"), f"{ctx.store_path}/service-reminders", "text-link")
            due_badge(ctx, reminder)
            answer_badge(t, reminder)
        facts(
            [
                (t("Reason"), t.code("reminder_kind", reminder.kind)),
                (t("Work"), needs_text(t, catalog, reminder)),
                (t("Vehicle"), f"{reminder.brand or ''} {reminder.model or ''}".strip()),
                (t("Due on"), reminder.due_on.isoformat()),
                (t("Due by time on"), _day(reminder.time_due_on)),
                (t("Due by distance on"), _day(reminder.km_due_on)),
                (t("Due at (km)"), _km(reminder.due_km)),
                (t("Last odometer (km)"), _km(reminder.odometer_km)),
                (t("Read on"), _day(reminder.read_on)),
                (
                    t("Distance a day (km)"),
                    formats.NOTHING
                    if reminder.km_per_day is None
                    else f"{reminder.km_per_day:.1f}",
                ),
                (t("Last maintenance on"), _day(reminder.last_service_on)),
                (t("Last maintenance at (km)"), _km(reminder.last_service_km)),
                (t("First registered on"), _day(reminder.first_registered_on)),
            ]
        )
        with box("card-actions"):
            if reminder.state != "closed":
                reminder_actions(ctx, reminder)
            button(t("Odometer…"), partial(_odometer_dialog, ctx, reminder), name="record-odometer")
            button(
                t("First registration…"),
                partial(_registration_dialog, ctx, reminder),
                name="record-registration",
            )


def _odometer(ctx: PageContext, catalog: Catalog, reminder: ReminderDetail) -> None:
    t = ctx.t
    with panel(t("Odometer over time")):
        if not reminder.records:
            empty(t("The odometer was never read."))
            return
        read = [[each.read_on.isoformat(), each.odometer_km] for each in reminder.records]
        series: list[dict[str, Any]] = [
            {"type": "line", "name": t("Odometer"), "data": read, "symbolSize": 8}
        ]
        if reminder.due_km is not None and reminder.km_due_on is not None:
            reached = [reminder.km_due_on.isoformat(), reminder.due_km]
            series.append(
                {
                    "type": "line",
                    "name": t("Expected reading"),
                    "data": [read[-1], reached],
                    "lineStyle": {"type": "dashed"},
                    "symbolSize": 8,
                }
            )
        chart = ui.echart(
            {
                "legend": {"bottom": 0},
                "tooltip": {"trigger": "axis"},
                "grid": {"left": 70, "right": 24, "top": 16, "bottom": 56},
                "xAxis": {"type": "time"},
                "yAxis": {"type": "value", "scale": True, "name": "km"},
                "series": series,
            }
        )
        test_id("odometer-chart", chart.classes("chart"))
        distance = t("Odometer (km)")
        with table([t("Date"), distance, t("Work")], (distance,)):
            for each in reversed(reminder.records):
                with row():
                    cell(each.read_on.isoformat(), "number")
                    cell(f"{each.odometer_km:,}", "figure")
                    cell(t.listed(map(catalog.operation, each.op_codes)) or formats.NOTHING)


async def _odometer_dialog(ctx: PageContext, reminder: ReminderDetail) -> None:
    t = ctx.t
    with dialog(t("Odometer reading")) as opened:
        form = Form(ctx)
        odometer = form.field("odometer_km", ui.number(t("Odometer (km)"), min=0, format="%d"))
        day = ui.input(t("Read on"), value=ctx.today().isoformat())
        read_on = form.field("read_on", day.props("type=date stack-label"))

        async def command() -> Any:
            body = RecordOdometerRequest.model_validate(
                {"odometer_km": int(odometer.value or 0), "read_on": read_on.value}
            )
            return await ctx.services.crm.record_odometer(
                ctx.store.id, reminder.vehicle_ref, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("odometer_km", "read_on"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


async def _registration_dialog(ctx: PageContext, reminder: ReminderDetail) -> None:
    t = ctx.t
    with dialog(t("First registration")) as opened:
        form = Form(ctx)
        known = reminder.first_registered_on
        day = ui.input(t("First registered on"), value=known.isoformat() if known else "")
        registered = form.field("first_registered_on", day.props("type=date stack-label"))

        async def command() -> Any:
            body = RecordFirstRegistrationRequest.model_validate(
                {"first_registered_on": registered.value}
            )
            return await ctx.services.crm.record_first_registration(
                ctx.store.id, reminder.vehicle_ref, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("first_registered_on"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _day(day: date | None) -> str:
    return day.isoformat() if day else formats.NOTHING


def _km(km: int | None) -> str:
    return formats.NOTHING if km is None else f"{km:,}"
