"""Recording an arrival (到店登记): by plate or VIN, typed or scanned, with its appointment."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.client import AwayError, RefusalError
from services.desk.components.confirmation import Confirmation
from services.desk.components.elements import box, dialog, link, text
from services.desk.components.forms import Form, dialog_actions
from services.desk.components.problems import away_text, refusal_text
from services.desk.vehicles import find_customer, is_vin, same_plate
from services.desk.visit import Visit, together

_EXPLAINED = ("vehicle_elsewhere", "vehicle_already_here")
"""Refusals that a person can do something about in the dialog."""


async def record_arrival(visit: Visit, plate: str, appointment_id: str, attempt: str) -> None:
    """A booked customer is here; says why when it cannot be recorded."""
    body = {"plate": plate, "appointment_id": appointment_id}
    try:
        order = await _send(visit, body, attempt)
    except RefusalError as refusal:
        if refusal.rule in _EXPLAINED:
            await arrival_dialog(visit, appointment_id, plate)
        else:
            ui.notify(refusal_text(visit.t, refusal), type="negative", position="top")
    except AwayError as away:
        ui.notify(away_text(visit.t, away), type="negative", position="top")
    else:
        await _welcome(visit, order)


async def arrival_dialog(
    visit: Visit, appointment_id: str | None = None, known_plate: str = ""
) -> None:
    """Ask which vehicle it is; Enter records it. A plate that is known is tried at once."""
    t = visit.t
    plates, expected = await _expected(visit)
    with dialog(t("Record arrival")) as opened:
        form = Form(visit)
        made = ui.input(t("Plate or VIN"), value=known_plate, placeholder="沪A12345")
        plate = form.field("plate", made.props("autofocus clearable"))
        known = text("", "hint one-line")
        appointment = form.field(
            "appointment_id",
            ui.select(
                expected, label=t("Appointment of today"), clearable=True, value=appointment_id
            ),
        )
        appointment.set_visibility(bool(expected))
        question = ("elsewhere_confirmed", t("It stands here: record"))
        confirmation = Confirmation(form, {"vehicle_elsewhere": question})
        open_order = box("found")

        def recognize() -> None:
            """The vehicle's own appointment is chosen with it."""
            own = (each for each, known in plates.items() if same_plate(plate.value or "", known))
            if found := next(own, None):
                appointment.set_value(found)

        async def look_up() -> None:
            known.set_text(await _known_customer(visit, plate.value or ""))

        plate.on_value_change(recognize)
        plate.on("blur", look_up)

        async def send() -> None:
            if not form.require("plate"):
                return
            body = {"appointment_id": appointment.value, **confirmation.body}
            order = await form.send(lambda: _record(visit, plate.value or "", body, form.attempt))
            if order:
                opened.close()
                await _welcome(visit, order)
                return
            confirmation.ask(send)
            _link_to_open_order(form, open_order)

        plate.on("keydown.enter", send)
        dialog_actions(form, opened, t("Record arrival"), send)
    if known_plate:
        await send()


def _link_to_open_order(form: Form, place: ui.element) -> None:
    """The order that a vehicle has already, where the last try was refused for it."""
    place.clear()
    if form.refusal and form.refusal.rule == "vehicle_already_here":
        visit, order_id = form.visit, form.refusal.values["order_id"]
        with place:
            link(visit.t("Look at the order"), f"{visit.store_path}/orders/{order_id}", "text-link")


async def _record(
    visit: Visit, typed: str, body: Mapping[str, Any], attempt: str
) -> dict[str, Any]:
    """Record the vehicle; the plate of a scanned VIN stands in the archive, if it has one yet."""
    plate = typed
    if is_vin(typed):
        found = await find_customer(visit, typed)
        plate = (found and found["plate"]) or typed
    return await _send(visit, {"plate": plate, **body}, attempt)


async def _send(visit: Visit, body: Mapping[str, Any], attempt: str) -> dict[str, Any]:
    path = f"{visit.store_path}/arrivals"
    order: dict[str, Any] = await visit.services.command("reception", path, body, attempt=attempt)
    return order


async def _welcome(visit: Visit, order: Mapping[str, Any]) -> None:
    """Tell the queue number and whom the store has before it."""
    t, vehicle = visit.t, order["vehicle"]
    told = [t("Queue number {number}", number=f"{order['queue_number']:03}")]
    if vehicle["tier"]:
        told.append(t.code("tier", vehicle["tier"]))
    if vehicle["history"]:
        told.append(t("{count} earlier visits", count=len(vehicle["history"])))
    if vehicle["recalls"]:
        told.append(t("{count} open recalls", count=len(vehicle["recalls"])))
    ui.notify(" · ".join(told), type="positive", position="top")
    await visit.changed()


async def _expected(visit: Visit) -> tuple[dict[str, str], dict[str, str]]:
    """Plates, and lines to choose from, of today's appointments that are still to come."""
    booked, catalogue = await together(
        visit.services.get("reception", f"{visit.store_path}/appointments"), visit.catalogue()
    )
    open_ones = [each for each in booked if each["status"] == "booked"]
    names = await visit.names_if_any(open_ones)
    plates = {each["appointment_id"]: names.plates.get(each["plate_ref"], "") for each in open_ones}
    lines = {
        each["appointment_id"]: " · ".join(
            filter(
                None,
                (
                    formats.clock(each["planned_at"], visit.store.timezone),
                    plates[each["appointment_id"]],
                    catalogue.operation(each["operations"][0]),
                ),
            )
        )
        for each in open_ones
    }
    return plates, lines


async def _known_customer(visit: Visit, typed: str) -> str:
    """One line about the customer whose plate or VIN was typed; a wrong one is told on sending."""
    if not typed.strip() or not visit.sees_persons:
        return ""
    try:
        found = await find_customer(visit, typed)
    except AwayError as away:
        return away_text(visit.t, away)
    except RefusalError:
        return ""
    if not found:
        return visit.t("New vehicle: details are taken when the order is opened.")
    return visit.t(
        "Known: {name}, {brand} {model}, visits: {visits}",
        **{key: found[key] for key in ("name", "brand", "model", "visits")},
    )
