"""Complaints and inquiries: how they look, and the forms that open them from any page."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk.components.elements import badge, button, dialog
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext
from services.desk.i18n import Translator
from shared.clients.crm.models import (
    ComplaintDetail,
    ComplaintStatus,
    ComplaintView,
    InquiryChannel,
    InquiryView,
    OpenComplaintRequest,
    PassInquiryOnRole,
    RecordInquiryRequest,
)
from shared.contracts.crm import ComplaintSeverity, ComplaintSource, InquirySubject

DEPARTMENTS = get_args(PassInquiryOnRole)

COMPLAINT_TONES: Mapping[ComplaintStatus, str] = {
    "open": "warn",
    "in_progress": "busy",
    "resolved": "good",
    "closed": "quiet",
}
_SEVERITY_TONES: Mapping[ComplaintSeverity, str] = {
    "minor": "calm",
    "major": "warn",
    "critical": "bad",
}


@dataclass(frozen=True)
class Concerned:
    """Whom and what a complaint or an inquiry concerns, as the page knows it.

    ``source`` is where it comes from, ``words`` what the customer has said there.
    """

    customer_ref: str
    order_id: str | None = None
    source: ComplaintSource = "phone"
    words: str = ""


def severity_badge(t: Translator, severity: ComplaintSeverity) -> None:
    """Show the severity class of a complaint (投诉等级)."""
    badge(t.code("severity", severity), _SEVERITY_TONES[severity])


def status_badges(t: Translator, complaint: ComplaintView | ComplaintDetail) -> None:
    """Show where a complaint stands, and who it has gone up to."""
    badge(t.code("complaint", complaint.status), COMPLAINT_TONES[complaint.status])
    if complaint.escalated_to and complaint.resolved_at is None:
        role = t.code("role", complaint.escalated_to)
        badge(t("Escalated: {role}", role=role), "bad")
    if complaint.compensation_pending:
        badge(t("Compensation awaits approval"), "warn")


def concern_buttons(ctx: PageContext, concerned: Concerned, kind: str = "plain") -> None:
    """Offer to open a complaint, or to record an inquiry, of this customer."""
    crm = ctx.services.crm
    if ctx.may(crm.open_complaint):
        button(
            ctx.t("Complaint …"),
            partial(complaint_dialog, ctx, concerned),
            name="open-complaint",
            kind=kind,
        )
    if ctx.may(crm.record_inquiry):
        button(
            ctx.t("Inquiry …"),
            partial(inquiry_dialog, ctx, concerned),
            name="record-inquiry",
            kind=kind,
        )


def complaint_dialog(ctx: PageContext, concerned: Concerned) -> None:
    """Open a complaint (投诉受理); what the page knows is filled in."""
    t = ctx.t
    with dialog(t("Open a complaint")) as opened:
        form = Form(ctx)
        sources = choices(t, "complaint_source", get_args(ComplaintSource))
        source = form.field("source", ui.select(sources, label=t("Source"), value=concerned.source))
        classes = choices(t, "severity", get_args(ComplaintSeverity))
        severity = form.field("severity", ui.select(classes, label=t("Severity"), value="minor"))
        said = ui.textarea(t("What the customer says"), value=concerned.words)
        words = form.field("words", said.props("autogrow"))

        def command() -> Awaitable[ComplaintView]:
            request = OpenComplaintRequest(
                customer_ref=concerned.customer_ref,
                order_id=concerned.order_id,
                source=source.value,
                severity=severity.value,
                words=words.value,
            )
            return ctx.services.crm.open_complaint(
                ctx.store.id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("words") and (complaint := await submit(form, opened, command)):
                ui.navigate.to(f"{ctx.store_path}/complaints/{complaint.complaint_id}")

        dialog_actions(form, opened, t("Open a complaint"), send)


def inquiry_dialog(ctx: PageContext, concerned: Concerned | None) -> None:
    """Record an inquiry (咨询登记), with its answer or the department that owes it."""
    t = ctx.t
    with dialog(t("Record an inquiry")) as opened:
        form = Form(ctx)
        subjects = choices(t, "inquiry_subject", get_args(InquirySubject))
        subject = form.field("subject", ui.select(subjects, label=t("Subject")))
        channels = choices(t, "channel", get_args(InquiryChannel))
        channel = form.field("channel", ui.select(channels, label=t("Channel"), value="phone"))
        words = form.field("words", ui.textarea(t("Question")).props("autogrow"))
        answer = form.field("answer", ui.textarea(t("Reply")).props("autogrow"))
        roles = choices(t, "role", DEPARTMENTS)
        role = form.field("role", ui.select(roles, label=t("Pass on to"), clearable=True))

        def command() -> Awaitable[InquiryView]:
            request = RecordInquiryRequest(
                customer_ref=concerned.customer_ref if concerned else None,
                order_id=concerned.order_id if concerned else None,
                subject=subject.value,
                channel=channel.value,
                words=words.value,
                answer=answer.value or None,
                role=role.value,
            )
            return ctx.services.crm.record_inquiry(
                ctx.store.id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if not form.require("subject", "words"):
                return
            if await submit(form, opened, command):
                ui.notify(t("Saved."), type="positive", position="top")

        dialog_actions(form, opened, t("Save"), send)
