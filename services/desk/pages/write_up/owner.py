"""Customer and vehicle (客户与车辆), by plate or VIN, and their history in the group."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.customer_card import customer_card
from services.desk.components.elements import badge, box, button, facts, test_id, text
from services.desk.components.forms import Form, enter_goes_on
from services.desk.components.tier import tier_badge
from services.desk.components.who_comes import WhoComes
from services.desk.context import PageContext
from services.desk.directory import Store
from services.desk.vehicles import (
    find_customer,
    has_unusual_digit,
    is_vin,
    vehicle_facts,
)
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.crm.models import CustomerView, RegisterCustomerRequest
from shared.clients.reception.models import CustomerDetails, OrderDetail, VehicleView
from shared.contracts.reception import PayType

_PERSON_FIELDS = ("name", "phone", "vin", "brand", "model")
_SHOWN_VISITS = 4
_SOMEONE_ELSE = ""

Offered = Callable[[Mapping[str, int], Mapping[str, int], PayType], Awaitable[None]]
"""Function that takes operations and parts, each with its quantity, and the payer."""


@dataclass(frozen=True)
class Identified:
    """Customer and vehicle by reference, or the customer's details while there is none."""

    customer_ref: str | None = None
    vehicle_ref: str | None = None
    customer: CustomerDetails | None = None


