"""Issue of vouchers, service cards and gifts (发券), from a customer or the list."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, get_args

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import button, dialog, text
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext
from shared.clients.reception.models import IssueVoucherRequest, VoucherView
from shared.contracts.reception import VoucherKind

NEEDED: Mapping[str, Sequence[str]] = {
    "voucher": ("value_cents",),
    "gift": ("value_cents", "item_code"),
    "service_card": ("op_code",),
}
"""Fields of each kind of voucher."""


def issue_button(
    ctx: PageContext, customer_ref: str | None = None, vehicle_ref: str | None = None
) -> None:
    """Add the button that opens the dialog, for those who may issue.

    The voucher is for the customer, or the vehicle, that is named.
    """
    if ctx.may(ctx.services.reception.issue_voucher):
        button(
            ctx.t("Issue voucher…"),
            lambda: _issue_dialog(ctx, customer_ref, vehicle_ref),
            name="issue-voucher",
        )


class _VoucherFields:
    """What is issued, until when, and from which campaign."""

    def __init__(self, form: Form, catalog: Catalog) -> None:
        t = form.ctx.t
        self._zone = form.ctx.store.timezone
        kinds = choices(t, "voucher", get_args(VoucherKind))
        self.kind = form.field("kind", ui.select(kinds, label=t("Kind"), value="voucher"))
        value = ui.number(t("Value or cost"), min=0, prefix="¥", format="%.2f")
        operations = {each: catalog.operation(each) for each in catalog.operations}
        operation = ui.select(operations, label=t("Labor operation"), with_input=True)
        item = ui.input(t("Item number of the gift"))
        self._fields: dict[str, ValidationElement[Any]] = {
            "value_cents": value,
            "op_code": operation,
            "item_code": item,
        }
        for name, made in self._fields.items():
            form.field(name, made)
            kinds_with = [each for each, needed in NEEDED.items() if name in needed]
            made.bind_visibility_from(self.kind, "value", kinds_with.__contains__)
        expires = ui.input(t("Valid until")).props("type=date stack-label")
        self._expires = form.field("expires_at", expires)
        campaign = ui.select({}, label=t("Campaign"), clearable=True)
        self.campaign = form.field("campaign_id", campaign)

    def values(self) -> dict[str, Any]:
        chosen = {name: self._fields[name].value for name in NEEDED[self.kind.value]}
        if "value_cents" in chosen:
            chosen["value_cents"] = formats.cents(chosen["value_cents"])
        if self._expires.value:
            day = date.fromisoformat(self._expires.value)
            chosen["expires_at"] = datetime.combine(day, time.max, self._zone)
        return {**chosen, "kind": self.kind.value, "campaign_id": self.campaign.value}


async def _issue_dialog(
    ctx: PageContext, customer_ref: str | None, vehicle_ref: str | None
) -> None:
    t, crm, store_id = ctx.t, ctx.services.crm, ctx.store.id
    catalog = await ctx.catalog()
    with dialog(t("Issue voucher")) as opened:
        form = Form(ctx)
        fields = _VoucherFields(form, catalog)

        async def command() -> VoucherView:
            body = IssueVoucherRequest.model_validate(
                {**fields.values(), "customer_ref": customer_ref, "vehicle_ref": vehicle_ref}
            )
            return await ctx.services.reception.issue_voucher(
                store_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if not form.require(*NEEDED[fields.kind.value]):
                return
            if issued := await submit(form, opened, command):
                words = t("Issued: {number}", number=issued.voucher_id)
                ui.notify(words, type="positive", position="top")

        if vehicle_ref:
            text(t("Only this vehicle may redeem it."), "hint")
        elif customer_ref is None:
            text(t("Without a customer, anyone may redeem it."), "hint")
        dialog_actions(form, opened, t("Issue"), send)
    running = await form.send(lambda: crm.list_campaigns(store_id, status=["scheduled", "running"]))
    fields.campaign.set_options({each.campaign_id: each.title for each in running or []})
