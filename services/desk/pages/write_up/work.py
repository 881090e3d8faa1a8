"""Requested work (维修内容): the concern, the work that fixes it, its price and its promise."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import (
    box,
    button,
    test_id,
    text,
)
from services.desk.components.forms import Form, several
from services.desk.components.problems import error_text, unavailable_text
from services.desk.components.work_choice import WorkChoice, price_line
from services.desk.context import PageContext
from services.desk.promise import limiting_factor_text
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.reception.models import Quote, QuoteRequest
from shared.contracts.reception import PayType

_SUGGESTIONS = 5


class Concern:
    """The customer's concern and their symptom codes (故障描述)."""

    def __init__(self, ctx: PageContext, catalog: Catalog, form: Form) -> None:
        self._ctx = ctx
        self._catalog = catalog
        self._form = form

    def show(self, changed: Callable[[Sequence[str]], None]) -> None:
        """Show the fields; ``changed`` is called on each choice of symptoms."""
        t = self._ctx.t
        made = ui.textarea(t("Customer concern (verbatim)")).props("autogrow debounce=150")
        self.customer_concern = self._form.field("customer_concern", made)
        self.customer_concern.on_value_change(self._suggest)
        self._suggestions = box("chips suggestions")
        self.symptoms = self._form.field("symptoms", several(self._catalog.symptoms, t("Symptoms")))
        self.symptoms.on_value_change(lambda: changed(self.symptoms.value))

    def _suggest(self) -> None:
        self._suggestions.clear()
        with self._suggestions:
            for code in self._catalog.symptoms_in(self.customer_concern.value or "", _SUGGESTIONS):
                chip(self._catalog.symptom(code), partial(add, self.symptoms, code), "symptom")


class Work:
    """Chosen work, and its estimate beside it."""

    def __init__(self, ctx: PageContext, catalog: Catalog, form: Form, summary: ui.element) -> None:
        self._ctx = ctx
        self._catalog = catalog
        self._form = form
        self._summary = summary
        self._asked = 0

    def show(self) -> None:
        self._suggestions = box("chips suggestions")
        self.choice = WorkChoice(self._ctx.t, self._form, self._catalog, (), self.quote)

    def suggest(self, symptoms: Sequence[str]) -> None:
        """Offer the operations that commonly fix the symptoms."""
        self.choice.symptoms = symptoms
        self._suggestions.clear()
        with self._suggestions:
            for op_code in self._catalog.answering(symptoms, _SUGGESTIONS):
                name = self._catalog.operation(op_code)
                chip(name, partial(self.choice.operations.choose, [op_code]), "operation")

    async def quote(self) -> None:
        """Show price and promised time of the work, for the latest choice only."""
        self._asked += 1
        asked = self._asked
        if self.choice.is_empty:
            self._say(self._ctx.t("Choose the work to see its price."), "hint")
            return
        self._say(self._ctx.t("Calculating the promised time…"), "hint")
        try:
            quote = await self._ctx.services.reception.quote(
                self._ctx.store.id,
                QuoteRequest(
                    op_codes=self.choice.op_codes,
                    parts=self.choice.parts,
                    packages=self.choice.packages,
                    pay_types=self.choice.pay_types,
                ),
            )
        except ServiceUnavailableError as unavailable:
            quote, problem = None, unavailable_text(self._ctx.t, unavailable)
        except ApiError as error:
            quote, problem = None, error_text(self._ctx.t, error)
        if asked != self._asked:
            return
        if quote is None:
            self._say(problem, "form-message")
        else:
            await self._catalog.know_parts_of(quote.lines)
            self._show_promise(quote)

    def _say(self, sentence: str, classes: str) -> None:
        self._summary.clear()
        with self._summary:
            text(sentence, classes)

    def _show_promise(self, quote: Quote) -> None:
        t, ctx = self._ctx.t, self._ctx
        self._summary.clear()
        with self._summary:
            for line in quote.lines:
                price_line(self._catalog, line)
            shares = {
                each: sum(line.amount_cents for line in quote.lines if line.pay_type == each)
                for each in get_args(PayType)
            }
            for pay_type, cents in shares.items():
                if cents and cents != quote.estimate_cents:
                    with box("quote-line quote-share"):
                        text(t.code("pay", pay_type))
                        text(formats.money(cents), "number")
            with box("quote-total"):
                text(t("Estimate"))
                test_id("estimate", text(formats.money(quote.estimate_cents), "number"))
            text(t("Contains tax of {amount}", amount=formats.money(quote.tax_cents)), "hint")
            with box("promise-box"):
                text(t("Ready by"), "promise-label")
                zone = ctx.store.timezone
                when = formats.day_and_clock(quote.promised_at, zone, ctx.now())
                test_id("promised-at", text(when, "promise-time"))
                confidence = f"{quote.confidence:.0%}"
                text(t("On-time probability {confidence}", confidence=confidence), "hint")
                test_id("promise-reason", text(limiting_factor_text(ctx, quote), "hint"))


def chip(label: str, chosen: Callable[[], None], kind: str) -> ui.button:
    """Add a suggestion that one click takes."""
    return button(label, chosen, name=f"suggested-{kind}", kind="chip")


def add(choice: ui.select, code: str) -> None:
    """Add one more entry to a choice of several."""
    if code not in choice.value:
        choice.set_value([*choice.value, code])
