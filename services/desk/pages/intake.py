"""Opening an order (开单): customer and vehicle, fault description, work, estimate and promise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.client import AwayError, RefusalError
from services.desk.components.elements import box, button, facts, mark, panel, text
from services.desk.components.forms import Form, several
from services.desk.components.problems import away_text, refusal_text
from services.desk.page import Page
from services.desk.pages.reception import t_number
from services.desk.promise import rests_on_text
from services.desk.visit import Visit, together

DUTIES = ("R3", "R4", "R5", "R11", "R19")

PAGE = Page(
    path="/stores/{store_id}/reception/{order_id}",
    title="Open order",
    roles=frozenset({"advisor", "manager"}),
    duties=DUTIES,
)

_CUSTOMER_FIELDS = ("name", "phone", "vin", "brand", "model")


@PAGE.shows
async def show(visit: Visit) -> None:
    """The form on the left, what it costs and when it is done on the right."""
    path = f"{visit.store_path}/orders/{visit.parameters['order_id']}"
    order, catalogue = await together(visit.services.get("reception", path), visit.catalogue())
    if order["stage"] != "greeted":
        ui.navigate.to(path)
        return
    intake = Intake(visit, catalogue, order)
    await intake.build()


@dataclass
class Intake:
    """What is being taken down for one order."""

    visit: Visit
    catalogue: Catalogue
    order: Mapping[str, Any]
    customer: Mapping[str, Any] | None = None
    quantities: dict[str, int] = field(default_factory=dict)
    archive_away: bool = False
    _asked: int = 0

    async def build(self) -> None:
        t = self.visit.t
        text(t("Queue number {number}", number=t_number(self.order["queue_number"])), "subtitle")
        with box("columns"):
            with box("column-wide"):
                self.form = Form(self.visit)
                with panel(t("Customer and vehicle"), number=1):
                    self._customer_part()
                with panel(t("Fault description"), number=2):
                    self._fault_part()
                with panel(t("Work and parts"), number=3):
                    self._work_part()
            with box("column-side"), panel(t("Estimate and promise"), "sticky"):
                self.summary = box("summary")
                button(t("Open order"), self.open, name="open-order", kind="main wide")
        await self._find_known_plate()
        await self.quote()

    # Customer and vehicle

    def _customer_part(self) -> None:
        t = self.visit.t
        with box("fields"):
            self.plate = self.form.field("plate", ui.input(t("Plate")))
            self.plate.on("keydown.enter", self.find)
            button(t("Find"), self.find, name="find-customer")
        self.found = box("found")
        with box("fields") as self.details:
            labels = (t("Name"), t("Phone"), t("VIN"), t("Brand"), t("Model"))
            self.person = {
                name: self.form.field(name, ui.input(label))
                for name, label in zip(_CUSTOMER_FIELDS, labels, strict=True)
            }
        self.person["brand"].set_value(self._store_brand())
        self.details.set_visibility(False)

    def _store_brand(self) -> str:
        entry = self.visit.desk.brands.get(self.visit.store.id)
        return self.visit.t.of(dict(entry)) if entry else ""

    async def _find_known_plate(self) -> None:
        try:
            names = await self.visit.names([self.order])
        except (AwayError, RefusalError):
            return
        if plate := names.plates.get(self.order["plate_ref"]):
            self.plate.set_value(plate)
            await self.find()

    async def find(self) -> None:
        """Look the plate up in the archive; ask for the details of a vehicle that is not in it."""
        if not self.form.require("plate"):
            return
        path = f"{self.visit.store_path}/customers"

        async def ask() -> dict[str, Any]:
            try:
                return await self.visit.services.find("crm", path, plate=self.plate.value) or {}
            except AwayError:
                self.archive_away = True
                return {}

        self.archive_away = False

        answer = await self.form.send(ask)
        if answer is None:
            return
        self.customer = answer or None
        self.details.set_visibility(self.customer is None)
        self.found.clear()
        with self.found:
            self._show_found()

    def _show_found(self) -> None:
        t, known = self.visit.t, self.customer
        if self.archive_away:
            text(t("The archive is away. Please take the details; they follow later."), "hint")
            return
        if known is None:
            text(t("Not in the archive yet. Please take the details."), "hint")
            return
        facts(
            [
                (t("Name"), known["name"]),
                (t("Phone"), known["phone"]),
                (t("Vehicle"), f"{known['brand']} {known['model']}"),
                (t("VIN"), known["vin"]),
                (t("Visits"), str(known["visits"])),
            ]
        )

    # Fault description

    def _fault_part(self) -> None:
        t = self.visit.t
        self.words = self.form.field(
            "words",
            ui.textarea(t("In the customer's own words")).props("autogrow"),
        )
        self.symptoms = self.form.field(
            "symptoms",
            several(self.catalogue.symptoms, t("Symptoms")),
        )
        self.symptoms.on_value_change(self._suggest)
        with box("fields"):
            self.odometer = self.form.field(
                "odometer_km", ui.number(t("Odometer"), min=0, precision=0, suffix="km")
            )
            self.waits = ui.checkbox(t("The customer waits here"))
            mark("waiting_customer", self.waits)

    def _suggest(self) -> None:
        self.operations.set_options(self.catalogue.operation_choices(self.symptoms.value))

    # Work and parts

    def _work_part(self) -> None:
        t = self.visit.t
        self.operations = self.form.field(
            "operations",
            several(self.catalogue.operation_choices(()), t("Labor operations")),
        )
        self.operations.on_value_change(self._operations_changed)
        self.parts = self.form.field(
            "parts",
            several(self.catalogue.part_choices(), t("Parts")),
        )
        self.parts.on_value_change(self._parts_changed)
        self.amounts = box("amounts")

    async def _operations_changed(self) -> None:
        """Typical parts of a newly chosen operation are taken in with it."""
        typical = self.catalogue.typical_parts(self.operations.value)
        new = {part_no: typical[part_no] for part_no in typical if part_no not in self.quantities}
        self.quantities |= new
        if new:
            self.parts.set_value([*self.parts.value, *new])
        else:
            await self.quote()

    async def _parts_changed(self) -> None:
        chosen = self.parts.value
        self.quantities = {part_no: self.quantities.get(part_no, 1) for part_no in chosen}
        self.amounts.clear()
        with self.amounts:
            for part_no in chosen:
                self._amount(part_no)
        await self.quote()

    def _amount(self, part_no: str) -> None:
        async def change(event: Any) -> None:
            self.quantities[part_no] = int(event.value or 1)
            await self.quote()

        with box("amount"):
            text(self.catalogue.part(part_no))
            ui.number(
                value=self.quantities[part_no], min=1, max=100, precision=0, on_change=change
            ).props("dense outlined").classes("amount-number")

    # Estimate and promise

    def _work(self) -> dict[str, Any]:
        parts = [
            {"part_no": part_no, "quantity": quantity}
            for part_no, quantity in self.quantities.items()
        ]
        return {"operations": self.operations.value, "parts": parts}

    async def quote(self) -> None:
        """Show what the work costs and when it would be done, for the latest choice only."""
        self._asked += 1
        asked = self._asked
        if not self.operations.value:
            self._summarise(lambda: text(self.visit.t("Choose the work to see its price."), "hint"))
            return
        self._summarise(lambda: text(self.visit.t("Calculating the promise …"), "hint"))
        try:
            answer = await self.visit.services.ask(
                "reception", f"{self.visit.store_path}/quotes", self._work()
            )
        except AwayError as away:
            sentence = away_text(self.visit.t, away)
        except RefusalError as refusal:
            sentence = refusal_text(self.visit.t, refusal)
        else:
            sentence = ""
        if asked != self._asked:
            return
        if sentence:
            self._summarise(lambda: text(sentence, "form-message"))
        else:
            self._summarise(lambda: self._show_quote(answer))

    def _summarise(self, show: Any) -> None:
        self.summary.clear()
        with self.summary:
            show()

    def _show_quote(self, quote: Mapping[str, Any]) -> None:
        t, visit = self.visit.t, self.visit
        for line in quote["lines"]:
            with box("quote-line"):
                name = self.catalogue.line(line["kind"], line["code"])
                count = f" × {line['quantity']}" if line["quantity"] > 1 else ""
                text(name + count)
                text(formats.money(line["amount_cents"]), "number")
        with box("quote-total"):
            text(t("Estimate"))
            mark("estimate", text(formats.money(quote["estimate_cents"]), "number"))
        with box("promise-box"):
            text(t("Ready by"), "promise-label")
            when = formats.day_and_clock(quote["promised_at"], visit.store.timezone, visit.now())
            mark("promised-at", text(when, "promise-time"))
            text(
                t("Kept with {confidence} confidence", confidence=f"{quote['confidence']:.0%}"),
                "hint",
            )
            text(rests_on_text(visit, quote), "hint")

    async def open(self) -> None:
        """Register a new customer first, then open the order with the workshop's hold.

        While the archive is away the details go with the order and follow later.
        """
        needed = ["plate", "words", "odometer_km", "operations"]
        if self.customer is None:
            self.details.set_visibility(True)
            needed += _CUSTOMER_FIELDS
        if not self.form.require(*needed):
            self.form.say(self.visit.t("Something is still missing; see the fields."))
            return
        order = await self.form.send(self._open)
        if order:
            self.visit.desk.answers.drop(self.visit.store.id)
            ui.navigate.to(f"{self.visit.store_path}/orders/{order['order_id']}")

    async def _open(self) -> dict[str, Any]:
        body = {
            **self._work(),
            **await self._whose(),
            "odometer_km": int(self.odometer.value),
            "words": self.words.value,
            "symptoms": self.symptoms.value,
            "waiting_customer": self.waits.value,
        }
        path = f"{self.visit.store_path}/orders/{self.order['order_id']}/opening"
        opened: dict[str, Any] = await self.visit.services.command(
            "reception", path, body, attempt=self.form.attempt
        )
        return opened

    async def _whose(self) -> dict[str, Any]:
        """The references of the customer and the vehicle, else the details themselves."""
        details = {"plate": self.plate.value} | {
            name: element.value for name, element in self.person.items()
        }
        try:
            known = self.customer or await self.visit.services.command(
                "crm", f"{self.visit.store_path}/customers", details, attempt=self.form.attempt
            )
        except AwayError:
            return {"customer": details}
        return {name: known[name] for name in ("customer_ref", "vehicle_ref")}
