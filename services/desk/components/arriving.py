"""Recording an arrival (到店登记): by plate or VIN, typed or scanned, with its appointment."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from nicegui import ui

from services.desk import formats
from services.desk.components.confirmation import Confirmation
from services.desk.components.customer_card import customer_card
from services.desk.components.elements import box, dialog, link, text
from services.desk.components.forms import Form, dialog_actions
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import PageContext
from services.desk.vehicles import find_customer, is_vin, is_whole, known_text, same_plate
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.crm.models import CustomerView
from shared.clients.reception.models import ArrivalView, RecordArrivalRequest

_TYPING_PAUSE_S = 0.3
"""Pause after which a plate or VIN counts as typed."""

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
    arrival = _ArrivalDialog(ctx, await _expected(ctx), appointment_id, known_plate)
    if known_plate:
        await arrival.send()


@dataclass(frozen=True)
class _Expected:
    """Today's appointments that are still to come: their plates, and lines to choose from."""

    plates: Mapping[str, str]
    lines: dict[str, str]


class _ArrivalDialog:
    """Dialog that records an arrival: the vehicle, and its appointment if it has one."""

    def __init__(
        self, ctx: PageContext, expected: _Expected, appointment_id: str | None, known_plate: str
    ) -> None:
        t = ctx.t
        self._ctx = ctx
        self._expected = expected
        with dialog(t("Record arrival")) as self._opened:
            self._form = form = Form(ctx)
            plate = ui.input(t("Plate or VIN"), value=known_plate, placeholder="沪A12345")
            self._plate = form.field("plate", plate.props("autofocus clearable"))
            self._known = text("", "hint one-line")
            self._card = box("found")
            label = t("Appointment of today")
            appointment = ui.select(
                expected.lines, label=label, clearable=True, value=appointment_id
            )
            self._appointment = form.field("appointment_id", appointment)
            self._appointment.set_visibility(bool(expected.lines))
            question = (_ELSEWHERE, t("The vehicle is here: record arrival"))
            self._confirmation = Confirmation(form, {"vehicle_elsewhere": question})
            self._open_order = box("found")
            self._looking = asyncio.Lock()
            self._looked_up = ""
            self._plate.on_value_change(self._recognize)
            self._plate.on_value_change(self._look_up_soon)
            self._plate.on("blur", self._look_up)
            self._plate.on("keydown.enter", self.send)
            dialog_actions(form, self._opened, t("Record arrival"), self.send)

    def _recognize(self) -> None:
        """Select the vehicle's own appointment along with the vehicle."""
        typed = self._plate.value or ""
        own = (each for each, plate in self._expected.plates.items() if same_plate(typed, plate))
        if found := next(own, None):
            self._appointment.set_value(found)

    async def _look_up_soon(self) -> None:
        """Look the vehicle up as soon as the person stops typing."""
        typed = self._plate.value
        await asyncio.sleep(_TYPING_PAUSE_S)
        if typed == self._plate.value:
            await self._look_up()

    async def _look_up(self) -> None:
        """Show who comes with a vehicle that is typed whole, once for each."""
        async with self._looking:
            typed = self._plate.value or ""
            if not is_whole(typed):
                typed = ""
            if typed == self._looked_up or not self._opened.value:
                return
            self._looked_up = typed
            found, said = await _known_customer(self._ctx, typed)
            self._known.set_text(said)
            self._card.clear()
            if found is not None:
                with self._card:
                    await customer_card(self._ctx, found.customer_ref, apart=True)

    async def send(self) -> None:
        if not self._form.require("plate"):
            return
        order = await self._form.send(self._record)
        if order:
            self._opened.close()
            await _welcome(self._ctx, order)
            return
        self._confirmation.ask(self.send)
        _link_to_open_order(self._form, self._open_order)

    async def _record(self) -> ArrivalView:
        """Record the vehicle; the plate of a scanned VIN comes from customer records, if it has
        one yet.
        """
        ctx, typed = self._ctx, self._plate.value or ""
        found = await find_customer(ctx, typed) if is_vin(typed) else None
        request = RecordArrivalRequest(
            plate=(found and found.plate) or typed,
            appointment_id=self._appointment.value,
            elsewhere_confirmed=self._confirmation.given(_ELSEWHERE),
        )
        return await ctx.services.reception.record_arrival(
            ctx.store.id, request, idempotency_key=self._form.attempt
        )


def _link_to_open_order(form: Form, place: ui.element) -> None:
    """Offer the order that a vehicle has already, where the last try was refused for it."""
    place.clear()
    if form.error and form.error.rule == "vehicle_already_here":
        ctx, order_id = form.ctx, form.error.values["order_id"]
        with place:
            link(ctx.t("Look at the order"), f"{ctx.store_path}/orders/{order_id}", "text-link")


async def _welcome(ctx: PageContext, order: ArrivalView) -> None:
    """Show the queue number and the customers ahead."""
    t, vehicle = ctx.t, order.vehicle
    told = [t("Queue number {number}", number=f"{order.queue_number:03}")]
    if vehicle.tier:
        told.append(t.code("tier", vehicle.tier))
    told.extend(t.code("entitlement", each.entitlement) for each in vehicle.entitlements)
    if vehicle.history:
        told.append(t("{count} earlier visits", count=len(vehicle.history)))
    if vehicle.recalls:
        told.append(t("{count} open recalls", count=len(vehicle.recalls)))
    ui.notify(" · ".join(told), type="positive", position="top")
    await ctx.changed()


async def _expected(ctx: PageContext) -> _Expected:
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
    return _Expected(plates, lines)


async def _known_customer(ctx: PageContext, typed: str) -> tuple[CustomerView | None, str]:
    """Return the customer whose plate or VIN was typed, and one line about them; a wrong plate or
    VIN is reported on sending.
    """
    if not typed or not ctx.sees_persons:
        return None, ""
    try:
        found = await find_customer(ctx, typed)
    except ServiceUnavailableError as unavailable:
        return None, unavailable_text(ctx.t, unavailable)
    except ApiError:
        return None, ""
    if not found:
        return None, ctx.t("New vehicle: details are taken when the order is opened.")
    return found, known_text(ctx, found)
