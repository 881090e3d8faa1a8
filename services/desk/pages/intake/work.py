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
    mark,
    text,
)
from services.desk.components.forms import Form, several
from services.desk.components.problems import away_text, refusal_text
from services.desk.components.work_choice import PAY_TYPES, WorkChoice, price_line
from services.desk.promise import limiting_factor_text
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
    """What is to be done, and the estimate of all that beside it."""

    def __init__(self, visit: Visit, catalogue: Catalogue, form: Form, summary: ui.element) -> None:
        self._visit = visit
        self._catalogue = catalogue
        self._form = form
        self._summary = summary
        self._asked = 0

    def show(self) -> None:
        self._suggestions = box("chips suggestions")
        self.choice = WorkChoice(self._visit.t, self._form, self._catalogue, (), self.quote)

    def suggest(self, symptoms: Sequence[str]) -> None:
        """Offer the operations that commonly answer the symptoms."""
        operations = self.choice.operations
        operations.set_options(self._catalogue.operation_choices(symptoms))
        self._suggestions.clear()
        with self._suggestions:
            for operation_id in self._catalogue.answering(symptoms, _SUGGESTIONS):
                name = self._catalogue.operation(operation_id)
                chip(name, partial(add, operations, operation_id), "operation")

    async def quote(self) -> None:
        """Show what the work costs and when it would be done, for the latest choice only."""
        self._asked += 1
        asked = self._asked
        if self.choice.is_empty:
            self._say(self._visit.t("Choose the work to see its price."), "hint")
            return
        self._say(self._visit.t("Calculating the promise …"), "hint")
        try:
            answer = await self._visit.services.ask(
                "reception", f"{self._visit.store_path}/quotes", self.choice.body
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
            self._show_promise(answer)

    def _say(self, sentence: str, classes: str) -> None:
        self._summary.clear()
        with self._summary:
            text(sentence, classes)

    def _show_promise(self, quote: Quote) -> None:
        t, visit = self._visit.t, self._visit
        self._summary.clear()
        with self._summary:
            for line in quote["lines"]:
                price_line(self._catalogue, line)
            shares = {
                each: sum(
                    line["amount_cents"] for line in quote["lines"] if line["pay_type"] == each
                )
                for each in PAY_TYPES
            }
            for pay_type, cents in shares.items():
                if cents and cents != quote["estimate_cents"]:
                    with box("quote-line quote-share"):
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
                mark("promise-reason", text(limiting_factor_text(visit, quote), "hint"))


def chip(label: str, chosen: Callable[[], Any], kind: str) -> ui.button:
    """Something that is suggested and taken with one click."""
    return button(label, chosen, name=f"suggested-{kind}", kind="chip")


def add(choice: ui.select, code: str) -> None:
    """Choose one more of several."""
    if code not in choice.value:
        choice.set_value([*choice.value, code])
