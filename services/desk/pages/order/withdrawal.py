"""Work that the customer does not want any more (撤项), or wants to be stopped (中止施工)."""

from collections.abc import Sequence
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import box, button, dialog, test_id, text
from services.desk.components.forms import Form, choices, dialog_actions, several
from services.desk.components.problems import error_text
from services.desk.components.work_choice import price_line
from services.desk.pages.order.data import OrderPage
from shared.clients.reception.models import (
    UnwantedWork,
    WithdrawalPreview,
    WithdrawWorkRequest,
)
from shared.contracts.reception import EstimateLine, ReportedChannel, WithdrawalReason

_BEGUN = ("in_progress", "paused")
_UNFINISHED = ("planned", *_BEGUN)
_CHANGED = "amount_changed"
"""Rule that refuses a sum which is no longer the present one."""


class Withdrawal:
    """Dialog to withdraw work: the withdrawn work on the left; the remaining work and its cost on
    the right.

    Begun work is invoiced by the time clocked on it, so the amount is asked from the services and
    sent back as the amount that the customer has agreed to.
    """

    def __init__(self, page: OrderPage) -> None:
        self._page = page
        self._ctx = page.ctx
        self._asked = 0
        self._remaining: int | None = None
        states = {job.op_code: job.status for job in page.data.jobs}
        self._unfinished = [code for code, state in states.items() if state in _UNFINISHED]
        self._begun = {code for code, state in states.items() if state in _BEGUN}
        parts = (line for line in page.data.order.lines if line.kind == "part")
        self._parts = [line.code for line in parts]

    async def open(self) -> None:
        t, page = self._ctx.t, self._page
        with dialog(t("Withdraw or stop work"), wide=True) as opened:
            self._form = form = Form(self._ctx, page.data.version)
            with box("editor"):
                with box("editor-input"):
                    self._fields()
                with box("editor-side"):
                    self._quote = box("summary")
            text(t("Started work is invoiced by clocked time, in tenths of an hour."), "hint")

            async def send() -> None:
                remaining, withdraw = self._remaining, self._ctx.services.reception.withdraw_work
                if not form.require("reason") or remaining is None:
                    return
                await page.submit(form, opened, withdraw, lambda: self._request(remaining))
                if form.error and form.error.rule == _CHANGED:
                    said = error_text(t, form.error)
                    await self._price()
                    form.say(said)

            dialog_actions(form, opened, t("The customer agrees"), send)
        await self._price()

    def _fields(self) -> None:
        t, form, catalog = self._ctx.t, self._form, self._page.catalog
        operations = {code: catalog.operation(code) for code in self._unfinished}
        self._operations = form.field("op_codes", several(operations, t("Operations to withdraw")))
        self._operations.on_value_change(self._choose)
        button(
            t("All unfinished work"),
            lambda: self._operations.set_value(list(operations)),
            name="stop-all",
            kind="small",
        )
        parts = {code: catalog.parts.name(code) for code in self._parts}
        self._not_fitted = form.field("parts", several(parts, t("Parts not fitted")))
        self._not_fitted.on_value_change(self._price)
        self._reason = form.field(
            "reason",
            ui.select(choices(t, "withdrawal", get_args(WithdrawalReason)), label=t("Reason")),
        )
        self._channel = form.field(
            "channel",
            ui.select(
                choices(t, "authorization_channel", get_args(ReportedChannel)),
                label=t("Agreed"),
                value="in_person",
            ),
        )

    def _request(self, remaining: int) -> WithdrawWorkRequest:
        return WithdrawWorkRequest(
            op_codes=self._operations.value,
            parts=self._not_fitted.value,
            version=self._form.version,
            reason=self._reason.value,
            channel=self._channel.value,
            agreed_cents=remaining,
        )

    async def _choose(self) -> None:
        """Mark the parts of operations that were not begun as not fitted."""
        known = self._page.catalog.operations
        typical = {
            part
            for code in self._operations.value
            if code not in self._begun
            for part in known[code].parts
        }
        chosen = [code for code in self._parts if code in typical]
        if set(chosen) <= set(self._not_fitted.value):
            await self._price()
        else:
            self._not_fitted.set_value([*{*self._not_fitted.value, *chosen}])

    async def _price(self) -> None:
        """Show the remaining work; only the response to the latest choice counts."""
        self._asked += 1
        asked, self._remaining = self._asked, None
        unwanted = UnwantedWork(op_codes=self._operations.value, parts=self._not_fitted.value)
        self._quote.clear()
        if not (unwanted.op_codes or unwanted.parts):
            with self._quote:
                text(self._ctx.t("Choose the work that the customer no longer wants."), "hint")
            return
        reception = self._ctx.services.reception
        preview = await self._form.send(
            lambda: reception.preview_withdrawal(*self._page.ids, unwanted)
        )
        if preview and asked == self._asked:
            self._remaining = preview.estimate_cents
            with self._quote:
                self._show(preview)

    def _show(self, preview: WithdrawalPreview) -> None:
        t = self._ctx.t
        self._lines(t("Kept and invoiced"), preview.lines)
        self._lines(t("Declined, to be offered again"), preview.declined)
        with box("quote-total"):
            text(t("The customer pays"))
            test_id("remaining-total", text(formats.money(preview.payable_cents), "number"))

    def _lines(self, title: str, lines: Sequence[EstimateLine]) -> None:
        text(title, "section-title")
        for line in lines:
            price_line(self._page.catalog, line)
