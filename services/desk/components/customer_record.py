"""The record of a customer (客户档案): who it is, contact points, vehicles over time."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
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
from services.desk.components.forms import Form, choices, dialog_actions, send_now, submit
from services.desk.context import PageContext
from services.desk.vehicles import has_unusual_digit
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AddContactPointRequest,
    AddVehiclePersonRequest,
    AddVehiclePersonRole,
    ChangeContactPointRequest,
    ContactPointHolder,
    ContactPointKind,
    ContactPointView,
    CorrectCustomerRequest,
    CorrectedVinView,
    CorrectVinRequest,
    CustomerDetail,
    CustomerKind,
    CustomerVehicleView,
    EndVehiclePersonRequest,
    MergeCustomersRequest,
    VehiclePersonView,
)


def since_until(ctx: PageContext, since: datetime, until: datetime | None) -> str:
    """Say from which day until which something was so; it still is without an end."""
    begins = f"{ctx.store.local_day(since)}"
    if until is None:
        return ctx.t("since {day}", day=begins)
    return ctx.t("{since} until {until}", since=begins, until=ctx.store.local_day(until))


class CustomerRecord:
    """Panels of a customer's record, drawn again after each change."""

    def __init__(self, ctx: PageContext, known: CustomerDetail) -> None:
        self._ctx = ctx
        self._known = known

    @property
    def version(self) -> str:
        return self._known.version

    def show(self) -> None:
        t = self._ctx.t
        with panel(t("Customer record")):
            self._who()
        with panel(t("Contact points")):
            self._contact_points()
        with panel(t("Vehicles of the customer")):
            for vehicle in self._known.vehicles:
                self._vehicle(vehicle)
            if not self._known.vehicles:
                empty(t("No vehicle yet."))

    def _who(self) -> None:
        ctx, t, known = self._ctx, self._ctx.t, self._known
        pairs = [
            (t("Name"), known.name or formats.NOTHING),
            (t("Kind of customer"), t.code("customer_kind", known.kind)),
            (t("Registered"), f"{ctx.store.local_day(known.registered_at)}"),
        ]
        facts(pairs)
        if known.earlier:
            text(self._changed(known.changed_by, known.changed_at), "hint")
        for each in known.earlier:
            with test_id("record-version", box("visit-line")):
                text(each.name or formats.NOTHING)
                text(t.code("customer_kind", each.kind))
                text(self._changed(each.changed_by, each.changed_at), "hint")
        if known.merged:
            self._merged()
        if ctx.may(CrmApi.correct_customer):
            with box("card-actions"):
                button(t("Correct"), self._correct, name="correct-customer")

    def _merged(self) -> None:
        """Show the records that are read as this customer's, each with a way back."""
        ctx, t = self._ctx, self._ctx.t
        text(t("Merged records"), "section-title")
        for each in self._known.merged:
            with test_id("merged-record", box("visit-line")):
                text(each.name or formats.NOTHING)
                day = f"{ctx.store.local_day(each.merged_at)}"
                said = "merged by {person} on {day}"
                text(t(said, person=ctx.colleague(each.merged_by), day=day), "hint")
                if ctx.may(CrmApi.unmerge_customer):
                    separate = self._separate(each.customer_ref)
                    button(t("Separate"), separate, name="separate", kind="small")

    def _separate(self, merged_ref: str) -> Callable[[], Awaitable[None]]:
        request = MergeCustomersRequest(customer_ref=merged_ref)

        async def separate() -> None:
            await send_now(
                self._ctx,
                lambda: self._ctx.services.crm.unmerge_customer(
                    self._ctx.store.id,
                    self._known.customer_ref,
                    request,
                    idempotency_key=new_attempt(),
                ),
            )

        return separate

    def _changed(self, by: str | None, at: datetime | None) -> str:
        when = f"{self._ctx.store.local_day(at)}" if at else ""
        return f"{self._ctx.colleague(by)} {when}".strip() if by else when

    async def _correct(self) -> None:
        ctx, t, known = self._ctx, self._ctx.t, self._known
        with dialog(t("Correct who the customer is")) as opened:
            form = Form(ctx, known.version)
            text(t("The same person or company, written wrongly before."), "hint")
            name = form.field("name", ui.input(t("Name"), value=known.name or ""))
            options = choices(t, "customer_kind", get_args(CustomerKind))
            kind = form.field("kind", ui.select(options, label=t("Kind"), value=known.kind))

            async def send() -> None:
                if form.require("name"):
                    await submit(
                        form,
                        opened,
                        lambda: ctx.services.crm.correct_customer(
                            ctx.store.id,
                            known.customer_ref,
                            CorrectCustomerRequest(
                                version=form.version, name=name.value, kind=kind.value
                            ),
                            idempotency_key=form.attempt,
                        ),
                    )

            dialog_actions(form, opened, t("Save"), send)
        opened.open()

    def _contact_points(self) -> None:
        ctx, t = self._ctx, self._ctx.t
        with table([t("Kind"), t("Whose"), t("Number or address"), ""]):
            for each in self._known.contact_points:
                with test_id("contact-point", row()):
                    cell(t.code("contact_kind", each.kind))
                    cell(t.code("contact_holder", each.holder))
                    value = formats.phone(t, each.value) if each.kind == "phone" else each.value
                    cell(value or formats.NOTHING, "number")
                    with cell_box("cell-actions"):
                        if each.declined:
                            badge(t("Declined"), "warn")
                        if ctx.may(CrmApi.change_contact_point):
                            self._point_buttons(each)
        if ctx.may(CrmApi.add_contact_point):
            with box("card-actions"):
                button(t("Add"), self._add_contact_point, name="add-contact-point")

    def _point_buttons(self, point: ContactPointView) -> None:
        t = self._ctx.t
        declined = not point.declined
        label = t("Declined by the customer") if declined else t("May be used again")
        button(
            label,
            self._change(point, declined=declined),
            name="decline-contact-point",
            kind="small",
        )
        button(t("No longer used"), self._change(point, ended=True), name="end-point", kind="small")

    def _change(
        self, point: ContactPointView, *, declined: bool | None = None, ended: bool = False
    ) -> Callable[[], Awaitable[None]]:
        request = ChangeContactPointRequest(
            holder=point.holder,
            declined=point.declined if declined is None else declined,
            ended=ended,
        )

        async def change() -> None:
            await send_now(
                self._ctx,
                lambda: self._ctx.services.crm.change_contact_point(
                    self._ctx.store.id,
                    self._known.customer_ref,
                    point.contact_point_id,
                    request,
                    idempotency_key=new_attempt(),
                ),
            )

        return change

    async def _add_contact_point(self) -> None:
        ctx, t = self._ctx, self._ctx.t
        with dialog(t("Add a contact point")) as opened:
            form = Form(ctx)
            kinds = choices(t, "contact_kind", get_args(ContactPointKind))
            kind = form.field("kind", ui.select(kinds, label=t("Kind"), value="phone"))
            holders = choices(t, "contact_holder", get_args(ContactPointHolder))
            holder = form.field("holder", ui.select(holders, label=t("Whose"), value="own"))
            value = form.field("value", ui.input(t("Number or address")))

            async def send() -> None:
                if form.require("value"):
                    await submit(
                        form,
                        opened,
                        lambda: ctx.services.crm.add_contact_point(
                            ctx.store.id,
                            self._known.customer_ref,
                            AddContactPointRequest(
                                kind=kind.value, holder=holder.value, value=value.value
                            ),
                            idempotency_key=form.attempt,
                        ),
                    )

            dialog_actions(form, opened, t("Save"), send)
        opened.open()

    def _vehicle(self, vehicle: CustomerVehicleView) -> None:
        ctx, t = self._ctx, self._ctx.t
        with test_id("vehicle", box("section")):
            link(
                f"{vehicle.brand} {vehicle.model}",
                f"{ctx.store_path}/vehicles/{vehicle.vehicle_ref}",
                "section-title text-link",
            )
            text(vehicle.vin or formats.NOTHING, "number")
            for earlier in vehicle.earlier_vins:
                test_id("earlier-vin", text(self._correction(earlier), "hint"))
            if ctx.may(CrmApi.correct_vin):
                button(
                    t("Correct the VIN"),
                    self._correct_vin(vehicle),
                    name="correct-vin",
                    kind="small",
                )
            for plate in vehicle.plates:
                with test_id("plate", box("visit-line")):
                    text(plate.plate or formats.NOTHING, "number")
                    text(since_until(self._ctx, plate.since, plate.until), "hint")
            for person in vehicle.people:
                with test_id("vehicle-person", box("visit-line")):
                    text(person.name or formats.NOTHING)
                    text(t.code("vehicle_role", person.role))
                    text(since_until(self._ctx, person.since, person.until), "hint")
                    self._end_button(vehicle, person)
            mine = any(self._is_mine(each) for each in vehicle.people)
            if not mine and ctx.may(CrmApi.add_vehicle_person):
                roles: tuple[AddVehiclePersonRole, ...] = get_args(AddVehiclePersonRole)
                for role in roles:
                    add, word = self._add_person(vehicle, role), t.code("vehicle_role", role)
                    button(t("Add as {role}", role=word), add, name=f"add-{role}", kind="small")

    def _correction(self, earlier: CorrectedVinView) -> str:
        """Say which VIN was wrong, and who corrected it when."""
        return self._ctx.t(
            "Until {day}: {vin}, corrected by {who}",
            day=f"{self._ctx.store.local_day(earlier.corrected_at)}",
            vin=earlier.vin or formats.NOTHING,
            who=self._ctx.colleague(earlier.corrected_by),
        )

    def _correct_vin(self, vehicle: CustomerVehicleView) -> Callable[[], None]:
        ctx, t = self._ctx, self._ctx.t

        def ask() -> None:
            with dialog(t("Correct the VIN")) as opened:
                form = Form(ctx)
                vin = form.field("vin", ui.input(t("VIN"), value=vehicle.vin or ""))
                confirmed = test_id("vin-confirmed", ui.checkbox(t("Matches the vehicle")))
                confirmed.set_visibility(False)
                elsewhere = t("Other stores know this vehicle by this VIN")
                same = test_id("same-vehicle", ui.checkbox(elsewhere))

                def ask_for_digit() -> None:
                    confirmed.set_value(False)
                    confirmed.set_visibility(has_unusual_digit(vin.value or ""))

                vin.on_value_change(ask_for_digit)

                async def send() -> None:
                    if form.require("vin"):
                        await submit(
                            form,
                            opened,
                            lambda: ctx.services.crm.correct_vin(
                                ctx.store.id,
                                vehicle.vehicle_ref,
                                CorrectVinRequest(
                                    vin=vin.value,
                                    vin_confirmed=confirmed.value,
                                    is_same_vehicle=same.value,
                                ),
                                idempotency_key=form.attempt,
                            ),
                        )

                dialog_actions(form, opened, t("Save"), send)
            opened.open()

        return ask

    def _is_mine(self, person: VehiclePersonView) -> bool:
        return person.customer_ref == self._known.customer_ref and person.until is None

    def _end_button(self, vehicle: CustomerVehicleView, person: VehiclePersonView) -> None:
        ctx = self._ctx
        if person.until is not None or person.role == "owner":
            return
        if not ctx.may(CrmApi.end_vehicle_person):
            return
        request = EndVehiclePersonRequest(customer_ref=person.customer_ref, role=person.role)

        async def end() -> None:
            await send_now(
                ctx,
                lambda: ctx.services.crm.end_vehicle_person(
                    ctx.store.id, vehicle.vehicle_ref, request, idempotency_key=new_attempt()
                ),
            )

        button(ctx.t("No longer"), end, name="end-vehicle-person", kind="small")

    def _add_person(
        self, vehicle: CustomerVehicleView, role: AddVehiclePersonRole
    ) -> Callable[[], Awaitable[None]]:
        request = AddVehiclePersonRequest(customer_ref=self._known.customer_ref, role=role)

        async def add() -> None:
            await send_now(
                self._ctx,
                lambda: self._ctx.services.crm.add_vehicle_person(
                    self._ctx.store.id, vehicle.vehicle_ref, request, idempotency_key=new_attempt()
                ),
            )

        return add
