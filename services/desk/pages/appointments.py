"""Appointments of a day (预约): booked, rescheduled, cancelled or no-show."""

from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.cancelling import cancel_dialog, cancellation_facts
from services.desk.components.confirmation import Confirmation
from services.desk.components.day_choice import chosen_day, day_choice
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
from services.desk.components.forms import Form, FoundChoice, dialog_actions, send_now
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.problems import unavailable_text
from services.desk.components.time_choice import TimeChoice, send_or_offer
from services.desk.components.work_choice import part_choice
from services.desk.context import Names, PageContext, Who
from services.desk.i18n import Translator
from services.desk.page import Page
from services.desk.vehicles import find_customer, known_text, plate_of
from shared.calls import ServiceUnavailableError
from shared.clients.access import roles_of
from shared.clients.crm.models import AnswerReminderRequest, CustomerView
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import (
    AppointmentStatus,
    AppointmentView,
    BookAppointmentRequest,
    CancelRequest,
    PartLine,
    RescheduleAppointmentRequest,
)

REQUIREMENTS = ("R1",)

PAGE = Page(
    path="/stores/{store_id}/appointments",
    title="Appointments",
    icon="event",
    roles=roles_of(ReceptionApi.book_appointment),
    requirements=REQUIREMENTS,
)

_SECOND_BOOKING = "second_booking_confirmed"
_TONES: dict[AppointmentStatus, str] = {
    "booked": "calm",
    "arrived": "good",
    "no_show": "bad",
    "cancelled": "quiet",
}

