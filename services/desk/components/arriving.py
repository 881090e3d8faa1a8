"""Recording an arrival (到店登记): by plate or VIN, typed or scanned, with its appointment."""

import asyncio

from nicegui import ui

from services.desk import formats
from services.desk.components.confirmation import Confirmation
from services.desk.components.elements import box, dialog, link, text
from services.desk.components.forms import Form, dialog_actions
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import PageContext
from services.desk.vehicles import find_customer, is_vin, known_text, same_plate
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.reception.models import ArrivalView, RecordArrivalRequest

_ELSEWHERE = "elsewhere_confirmed"
_EXPLAINED = ("vehicle_elsewhere", "vehicle_already_here")
"""Refusals that a person can resolve in the dialog."""


async def record_arrival(ctx: PageContext, plate: str, appointment_id: str, attempt: str) -> None:
    """Record the arrival of a booked customer; show the reason when it cannot be recorded."""
    request = RecordArrivalRequest(plate=plate, appointment_id=appointment_id)
    try:
        order = await ctx.services.reception.record_arrival(
            ctx.store.id, request, idempotency_key=attempt
        )
    except ApiError as error:
        if error.rule in _EXPLAINED:
            await arrival_dialog(ctx, appointment_id, plate)
        else:
            ui.notify(error_text(ctx.t, error), type="negative", position="top")
    except ServiceUnavailableError as unavailable:
        ui.notify(unavailable_text(ctx.t, unavailable), type="negative", position="top")
    else:
        await _welcome(ctx, order)


async def arrival_dialog(
    ctx: PageContext, appointment_id: str | None = None, known_plate: str = ""
) -> None:
    """Ask which vehicle it is; Enter records it. A known plate is looked up at once."""
    t = ctx.t
    plates, expected = await _expected(ctx)
    with dialog(t("Record arrival")) as opened:
        form = Form(ctx)
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
        question = (_ELSEWHERE, t("It stands here: record"))
        confirmation = Confirmation(form, {"vehicle_elsewhere": question})
        open_order = box("found")

        def recognize() -> None:
            """Select the vehicle's own appointment along with the vehicle."""
            own = (each for each, known in plates.items() if same_plate(plate.value or "", known))
            if found := next(own, None):
                appointment.set_value(found)

        async def look_up() -> None:
            known.set_text(await _known_customer(ctx, plate.value or ""))

        plate.on_value_change(recognize)
        plate.on("blur", look_up)

        async def send() -> None:
            if not form.require("plate"):
                return
            order = await form.send(
                lambda: _record(form, plate.value or "", appointment.value, confirmation)
            )
            if order:
                opened.close()
                await _welcome(ctx, order)
                return
            confirmation.ask(send)
            _link_to_open_order(form, open_order)

        plate.on("keydown.enter", send)
        dialog_actions(form, opened, t("Record arrival"), send)
    if known_plate:
        await send()


def _link_to_open_order(form: Form, place: ui.element) -> None:
    """Offer the order that a vehicle has already, where the last try was refused for it."""
    place.clear()
    if form.error and form.error.rule == "vehicle_already_here":
        ctx, order_id = form.ctx, form.error.values["order_id"]
        with place:
            link(ctx.t("Look at the order"), f"{ctx.store_path}/orders/{order_id}", "text-link")


async def _record(
    form: Form, typed: str, appointment_id: str | None, confirmation: Confirmation
) -> ArrivalView:
    """Record the vehicle; the plate of a scanned VIN comes from customer records, if it has one
    yet.
    """
    ctx = form.ctx
    found = await find_customer(ctx, typed) if is_vin(typed) else None
    request = RecordArrivalRequest(
        plate=(found and found.plate) or typed,
        appointment_id=appointment_id,
        elsewhere_confirmed=confirmation.given(_ELSEWHERE),
    )
    return await ctx.services.reception.record_arrival(
        ctx.store.id, request, idempotency_key=form.attempt
    )


async def _welcome(ctx: PageContext, order: ArrivalView) -> None:
    """Show the queue number and the customers ahead."""
    t, vehicle = ctx.t, order.vehicle
    told = [t("Queue number {number}", number=f"{order.queue_number:03}")]
    if vehicle.tier:
        told.append(t.code("tier", vehicle.tier))
    if vehicle.history:
        told.append(t("{count} earlier visits", count=len(vehicle.history)))
    if vehicle.recalls:
        told.append(t("{count} open recalls", count=len(vehicle.recalls)))
    ui.notify(" · ".join(told), type="positive", position="top")
    await ctx.changed()


async def _expected(ctx: PageContext) -> tuple[dict[str, str], dict[str, str]]:
    """Return plates, and lines to choose from, of today's appointments that are still to come."""
    booked, catalog = await asyncio.gather(
        ctx.services.reception.list_appointments(ctx.store.id), ctx.catalog()
    )
    open_ones = [each for each in booked if each.status == "booked"]
    names = await ctx.names_if_any((), (each.plate_ref for each in open_ones))
    plates = {each.appointment_id: names.plates.get(each.plate_ref, "") for each in open_ones}
    lines = {
        each.appointment_id: " · ".join(
            filter(
                None,
                (
                    formats.clock(each.appointment_at, ctx.store.timezone),
                    plates[each.appointment_id],
                    catalog.operation(each.op_codes[0]),
                ),
            )
        )
        for each in open_ones
    }
    return plates, lines


async def _known_customer(ctx: PageContext, typed: str) -> str:
    """Return one line about the customer whose plate or VIN was typed; a wrong one is reported on
    sending.
    """
    if not typed.strip() or not ctx.sees_persons:
        return ""
    try:
        found = await find_customer(ctx, typed)
    except ServiceUnavailableError as unavailable:
        return unavailable_text(ctx.t, unavailable)
    except ApiError:
        return ""
    if not found:
        return ctx.t("New vehicle: details are taken when the order is opened.")
    return known_text(ctx, found)
