"""Answers to invitations (邀约反馈), on the page of a campaign and in the work list."""

from typing import get_args

from nicegui import ui

from services.desk.components.elements import badge, button, dialog, text
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext
from services.desk.i18n import Translator
from shared.clients.crm.models import (
    AnswerInvitationAnswer,
    AnswerInvitationRequest,
    InvitationView,
)

CAMPAIGN_TONES = {
    "draft": "calm",
    "scheduled": "warn",
    "running": "good",
    "ended": "quiet",
    "cancelled": "quiet",
}
_TONES = {"booked": "good", "came": "good", "declined": "bad", "no_answer": "quiet"}
_FINAL = ("came", "no_answer")


def answer_badge(t: Translator, invitation: InvitationView) -> None:
    """Show what a customer did, or why they are not invited."""
    if invitation.answer:
        badge(t.code("campaign_answer", invitation.answer), _TONES[invitation.answer])
    elif invitation.skip_cause:
        badge(t.code("skip_cause", invitation.skip_cause), "quiet")
    else:
        badge(t.code("invitation_state", invitation.state), "calm")


def answer_button(ctx: PageContext, invitation: InvitationView) -> None:
    """Add the button for the customer's answer, for those who may record it."""
    if (
        invitation.state == "invited"
        and invitation.answer not in _FINAL
        and ctx.may(ctx.services.crm.answer_invitation)
    ):
        button(
            ctx.t("Answer"),
            lambda: answer_dialog(ctx, invitation.invitation_id),
            name="answer-invitation",
            kind="small",
        )


async def answer_dialog(ctx: PageContext, invitation_id: str) -> None:
    """Ask what the customer said, beside the name and the period of the campaign."""
    t, crm, store_id = ctx.t, ctx.services.crm, ctx.store.id
    with dialog(t("Answer to the invitation")) as opened:
        said = text("", "hint")
        form = Form(ctx)
        answers = choices(t, "campaign_answer", get_args(AnswerInvitationAnswer))
        answer = form.field("answer", ui.select(answers, label=t("Answer"), value="booked"))

        async def command() -> InvitationView:
            body = AnswerInvitationRequest.model_validate({"answer": answer.value})
            return await crm.answer_invitation(
                store_id, invitation_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("answer"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)
    known = await form.send(lambda: crm.get_invitation(store_id, invitation_id))
    if known:
        said.set_text(f"{known.title} · {known.begins_on} – {known.ends_on}")
