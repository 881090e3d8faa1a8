"""Appointments of a day (预约): booked, rescheduled, cancelled or no-show."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.cancelling import cancel_dialog, cancellation_facts
from services.desk.components.confirmation import Confirmation
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions, several
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.problems import unavailable_text
from services.desk.components.time_choice import TimeChoice, send_or_offer
from services.desk.context import Names, PageContext, Who
from services.desk.i18n import Translator
from services.desk.page import Page
from services.desk.pages.today import chosen_day, day_choice
from services.desk.vehicles import find_customer
from shared.calls import ServiceUnavailableError

REQUIREMENTS = ("R1",)

PAGE = Page(
    path="/stores/{store_id}/appointments",
    title="Appointments",
    icon="event",
    roles=frozenset({"service_advisor", "service_manager", "customer_care_agent"}),
    requirements=REQUIREMENTS,
)

_TONES = {"booked": "calm", "arrived": "good", "no_show": "bad", "cancelled": "quiet"}

Appointment = Mapping[str, Any]
Booked = tuple[list[Appointment], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the day's list, by time."""
    catalog, day = await ctx.catalog(), chosen_day(ctx)
    with box("toolbar"):
        day_choice(ctx, day)
        button(
            ctx.t("Book appointment"),
            lambda: _booking_dialog(ctx, catalog),
            name="book",
            kind="main",
        )

    async def fetch() -> Booked:
        booked = await ctx.shared(
            f"appointments {day}",
            lambda: ctx.services.get("reception", f"{ctx.store_path}/appointments", day=f"{day}"),
        )
        return booked, await ctx.names_if_any(booked)

    def render(found: Booked, renderer: PartialRenderer) -> None:
        booked, names = found
        counts = {status: sum(each["status"] == status for each in booked) for status in _TONES}
        renderer.section("counts", partial(_counts, ctx.t), counts)
        if not booked:
            renderer.section("none", empty, ctx.t("No appointments on this day."))
            return
        with renderer.frame("table", _table, ctx.t):
            for each in sorted(booked, key=lambda each: str(each["appointment_at"])):
                shown = partial(_row, ctx, catalog, day)
                renderer.section(each["appointment_id"], shown, each, names.of(each))

    await live(ctx, fetch, render)


def _counts(t: Translator, counts: Mapping[str, int]) -> None:
    with box("mini-figures"):
        for status, count in counts.items():
            with box("mini-figure"):
                text(str(count), "mini-value")
                text(t.code("appointment", status), "mini-name")


def _table(t: Translator) -> AbstractContextManager[None]:
    return table(
        [t("Time"), t("Plate"), t("Customer"), t("Work"), t("Promised time"), t("Status"), ""]
    )


def _row(ctx: PageContext, catalog: Catalog, day: date, appointment: Appointment, who: Who) -> None:
    zone, now = ctx.store.timezone, ctx.now()
    with test_id("appointment", row()):
        cell(formats.clock(appointment["appointment_at"], zone), "number")
        cell(who.plate or formats.NOTHING, "plate-cell")
        cell(who.name or formats.NOTHING)
        cell(ctx.t.listed(map(catalog.operation, appointment["op_codes"])))
        cell(formats.day_and_clock(appointment["promised_at"], zone, now), "number")
        with cell_box():
            _status(ctx, appointment)
        with cell_box("cell-actions"):
            if appointment["status"] == "booked" and day >= ctx.today():
                _change_buttons(ctx, catalog, appointment)
            elif appointment["status"] == "cancelled":
                button(ctx.t("Reason"), partial(_why, ctx, appointment), name="why", kind="small")


def _status(ctx: PageContext, appointment: Appointment) -> None:
    t, status = ctx.t, appointment["status"]
    with box("badges"):
        badge(t.code("appointment", status), _TONES.get(status, "quiet"))
        if status == "booked" and appointment["calendar_assumed"]:
            badge(t("Holidays not announced yet"), "warn")
        if status == "booked" and appointment["reschedule_required"]:
            badge(t("No capacity: reschedule"), "bad")
        elif status == "booked" and appointment["provisional"]:
            badge(t("Provisional"), "warn")


def _path(appointment: Appointment) -> str:
    return f"/appointments/{appointment['appointment_id']}"


def _change_buttons(ctx: PageContext, catalog: Catalog, appointment: Appointment) -> None:
    t = ctx.t
    button(
        t("Change time"),
        partial(_move_dialog, ctx, catalog, appointment),
        name="move",
        kind="small",
    )
    button(
        t("Cancel appointment"),
        lambda: cancel_dialog(
            ctx, _path(appointment), t("Cancel appointment"), appointment["version"]
        ),
        name="cancel-appointment",
        kind="small",
    )