class Owner:
    """First section of the write-up. ``customer`` is the customer record, ``vehicle`` is
    reception's data; ``offered`` is called with work that the vehicle's history suggests.
    """

    def __init__(self, ctx: PageContext, catalog: Catalog, order: OrderDetail, form: Form) -> None:
        self.customer: CustomerView | None = None
        self.vehicle: VehicleView | None = None
        self._visited: Mapping[str, Store] = {}
        self._ctx = ctx
        self._catalog = catalog
        self._order = order
        self._form = form
        self._comes: ui.select | None = None
        self.who = WhoComes(ctx)
        self._crm_unavailable = False

    def show(self, offered: Offered) -> None:
        t = self._ctx.t
        self._offered = offered
        with box("fields"):
            self.plate = self._form.field("plate", ui.input(t("Plate or VIN")))
            self.plate.on("keydown.enter", self.find)
            button(t("Find"), self.find, name="find-customer")
        self._found = box("found")
        with box("fields") as self._details:
            labels = (t("Name"), t("Phone"), t("VIN"), t("Brand"), t("Model"))
            self._person = {
                name: self._form.field(name, ui.input(label))
                for name, label in zip(_PERSON_FIELDS, labels, strict=True)
            }
            self._vin_confirmed = ui.checkbox(t("Matches the vehicle"))
            test_id("vin-confirmed", self._vin_confirmed)
        self._person["brand"].set_value(self._store_brand())
        self._vin_confirmed.set_visibility(False)
        self._person["vin"].on_value_change(self._ask_for_vin)
        for element in self._person.values():
            element.on_value_change(self.who.forget)
        self.who.show()
        enter_goes_on(*self._person.values())
        self._details.set_visibility(False)

    @property
    def last(self) -> ui.element:
        """Last field; Enter moves on from here."""
        return self._person["model"]

    @property
    def known_km(self) -> int:
        """Return the highest reading of the vehicle's earlier visits."""
        history = self.vehicle.history if self.vehicle else []
        return max((each.odometer_km or 0 for each in history), default=0)

    async def begin(self) -> bool:
        """Find the vehicle that has arrived; return whether customer records know it."""
        try:
            names = await self._ctx.names((), [self._order.plate_ref])
        except (ServiceUnavailableError, ApiError):
            names = None
        if names and (plate := names.plates.get(self._order.plate_ref)):
            self.plate.set_value(plate)
            await self.find()
        if self.customer is None:
            self.plate.run_method("focus")
        return self.customer is not None

    async def find(self) -> None:
        """Look the vehicle up; ask for the details of one that customer records do not have."""
        if not self._form.require("plate"):
            return
        typed = str(self.plate.value)
        if not await self._form.send(lambda: self._look_up(typed)):
            return
        if is_vin(typed):
            self._person["vin"].set_value(typed)
            self.plate.set_value((self.customer and self.customer.plate) or typed)
        self._details.set_visibility(self.customer is None)
        self._comes = None
        self._found.clear()
        with self._found:
            self._show_found()
            if self.customer is not None:
                await customer_card(self._ctx, self.customer.customer_ref, apart=True)
        if self.customer is None:
            self._person["name"].run_method("focus")

    def missing(self) -> tuple[str, ...]:
        """Return the fields that have to be filled in."""
        if self._chosen() is not None:
            return ("plate",)
        self._details.set_visibility(True)
        return ("plate", *_PERSON_FIELDS)

    async def identify(self) -> Identified:
        """Return the customer and the vehicle, registered now if need be, else their details."""
        details = {"plate": self.plate.value} | {
            name: element.value for name, element in self._person.items()
        }
        confirmed = self._vin_confirmed.value
        if chosen := self._chosen():
            return chosen
        try:
            known = await self._ctx.services.crm.register_customer(
                self._ctx.store.id,
                RegisterCustomerRequest(
                    **details,
                    vin_confirmed=confirmed,
                    vehicle_ref=self._order.vehicle_ref,
                    decision=self.who.decision,
                ),
                idempotency_key=self._form.attempt,
            )
        except ServiceUnavailableError:
            return Identified(customer=CustomerDetails(**details, vin_confirmed=confirmed))
        return Identified(known.customer_ref, known.vehicle_ref)

    def _chosen(self) -> Identified | None:
        """Return the known person who comes with the known vehicle; None for another one."""
        if self.customer is None or self._comes is None or self._comes.value == _SOMEONE_ELSE:
            return None
        return Identified(self._comes.value, self.customer.vehicle_ref)

    def _take_someone_else(self) -> None:
        """Ask for the details of a person who comes with a known vehicle."""
        other = self._comes is not None and self._comes.value == _SOMEONE_ELSE
        self._details.set_visibility(other)
        if other and self.customer:
            for name in ("vin", "brand", "model"):
                self._person[name].set_value(getattr(self.customer, name) or "")
            self._vin_confirmed.set_value(self.customer.vin_unusual)
            self._person["name"].run_method("focus")

    def _ask_for_vin(self) -> None:
        """Ask the person to confirm a VIN with an unusual check digit."""
        self._vin_confirmed.set_value(False)
        self._vin_confirmed.set_visibility(has_unusual_digit(self._person["vin"].value or ""))

    def _store_brand(self) -> str:
        brand = self._ctx.store.brand
        return self._ctx.t.of(brand) if brand else ""

    async def _look_up(self, typed: str) -> bool:
        """Ask customer records, then reception, which needs the plate."""
        try:
            self.customer, self._crm_unavailable = await find_customer(self._ctx, typed), False
        except ServiceUnavailableError:
            self.customer, self._crm_unavailable = None, True
        plate = self.customer.plate if self.customer else None if is_vin(typed) else typed
        self.vehicle = await vehicle_facts(self._ctx, plate) if plate else None
        offered = self.vehicle.work_to_reoffer if self.vehicle else ()
        await self._catalog.know_parts_of(line for each in offered for line in each.lines)
        visits = self.vehicle.history[:_SHOWN_VISITS] if self.vehicle else ()
        self._visited = await self._ctx.app_context.directories.stores(
            {each.store_id for each in visits}
        )
        return True

    def _show_found(self) -> None:
        t, known = self._ctx.t, self.customer
        if self._crm_unavailable:
            text(
                t("Customer records are unavailable. Take the details now; they are saved later."),
                "hint",
            )
        elif known is None:
            text(t("Not in customer records yet. Please take the details."), "hint")
        else:
            self._show_owner(known)
        if self.vehicle:
            self._show_recalls(self.vehicle)
            self._show_work_to_reoffer(self.vehicle)
            self._show_history(self.vehicle)

    def _show_owner(self, known: CustomerView) -> None:
        t, ctx = self._ctx.t, self._ctx
        with box("owner"):
            text(known.name or formats.NOTHING, "owner-name")
            if self.vehicle and self.vehicle.tier:
                tier_badge(t, self.vehicle.tier)
            if kind := known.plate_kind:
                badge(t.code("plate_kind", kind), "calm")
            if known.vin_unusual:
                badge(t("Unusual VIN, confirmed"), "warn")
            ui.link(
                t("Contact preferences"),
                f"{ctx.store_path}/customers/{known.customer_ref}",
                new_tab=True,
            ).classes("text-link")
        people = {
            each.customer_ref: f"{each.name or formats.NOTHING} · "
            f"{t.code('vehicle_role', each.role)} · {formats.phone(t, each.phone)}"
            for each in known.people
        }
        choices = {**people, _SOMEONE_ELSE: t("Someone else, or a new owner")}
        self._comes = ui.select(choices, label=t("Who comes"), value=known.customer_ref)
        test_id("comes", self._comes).classes("field").props("outlined dense")
        self._comes.on_value_change(self._take_someone_else)
        facts(
            [
                (t("Phone"), formats.phone(t, known.phone)),
                (t("Vehicle"), f"{known.brand} {known.model}"),
                (t("VIN"), known.vin or formats.NOTHING),
                (t("Visits"), str(known.visits)),
            ]
        )

    def _show_recalls(self, vehicle: VehicleView) -> None:
        t = self._ctx.t
        for recall_id in vehicle.recalls:
            operations = self._catalog.recalls[recall_id].op_codes
            with test_id("recall", box("offer urgent")):
                ui.icon("campaign")
                text(t("Open recall: {name}", name=self._catalog.recall(recall_id)))
                self._take_button(dict.fromkeys(operations, 1), {}, "warranty")

    def _show_work_to_reoffer(self, vehicle: VehicleView) -> None:
        t = self._ctx.t
        for version in vehicle.work_to_reoffer:
            lines = version.lines
            names = t.listed(self._catalog.line(each.kind, each.code) for each in lines)
            with test_id("work-to-reoffer", box("offer")):
                ui.icon("history")
                cost = formats.money(version.total_cents)
                why = t.code("estimate", version.status)
                text(
                    t(
                        "Not done last time: {work}, {amount} ({status})",
                        work=names,
                        amount=cost,
                        status=why,
                    )
                )
                operations, parts = (
                    {each.code: each.quantity for each in lines if each.kind == kind}
                    for kind in ("labor", "part")
                )
                self._take_button(operations, parts, "customer")

    def _take_button(
        self, operations: Mapping[str, int], parts: Mapping[str, int], pay_type: PayType
    ) -> None:
        button(
            self._ctx.t("Add to RO"),
            lambda: self._offered(operations, parts, pay_type),
            name="take-in",
            kind="small",
        )

    def _show_history(self, vehicle: VehicleView) -> None:
        ctx = self._ctx
        for each in vehicle.history[:_SHOWN_VISITS]:
            with test_id("earlier-visit", box("visit-line")):
                day = ctx.store.local_day(each.arrived_at)
                text(f"{day}", "number")
                text(ctx.t.of(self._visited[each.store_id]))
                km = each.odometer_km
                text(formats.NOTHING if km is None else f"{km:,} km", "number")
                work = self._ctx.t.listed(map(self._catalog.operation, each.op_codes))
                ended = each.status == "cancelled"
                text(ctx.t.code("order_status", "cancelled") if ended else work, "visit-work")