Booked = tuple[list[AppointmentView], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the day's list, by time."""
    catalog, day = await ctx.catalog(), chosen_day(ctx)
    with box("toolbar"):
        day_choice(ctx, day)
        button(
            ctx.t("Book appointment"),
            lambda: _Booking(ctx, catalog).show(),
            name="book",
            kind="main",
        )

    async def fetch() -> Booked:
        booked = await ctx.shared(
            f"appointments {day}",
            lambda: ctx.services.reception.list_appointments(ctx.store.id, day=day),
        )
        names = await ctx.names_if_any(
            (each.customer_ref for each in booked), (each.plate_ref for each in booked)
        )
        return booked, names

    def render(found: Booked, renderer: PartialRenderer) -> None:
        booked, names = found
        counts = {status: sum(each.status == status for each in booked) for status in _TONES}
        renderer.section("counts", partial(_counts, ctx.t), counts)
        if not booked:
            renderer.section("none", empty, ctx.t("No appointments on this day."))
            return
        with renderer.frame("table", _table, ctx.t):
            for each in sorted(booked, key=lambda each: each.appointment_at):
                shown, who = (
                    partial(_row, ctx, catalog, day),
                    names.of(each.customer_ref, each.plate_ref),
                )
                renderer.section(each.appointment_id, shown, each, who)

    await live(ctx, fetch, render)
    if (reminder_id := ctx.query.get("reminder")) and (vehicle := ctx.query.get("vehicle")):
        plate = await plate_of(ctx, vehicle)
        work = [code for code in ctx.query.get("work", "").split(",") if code in catalog.operations]
        await _Booking(ctx, catalog, plate or "", work, reminder_id).show()


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


def _row(
    ctx: PageContext, catalog: Catalog, day: date, appointment: AppointmentView, who: Who
) -> None:
    zone, now = ctx.store.timezone, ctx.now()
    with test_id("appointment", row()):
        cell(formats.clock(appointment.appointment_at, zone), "number")
        cell(who.plate or formats.NOTHING, "plate-cell")
        cell(who.name or formats.NOTHING)
        cell(ctx.t.listed(map(catalog.operation, appointment.op_codes)))
        cell(formats.day_and_clock(appointment.promised_at, zone, now), "number")
        with cell_box():
            _status(ctx, appointment)
        with cell_box("cell-actions"):
            if appointment.status == "booked" and day >= ctx.today():
                _change_buttons(ctx, catalog, appointment)
            elif appointment.status == "cancelled":
                button(ctx.t("Reason"), partial(_why, ctx, appointment), name="why", kind="small")


def _status(ctx: PageContext, appointment: AppointmentView) -> None:
    t, status = ctx.t, appointment.status
    with box("badges"):
        badge(t.code("appointment", status), _TONES.get(status, "quiet"))
        if status == "booked" and appointment.calendar_assumed:
            badge(t("Holidays not announced yet"), "warn")
        if status == "booked" and appointment.reschedule_required:
            badge(t("No capacity: reschedule"), "bad")
        elif status == "booked" and appointment.provisional:
            badge(t("Provisional"), "warn")


def _change_buttons(ctx: PageContext, catalog: Catalog, appointment: AppointmentView) -> None:
    t = ctx.t

    def cancel(request: CancelRequest, key: str) -> Awaitable[object]:
        return ctx.services.reception.cancel_appointment(
            ctx.store.id, appointment.appointment_id, request, idempotency_key=key
        )

    button(
        t("Change time"),
        partial(_move_dialog, ctx, catalog, appointment),
        name="move",
        kind="small",
    )
    button(
        t("Cancel appointment"),
        lambda: cancel_dialog(ctx, cancel, t("Cancel appointment"), appointment.version),
        name="cancel-appointment",
        kind="small",
    )


async def _why(ctx: PageContext, appointment: AppointmentView) -> None:
    """Show the reason why an appointment was cancelled."""
    try:
        found = await ctx.services.reception.get_appointment_cancellation(
            ctx.store.id, appointment.appointment_id
        )
    except ServiceUnavailableError as unavailable:
        ui.notify(unavailable_text(ctx.t, unavailable), type="negative", position="top")
    else:
        with dialog(ctx.t("Appointment cancelled")):
            cancellation_facts(ctx, found)


class _Booking:
    """Dialog that books an appointment: the vehicle, the work and the time.

    It begins with ``plate`` and ``work``; a booking is the answer to the service reminder
    ``reminder_id``.
    """

    def __init__(
        self,
        ctx: PageContext,
        catalog: Catalog,
        plate: str = "",
        work: Sequence[str] = (),
        reminder_id: str | None = None,
    ) -> None:
        self._ctx = ctx
        self._catalog = catalog
        self._of_plate = plate
        self._work = work
        self._reminder_id = reminder_id
        self._appointment_id: str | None = None
        self._customer: CustomerView | None = None

    async def show(self) -> None:
        ctx, t = self._ctx, self._ctx.t
        with dialog(t("Book appointment")) as self._opened:
            self._opened.classes("wide-dialog")
            self._form = Form(ctx)
            self._fields()
            self._known = text("", "hint one-line")
            self._confirmation = _second_booking(ctx, self._form)
            self._choice = TimeChoice(
                ctx, self._catalog, self._form, lambda: self._operations.value
            )
            self._choice.show()
            dialog_actions(self._form, self._opened, t("Book appointment"), self._send)
        if self._of_plate:
            await self._look_up()
        await self._choice.ask()

    def _fields(self) -> None:
        t, form, catalog = self._ctx.t, self._form, self._catalog
        with box("fields"):
            plate = ui.input(t("Plate or VIN"), placeholder="沪A12345", value=self._of_plate)
            plate.props("autofocus")
            self._plate = form.field("plate", plate)
            self._operations = form.field(
                "op_codes",
                FoundChoice(
                    t,
                    t("Labor operations"),
                    catalog.find_operations,
                    catalog.operation_label,
                    self._work,
                ),
            )
            self._parts = form.field("parts", part_choice(t, catalog, t("Parts wanted")))
        self._plate.on("blur", self._look_up)
        self._operations.on_value_change(self._take_typical_parts)

    async def _look_up(self) -> None:
        self._customer = None
        if self._ctx.sees_persons and (typed := (self._plate.value or "").strip()):
            self._customer = await self._form.send(lambda: _customer(self._ctx, typed))
        self._known.set_text(known_text(self._ctx, self._customer) if self._customer else "")

    async def _take_typical_parts(self) -> None:
        typical = self._catalog.typical_parts(self._operations.value)
        await self._catalog.parts.know(typical)
        self._parts.choose(typical)
        await self._choice.ask()

    async def _book(self) -> AppointmentView:
        typical, customer = self._catalog.typical_parts(self._operations.value), self._customer
        request = BookAppointmentRequest(
            plate=(customer and customer.plate) or self._plate.value or "",
            appointment_at=self._choice.appointment_at,
            op_codes=self._operations.value,
            parts=[
                PartLine(part_number=part_number, quantity=typical.get(part_number, 1))
                for part_number in self._parts.value
            ],
            customer_ref=customer.customer_ref if customer else None,
            second_booking_confirmed=self._confirmation.given(_SECOND_BOOKING),
        )
        booked = await self._ctx.services.reception.book_appointment(
            self._ctx.store.id, request, idempotency_key=self._form.attempt
        )
        self._appointment_id = booked.appointment_id
        return booked

    async def _send(self) -> None:
        if not self._form.require("plate", "op_codes", "appointment_at"):
            return
        if await send_or_offer(self._form, self._choice, self._book):
            if self._reminder_id:
                await self._answer(self._reminder_id)
            self._opened.close()
            said = self._ctx.t("The appointment is booked.")
            ui.notify(said, type="positive", position="top")
            await self._ctx.changed()
        else:
            self._confirmation.ask(self._send)

    async def _answer(self, reminder_id: str) -> None:
        """Record that the customer who was invited has booked."""
        answer = AnswerReminderRequest(answer="booked", appointment_id=self._appointment_id)
        await send_now(
            self._ctx,
            lambda: self._ctx.services.crm.answer_reminder(
                self._ctx.store.id, reminder_id, answer, idempotency_key=self._form.attempt
            ),
        )


def _second_booking(ctx: PageContext, form: Form) -> Confirmation:
    label = ctx.t("Book a second visit that day")
    return Confirmation(form, {"booked_already": (_SECOND_BOOKING, label)})


async def _customer(ctx: PageContext, typed: str) -> CustomerView | None:
    """Return the customer record; None while customer records is unavailable, for the plate
    suffices.
    """
    try:
        return await find_customer(ctx, typed)
    except ServiceUnavailableError:
        return None


async def _move_dialog(ctx: PageContext, catalog: Catalog, appointment: AppointmentView) -> None:
    t = ctx.t
    with dialog(t("Reschedule appointment")) as opened:
        opened.classes("wide-dialog")
        text(t("The old time is kept until the new one is confirmed."), "hint")
        form = Form(ctx, appointment.version)
        confirmation = _second_booking(ctx, form)
        choice = TimeChoice(ctx, catalog, form, lambda: appointment.op_codes)
        choice.show(appointment.appointment_at)

        def reschedule() -> Awaitable[AppointmentView]:
            request = RescheduleAppointmentRequest(
                appointment_at=choice.appointment_at,
                second_booking_confirmed=confirmation.given(_SECOND_BOOKING),
                version=form.version,
            )
            return ctx.services.reception.reschedule_appointment(
                ctx.store.id, appointment.appointment_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if not form.require("appointment_at"):
                return
            if await send_or_offer(form, choice, reschedule):
                opened.close()
                ui.notify(t("The appointment is rescheduled."), type="positive", position="top")
                await ctx.changed()
            else:
                confirmation.ask(send)

        dialog_actions(form, opened, t("Reschedule appointment"), send)
    await choice.ask()
