"""Handing a lead over to the sales department (移交销售线索), from a customer or an order."""

from collections.abc import Awaitable
from typing import get_args

from nicegui import ui

from services.desk.components.elements import button, dialog, test_id, text
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext
from shared.clients.crm.models import HandOverLeadRequest, LeadView
from shared.contracts.crm import LeadKind


def lead_button(ctx: PageContext, customer_ref: str, order_id: str | None = None) -> None:
    """Add the button that opens the dialog, for those who may hand leads over."""
    if ctx.may(ctx.services.crm.hand_over_lead):
        button(
            ctx.t("Lead to sales"),
            lambda: lead_dialog(ctx, customer_ref, order_id),
            name="hand-over-lead",
        )


async def lead_dialog(ctx: PageContext, customer_ref: str, order_id: str | None) -> None:
    """Ask what the customer is interested in, and whether the sales department may call."""
    t, crm, store_id = ctx.t, ctx.services.crm, ctx.store.id
    with dialog(t("Lead to sales")) as opened:
        form = Form(ctx)
        kinds = choices(t, "lead_kind", get_args(LeadKind))
        kind = form.field("lead_kind", ui.select(kinds, label=t("Kind"), value="replacement"))
        model = form.field("model_code", ui.select({}, label=t("Model of interest")))
        note = form.field("note", ui.textarea(t("Remark")).props("autogrow"))
        consent = test_id(
            "consent", ui.checkbox(t("The customer agrees that the sales department calls"))
        )
        said = text("", "hint")

        def command() -> Awaitable[LeadView]:
            request = HandOverLeadRequest(
                lead_kind=kind.value,
                model_code=model.value,
                order_id=order_id,
                consent_given=consent.value,
                note=note.value or None,
            )
            return crm.hand_over_lead(store_id, customer_ref, request, idempotency_key=form.attempt)

        async def send() -> None:
            if form.require("lead_kind", "model_code"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Hand over"), send)
    models = await form.send(lambda: crm.list_models(store_id)) or []
    model.set_options({each.model_code: t.of(each) for each in models})
    said_before = await form.send(lambda: crm.list_consents(store_id, customer_ref)) or []
    if any(each.is_given for each in said_before if each.purpose == "sales_contact"):
        said.set_text(t("The customer has already agreed."))
        consent.set_visibility(False)
