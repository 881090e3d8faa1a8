"""What is to be done (维修内容): the fault, the work that answers it, its price and its promise."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.client import AwayError, RefusalError
from services.desk.components.elements import (
    box,
    button,
    cell,
    cell_box,
    mark,
    row,
    table,
    text,
)
from services.desk.components.forms import Form, several
from services.desk.components.problems import away_text, refusal_text
from services.desk.components.work_choice import PAY_TYPES, line_codes, work_body
from services.desk.promise import rests_on_text
from services.desk.visit import Visit

_SUGGESTIONS = 5

Quote = Mapping[str, Any]


class Fault:
    """The customer's own words and their symptom codes (故障描述)."""

    def __init__(self, visit: Visit, catalogue: Catalogue, form: Form) -> None:
        self._visit = visit
        self._catalogue = catalogue
        self._form = form

    def show(self, changed: Callable[[Sequence[str]], None]) -> None:
        """``changed`` hears of each choice of symptoms."""
        t = self._visit.t
        made = ui.textarea(t("In the customer's own words")).props("autogrow debounce=150")
        self.words = self._form.field("words", made)
        self.words.on_value_change(self._suggest)
        self._suggestions = box("chips suggestions")
        self.symptoms = self._form.field(
            "symptoms", several(self._catalogue.symptoms, t("Symptoms"))
        )
        self.symptoms.on_value_change(lambda: changed(self.symptoms.value))

    def _suggest(self) -> None:
        self._suggestions.clear()
        with self._suggestions:
            for code in self._catalogue.symptoms_in(self.words.value or "", _SUGGESTIONS):
                chip(self._catalogue.symptom(code), partial(add, self.symptoms, code), "symptom")


