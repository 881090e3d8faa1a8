"""The appointments of a day (预约): booked, moved, cancelled or missed."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.client import AwayError
from services.desk.components.cancelling import cancel_dialog, cancellation_facts
from services.desk.components.confirmation import Confirmation
from services.desk.components.drawing import Drawing
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    mark,
    row,
    table,
    text,
)
from services.desk.components.forms import Form, dialog_actions, several
from services.desk.components.live import live
from services.desk.components.problems import away_text
from services.desk.components.time_choice import TimeChoice, send_or_offer
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.pages.today import chosen_day, day_choice
from services.desk.vehicles import find_customer
from services.desk.visit import Names, Visit, Who

DUTIES = ("R1",)

PAGE = Page(
    path="/stores/{store_id}/appointments",
    title="Appointments",
    icon="event",
    roles=frozenset({"advisor", "manager", "agent"}),
    duties=DUTIES,
)

_TONES = {"booked": "calm", "arrived": "good", "missed": "bad", "cancelled": "quiet"}

Appointment = Mapping[str, Any]
Booked = tuple[list[Appointment], Names]


@PAGE.shows
async def show(visit: Visit) -> None:
    """The day's list, by time."""
    catalogue, day = await visit.catalogue(), chosen_day(visit)
    with box("toolbar"):
        day_choice(visit, day)
        button(
            visit.t("Book appointment"),
            lambda: _booking_dialog(visit, catalogue),
            name="book",
            kind="main",
        )

    async def fetch() -> Booked:
        booked = await visit.shared(
            f"appointments {day}",
            lambda: visit.services.get(
                "reception", f"{visit.store_path}/appointments", day=f"{day}"
            ),
        )
        return booked, await visit.names_if_any(booked)

    def render(found: Booked, drawing: Drawing) -> None:
        booked, names = found
        counts = {status: sum(each["status"] == status for each in booked) for status in _TONES}
        drawing.part("counts", partial(_counts, visit.t), counts)
        if not booked:
            drawing.part("none", empty, visit.t("No appointments on this day."))
            return
        with drawing.frame("table", _table, visit.t):
            for each in sorted(booked, key=lambda each: str(each["planned_at"])):
                shown = partial(_row, visit, catalogue, day)
                drawing.part(each["appointment_id"], shown, each, names.of(each))

    await live(visit, fetch, render)


def _counts(t: Words, counts: Mapping[str, int]) -> None:
    with box("mini-figures"):
        for status, count in counts.items():
            with box("mini-figure"):
                text(str(count), "mini-value")
                text(t.code("appointment", status), "mini-name")


def _table(t: Words) -> AbstractContextManager[None]:
    return table([t("Time"), t("Plate"), t("Customer"), t("Work"), t("Promised"), t("Status"), ""])


def _row(visit: Visit, catalogue: Catalogue, day: date, appointment: Appointment, who: Who) -> None:
    zone, now = visit.store.timezone, visit.now()
    with mark("appointment", row()):
        cell(formats.clock(appointment["planned_at"], zone), "number")
        cell(who.plate or formats.NOTHING, "plate-cell")
        cell(who.name or formats.NOTHING)
        cell(visit.t.listed(map(catalogue.operation, appointment["operations"])))
        cell(formats.day_and_clock(appointment["promised_at"], zone, now), "number")
        with cell_box():
            _status(visit, appointment)
        with cell_box("cell-actions"):
            if appointment["status"] == "booked" and day >= visit.today():
                _change_buttons(visit, catalogue, appointment)
            elif appointment["status"] == "cancelled":
                button(
                    visit.t("Reason"), partial(_why, visit, appointment), name="why", kind="small"
                )


def _status(visit: Visit, appointment: Appointment) -> None:
    t, status = visit.t, appointment["status"]
    with box("badges"):
        badge(t.code("appointment", status), _TONES.get(status, "quiet"))
        if status == "booked" and appointment["calendar_assumed"]:
            badge(t("Holidays not announced yet"), "warn")
        if status == "booked" and appointment["unplaced"]:
            badge(t("No room: please move"), "bad")
        elif status == "booked" and appointment["provisional"]:
            badge(t("Provisional"), "warn")


def _path(appointment: Appointment) -> str:
    return f"/appointments/{appointment['appointment_id']}"


def _change_buttons(visit: Visit, catalogue: Catalogue, appointment: Appointment) -> None:
    t = visit.t
    button(
        t("Change time"),
        partial(_move_dialog, visit, catalogue, appointment),
        name="move",
        kind="small",
    )
    button(
        t("Cancel appointment"),
        lambda: cancel_dialog(
            visit, _path(appointment), t("Cancel appointment"), appointment["version"]
        ),
        name="cancel-appointment",
        kind="small",
    )


