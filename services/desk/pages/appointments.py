"""Today's appointments (预约), and a new one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.client import AwayError
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
)
from services.desk.components.forms import Form, dialog_actions, several
from services.desk.components.live import EverySecond, live
from services.desk.page import Page
from services.desk.visit import Names, Visit

DUTIES = ("R1",)

PAGE = Page(
    path="/stores/{store_id}/appointments",
    title="Appointments",
    icon="event",
    roles=frozenset({"advisor", "manager", "agent"}),
    duties=DUTIES,
)

_TONES = {"booked": "calm", "arrived": "good", "missed": "bad", "cancelled": "quiet"}

Booked = tuple[list[dict[str, Any]], Names]


@PAGE.shows
async def show(visit: Visit) -> None:
    """The day's list, by time."""
    catalogue = await visit.catalogue()
    with box("toolbar"):
        button(
            visit.t("Book appointment"),
            lambda: _booking_dialog(visit, catalogue),
            name="book",
            kind="main",
        )

    async def fetch() -> Booked:
        booked = await visit.shared(
            "appointments",
            lambda: visit.services.get("reception", f"{visit.store_path}/appointments"),
        )
        try:
            return booked, await visit.names(booked)
        except AwayError:
            return booked, Names()

    def render(found: Booked, _: EverySecond) -> None:
        booked, names = found
        if booked:
            _table(visit, catalogue, booked, names)
        else:
            empty(visit.t("No appointments today."))

    await live(visit, fetch, render)


def _table(visit: Visit, catalogue: Catalogue, booked: list[dict[str, Any]], names: Names) -> None:
    t = visit.t
    with table([t("Time"), t("Plate"), t("Work"), t("Status"), ""]):
        for appointment in sorted(booked, key=lambda each: each["planned_at"]):
            with mark("appointment", row()):
                cell(formats.clock(appointment["planned_at"], visit.store.timezone), "number")
                cell(names.plates.get(appointment["plate_ref"], formats.NOTHING), "plate-cell")
                cell("、".join(map(catalogue.operation, appointment["operations"])))
                with cell_box():
                    badge(
                        t.code("appointment", appointment["status"]),
                        _TONES.get(appointment["status"], "quiet"),
                    )
                with cell_box("cell-actions"):
                    if appointment["status"] == "booked":
                        _cancel_button(visit, appointment)


def _cancel_button(visit: Visit, appointment: Mapping[str, Any]) -> None:
    button(
        visit.t("Cancel appointment"),
        lambda: _cancel_dialog(visit, appointment),
        name="cancel-appointment",
        kind="small",
    )


async def _booking_dialog(visit: Visit, catalogue: Catalogue) -> None:
    t = visit.t
    with dialog(t("Book appointment")) as opened:
        form = Form(visit)
        plate = form.field("plate", ui.input(t("Plate"), placeholder="沪A12345"))
        planned = form.field("planned_at", ui.input(t("Time")).props("type=datetime-local"))
        operations = form.field(
            "operations",
            several(catalogue.operation_choices(()), t("Labor operations")),
        )

        async def send() -> None:
            if not form.require("plate", "planned_at", "operations"):
                return
            moment = datetime.fromisoformat(planned.value or "")
            body = {
                "plate": plate.value,
                "planned_at": moment.replace(tzinfo=visit.store.timezone).isoformat(),
                "operations": operations.value,
            }
            path = f"{visit.store_path}/appointments"
            if await form.send(
                lambda: visit.services.command("reception", path, body, attempt=form.attempt)
            ):
                opened.close()
                ui.notify(t("The appointment is booked."), type="positive", position="top")
                await visit.changed()

        dialog_actions(visit, opened, t("Book appointment"), send)


async def _cancel_dialog(visit: Visit, appointment: Mapping[str, Any]) -> None:
    t = visit.t
    with dialog(t("Cancel appointment")) as opened:
        form = Form(visit)
        reason = form.field("reason", ui.input(t("Reason")))

        async def send() -> None:
            if not form.require("reason"):
                return
            path = f"{visit.store_path}/appointments/{appointment['appointment_id']}/cancellation"
            body = {"reason": reason.value}
            if await form.send(
                lambda: visit.services.command("reception", path, body, attempt=form.attempt)
            ):
                opened.close()
                await visit.changed()

        dialog_actions(visit, opened, t("Cancel appointment"), send)