async def _why(ctx: PageContext, appointment: Appointment) -> None:
    """Show the reason why an appointment was cancelled."""
    try:
        path = f"{ctx.store_path}{_path(appointment)}/cancellation"
        found = await ctx.services.get("reception", path)
    except ServiceUnavailableError as unavailable:
        ui.notify(unavailable_text(ctx.t, unavailable), type="negative", position="top")
    else:
        with dialog(ctx.t("Appointment cancelled")):
            cancellation_facts(ctx, found)


async def _booking_dialog(ctx: PageContext, catalog: Catalog) -> None:
    t = ctx.t
    with dialog(t("Book appointment")) as opened:
        opened.classes("wide-dialog")
        form = Form(ctx)
        with box("fields"):
            plate = form.field("plate", ui.input(t("Plate or VIN"), placeholder="沪A12345"))
            plate.props("autofocus")
            operations = form.field(
                "op_codes", several(catalog.operation_choices(()), t("Labor operations"))
            )
            parts = form.field("parts", several(catalog.part_choices(), t("Parts wanted")))
        known = text("", "hint one-line")
        confirmation = _second_booking(ctx, form)
        choice = TimeChoice(ctx, catalog, form, lambda: operations.value)
        choice.show()
        customer: dict[str, Any] = {}

        async def look_up() -> None:
            customer.clear()
            if ctx.sees_persons and (typed := (plate.value or "").strip()):
                customer.update(await form.send(lambda: _customer(ctx, typed)) or {})
            known.set_text(_known_text(ctx, customer))

        async def work_chosen() -> None:
            wanted = catalog.typical_parts(operations.value)
            parts.set_value(list({**dict.fromkeys(parts.value), **wanted}))
            await choice.ask()

        plate.on("blur", look_up)
        operations.on_value_change(work_chosen)

        async def send() -> None:
            if not form.require("plate", "op_codes", "appointment_at"):
                return
            wanted = catalog.typical_parts(operations.value)
            body = {
                "plate": customer.get("plate") or plate.value,
                "appointment_at": choice.appointment_at,
                "op_codes": operations.value,
                "parts": [
                    {"part_number": part_number, "quantity": wanted.get(part_number, 1)}
                    for part_number in parts.value
                ],
                "customer_ref": customer.get("customer_ref"),
                **confirmation.body,
            }
            path = f"{ctx.store_path}/appointments"
            if await send_or_offer(
                form,
                choice,
                lambda: ctx.services.command("reception", path, body, attempt=form.attempt),
            ):
                opened.close()
                ui.notify(t("The appointment is booked."), type="positive", position="top")
                await ctx.changed()
            else:
                confirmation.ask(send)

        dialog_actions(form, opened, t("Book appointment"), send)
    await choice.ask()


def _second_booking(ctx: PageContext, form: Form) -> Confirmation:
    label = ctx.t("It comes twice that day: book")
    return Confirmation(form, {"booked_already": ("second_booking_confirmed", label)})


async def _customer(ctx: PageContext, typed: str) -> dict[str, Any]:
    """Return the customer record; None while customer records is unavailable, for the plate
    suffices.
    """
    try:
        return await find_customer(ctx, typed) or {}
    except ServiceUnavailableError:
        return {}


def _known_text(ctx: PageContext, customer: Mapping[str, Any]) -> str:
    if not customer:
        return ""
    return ctx.t(
        "Known: {name}, {brand} {model}, visits: {visits}",
        **{key: customer[key] for key in ("name", "brand", "model", "visits")},
    )


async def _move_dialog(ctx: PageContext, catalog: Catalog, appointment: Appointment) -> None:
    t = ctx.t
    with dialog(t("Reschedule appointment")) as opened:
        opened.classes("wide-dialog")
        text(t("The old place is kept until the new one is had."), "hint")
        form = Form(ctx, appointment["version"])
        confirmation = _second_booking(ctx, form)
        choice = TimeChoice(ctx, catalog, form, lambda: appointment["op_codes"])
        choice.show(appointment["appointment_at"])

        async def send() -> None:
            if not form.require("appointment_at"):
                return
            path = f"{ctx.store_path}/appointments/{appointment['appointment_id']}/reschedule"
            body = form.seen({"appointment_at": choice.appointment_at, **confirmation.body})
            if await send_or_offer(
                form,
                choice,
                lambda: ctx.services.command("reception", path, body, attempt=form.attempt),
            ):
                opened.close()
                ui.notify(t("The appointment is rescheduled."), type="positive", position="top")
                await ctx.changed()
            else:
                confirmation.ask(send)

        dialog_actions(form, opened, t("Reschedule appointment"), send)
    await choice.ask()