async def _why(visit: Visit, appointment: Appointment) -> None:
    """Why an appointment was cancelled."""
    try:
        path = f"{visit.store_path}{_path(appointment)}/cancellation"
        found = await visit.services.get("reception", path)
    except AwayError as away:
        ui.notify(away_text(visit.t, away), type="negative", position="top")
    else:
        with dialog(visit.t("Appointment cancelled")):
            cancellation_facts(visit, found)


async def _booking_dialog(visit: Visit, catalogue: Catalogue) -> None:
    t = visit.t
    with dialog(t("Book appointment")) as opened:
        opened.classes("wide-dialog")
        form = Form(visit)
        with box("fields"):
            plate = form.field("plate", ui.input(t("Plate or VIN"), placeholder="沪A12345"))
            plate.props("autofocus")
            operations = form.field(
                "operations", several(catalogue.operation_choices(()), t("Labor operations"))
            )
            parts = form.field("parts", several(catalogue.part_choices(), t("Parts wanted")))
        known = text("", "hint one-line")
        confirmation = _second_booking(visit, form)
        choice = TimeChoice(visit, catalogue, form, lambda: operations.value)
        choice.show()
        customer: dict[str, Any] = {}

        async def look_up() -> None:
            customer.clear()
            if visit.sees_persons and (typed := (plate.value or "").strip()):
                customer.update(await form.send(lambda: _customer(visit, typed)) or {})
            known.set_text(_known_text(visit, customer))

        async def work_chosen() -> None:
            wanted = catalogue.typical_parts(operations.value)
            parts.set_value(list({**dict.fromkeys(parts.value), **wanted}))
            await choice.ask()

        plate.on("blur", look_up)
        operations.on_value_change(work_chosen)

        async def send() -> None:
            if not form.require("plate", "operations", "planned_at"):
                return
            wanted = catalogue.typical_parts(operations.value)
            body = {
                "plate": customer.get("plate") or plate.value,
                "planned_at": choice.planned_at,
                "operations": operations.value,
                "parts": [
                    {"part_no": part_no, "quantity": wanted.get(part_no, 1)}
                    for part_no in parts.value
                ],
                "customer_ref": customer.get("customer_ref"),
                **confirmation.body,
            }
            path = f"{visit.store_path}/appointments"
            if await send_or_offer(
                form,
                choice,
                lambda: visit.services.command("reception", path, body, attempt=form.attempt),
            ):
                opened.close()
                ui.notify(t("The appointment is booked."), type="positive", position="top")
                await visit.changed()
            else:
                confirmation.ask(send)

        dialog_actions(form, opened, t("Book appointment"), send)
    await choice.ask()


def _second_booking(visit: Visit, form: Form) -> Confirmation:
    label = visit.t("It comes twice that day: book")
    return Confirmation(form, {"booked_already": ("second_booking_confirmed", label)})


async def _customer(visit: Visit, typed: str) -> dict[str, Any]:
    """The archive's entry; nothing while the archive is away, for the plate suffices."""
    try:
        return await find_customer(visit, typed) or {}
    except AwayError:
        return {}


def _known_text(visit: Visit, customer: Mapping[str, Any]) -> str:
    if not customer:
        return ""
    return visit.t(
        "Known: {name}, {brand} {model}, visits: {visits}",
        **{key: customer[key] for key in ("name", "brand", "model", "visits")},
    )


async def _move_dialog(visit: Visit, catalogue: Catalogue, appointment: Appointment) -> None:
    t = visit.t
    with dialog(t("Move appointment")) as opened:
        opened.classes("wide-dialog")
        text(t("The old place is kept until the new one is had."), "hint")
        form = Form(visit, appointment["version"])
        confirmation = _second_booking(visit, form)
        choice = TimeChoice(visit, catalogue, form, lambda: appointment["operations"])
        choice.show(appointment["planned_at"])

        async def send() -> None:
            if not form.require("planned_at"):
                return
            path = f"{visit.store_path}/appointments/{appointment['appointment_id']}/move"
            body = form.seen({"planned_at": choice.planned_at, **confirmation.body})
            if await send_or_offer(
                form,
                choice,
                lambda: visit.services.command("reception", path, body, attempt=form.attempt),
            ):
                opened.close()
                ui.notify(t("The appointment is moved."), type="positive", position="top")
                await visit.changed()
            else:
                confirmation.ask(send)

        dialog_actions(form, opened, t("Move appointment"), send)
    await choice.ask()