class Work:
    """Operations, parts and packages, who pays for which line, and the estimate of all that."""

    def __init__(self, visit: Visit, catalogue: Catalogue, form: Form, summary: ui.element) -> None:
        self._visit = visit
        self._catalogue = catalogue
        self._form = form
        self._summary = summary
        self._quantities: dict[str, int] = {}
        self._pay_types: dict[str, str] = {}
        self._asked = 0

    def show(self) -> None:
        t, catalogue = self._visit.t, self._catalogue
        self._suggestions = box("chips suggestions")
        self.operations = self._form.field(
            "operations", several(catalogue.operation_choices(()), t("Labor operations"))
        )
        self.operations.on_value_change(self._operations_changed)
        with box("fields"):
            self._packages = self._form.field(
                "packages", several(catalogue.package_choices(), t("Service packages"))
            )
            self._packages.on_value_change(self.quote)
            self._parts = self._form.field("parts", several(catalogue.part_choices(), t("Parts")))
            self._parts.on_value_change(self._parts_changed)
        self._lines = box("lines")

    @property
    def chosen(self) -> bool:
        return bool(self.operations.value or self._packages.value)

    def suggest(self, symptoms: Sequence[str]) -> None:
        """Offer the operations that commonly answer the symptoms."""
        self.operations.set_options(self._catalogue.operation_choices(symptoms))
        self._suggestions.clear()
        with self._suggestions:
            for operation_id in self._catalogue.answering(symptoms, _SUGGESTIONS):
                chip(
                    self._catalogue.operation(operation_id),
                    partial(add, self.operations, operation_id),
                    "operation",
                )

    def take_in(
        self, operations: Mapping[str, int], parts: Mapping[str, int], pay_type: str = "customer"
    ) -> None:
        """Add work that history, a recall or an appointment suggests."""
        self._pay_types |= dict.fromkeys((*operations, *parts), pay_type)
        self._quantities |= parts
        for operation_id in operations:
            add(self.operations, operation_id)
        for part_no in parts:
            add(self._parts, part_no)

    def body(self) -> dict[str, Any]:
        """What the service is told."""
        packages, operations = self._packages.value, self.operations.value
        parts = {part_no: self._quantities.get(part_no, 1) for part_no in self._parts.value}
        codes = line_codes(self._catalogue, packages, operations, parts)
        return work_body(codes, packages, operations, parts, self._pay_types)

    async def quote(self) -> None:
        """Show what the work costs and when it would be done, for the latest choice only."""
        self._asked += 1
        asked = self._asked
        if not self.chosen:
            self._say(self._visit.t("Choose the work to see its price."), "hint")
            self._lines.clear()
            return
        self._say(self._visit.t("Calculating the promise …"), "hint")
        try:
            answer = await self._visit.services.ask(
                "reception", f"{self._visit.store_path}/quotes", self.body()
            )
        except AwayError as away:
            answer, problem = None, away_text(self._visit.t, away)
        except RefusalError as refusal:
            answer, problem = None, refusal_text(self._visit.t, refusal)
        if asked != self._asked:
            return
        if answer is None:
            self._say(problem, "form-message")
        else:
            self._show_lines(answer)
            self._show_promise(answer)

    async def _operations_changed(self) -> None:
        """Typical parts of a newly chosen operation are taken in with it."""
        typical = self._catalogue.typical_parts(self.operations.value)
        new = {part_no: typical[part_no] for part_no in typical if part_no not in self._quantities}
        self._quantities |= new
        if new:
            self._parts.set_value([*self._parts.value, *new])
        else:
            await self.quote()

    async def _parts_changed(self) -> None:
        chosen = self._parts.value
        self._quantities = {part_no: self._quantities.get(part_no, 1) for part_no in chosen}
        await self.quote()

    def _show_lines(self, quote: Quote) -> None:
        t = self._visit.t
        headings = [t("Item"), t("Quantity"), t("Payer"), t("Amount")]
        self._lines.clear()
        with self._lines, table(headings, [t("Amount")]):
            for line in quote["lines"]:
                with row():
                    cell(self._catalogue.line(line["kind"], line["code"]))
                    self._quantity_cell(line)
                    with cell_box():
                        self._payer_choice(line)
                    cell(formats.money(line["amount_cents"]), "figure")

    def _quantity_cell(self, line: Mapping[str, Any]) -> None:
        if line["kind"] == "labor" or line["package_id"]:
            cell(formats.hours(line["standard_hours"]) if line["kind"] == "labor" else "")
            return

        async def change() -> None:
            self._quantities[line["code"]] = int(made.value or 1)
            await self.quote()

        with cell_box():
            made = ui.number(value=line["quantity"], min=1, max=100, precision=0)
            made.props("dense outlined").classes("amount-number").on("change", change)

    def _payer_choice(self, line: Mapping[str, Any]) -> None:
        async def change(event: Any) -> None:
            self._pay_types[line["code"]] = event.value
            await self.quote()

        payers = {each: self._visit.t.code("pay", each) for each in PAY_TYPES}
        made = ui.select(payers, value=line["pay_type"], on_change=change)
        mark(f"payer-{line['code']}", made.props("dense borderless").classes("payer"))

    def _say(self, sentence: str, classes: str) -> None:
        self._summary.clear()
        with self._summary:
            text(sentence, classes)

    def _show_promise(self, quote: Quote) -> None:
        t, visit = self._visit.t, self._visit
        self._summary.clear()
        with self._summary:
            shares = {
                each: sum(
                    line["amount_cents"] for line in quote["lines"] if line["pay_type"] == each
                )
                for each in PAY_TYPES
            }
            for pay_type, cents in shares.items():
                if cents and cents != quote["estimate_cents"]:
                    with box("quote-line"):
                        text(t.code("pay", pay_type))
                        text(formats.money(cents), "number")
            with box("quote-total"):
                text(t("Estimate"))
                mark("estimate", text(formats.money(quote["estimate_cents"]), "number"))
            text(t("Contains tax of {amount}", amount=formats.money(quote["tax_cents"])), "hint")
            with box("promise-box"):
                text(t("Ready by"), "promise-label")
                zone = visit.store.timezone
                when = formats.day_and_clock(quote["promised_at"], zone, visit.now())
                mark("promised-at", text(when, "promise-time"))
                confidence = f"{quote['confidence']:.0%}"
                text(t("Kept with {confidence} confidence", confidence=confidence), "hint")
                mark("promise-reason", text(rests_on_text(visit, quote), "hint"))


def chip(label: str, chosen: Callable[[], Any], kind: str) -> ui.button:
    """Something that is suggested and taken with one click."""
    return button(label, chosen, name=f"suggested-{kind}", kind="chip")


def add(choice: ui.select, code: str) -> None:
    """Choose one more of several."""
    if code not in choice.value:
        choice.set_value([*choice.value, code])
