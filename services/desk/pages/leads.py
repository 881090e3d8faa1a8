"""Leads for the sales department (销售线索): whom to contact, answers, and what came of them."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AnswerLeadRequest,
    LeadCountView,
    LeadStatus,
    LeadView,
    LeadWithContact,
)
from shared.contracts.crm import LeadAnswer, LeadReason
from shared.contracts.management import OfferedModel

PAGE = Page(
    path="/stores/{store_id}/leads",
    title="Sales leads",
    icon="sell",
    roles=roles_of(CrmApi.list_leads),
    requirements=("R47",),
)

_VIEWS: Mapping[LeadStatus, str] = {
    "open": "To answer",
    "accepted": "Accepted",
    "sold": "Sold",
    "lost": "Lost lead",
    "refused": "Refused",
    "withdrawn": "Withdrawn",
}
_NEXT: Mapping[LeadStatus, Sequence[LeadAnswer]] = {
    "open": ("accepted", "refused", "sold", "lost"),
    "accepted": ("sold", "lost"),
}
_WITH_REASON = ("refused", "lost")

Found = tuple[list[LeadWithContact], list[OfferedModel], list[LeadCountView]]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a status, the answers that are due first, and the numbers of the months."""
    asked = ctx.query.get("view")
    chosen: LeadStatus = next((view for view in _VIEWS if view == asked), "open")
    with box("tabs"):
        for view, title in _VIEWS.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(ctx.t(title), f"?view={view}", classes))

    async def fetch() -> Found:
        crm, store_id = ctx.services.crm, ctx.store.id
        return await asyncio.gather(
            crm.list_leads(store_id, status=[chosen]),
            ctx.shared("lead models", lambda: crm.list_models(store_id)),
            ctx.shared("lead counts", lambda: crm.count_leads(store_id)),
        )

    await live(ctx, fetch, partial(_render, ctx))


def _render(ctx: PageContext, found: Found, renderer: PartialRenderer) -> None:
    t, (leads, offered, counts) = ctx.t, found
    models = {each.model_code: t.of(each) for each in offered}
    if leads:
        headings = [
            t("Customer"),
            t("Kind"),
            t("Model of interest"),
            t("Handed over by"),
            t("Answer due"),
            t("Status"),
            "",
        ]
        with renderer.frame("table", table, headings):
            for each in leads:
                shown = partial(_row, ctx)
                renderer.section(each.lead_id, shown, each, models.get(each.model_code))
    else:
        renderer.section("none", empty, t("No leads here."))
    renderer.section("counts", partial(_counts, ctx), counts)


def _row(ctx: PageContext, lead: LeadWithContact, model: str | None) -> None:
    t = ctx.t
    with test_id("lead", row()):
        with cell_box():
            text(lead.name or formats.NOTHING)
            if lead.phone:
                text(formats.phone(t, lead.phone), "hint")
            if lead.note:
                text(lead.note, "hint")
        cell(t.code("lead_kind", lead.lead_kind))
        cell(model or lead.model_code)
        cell(ctx.colleague(lead.handed_over_by))
        cell(formats.day_and_clock(lead.answer_due_at, ctx.store.timezone, ctx.now()), "number")
        with cell_box():
            badge(t.code("lead_status", lead.status), "bad" if lead.is_overdue else "calm")
            if lead.is_overdue:
                badge(t("Overdue"), "bad")
            if lead.reason:
                text(t.code("lead_reason", lead.reason), "hint")
        with cell_box("cell-actions"):
            if lead.status in _NEXT and ctx.may(ctx.services.crm.answer_lead):
                button(
                    t("Answer"),
                    partial(_answer_dialog, ctx, lead),
                    name="answer-lead",
                    kind="small",
                )


def _answer_dialog(ctx: PageContext, lead: LeadWithContact) -> None:
    t = ctx.t
    possible = [each for each in get_args(LeadAnswer) if each in _NEXT[lead.status]]
    with dialog(t("Answer the lead")) as opened:
        form = Form(ctx)
        answers = choices(t, "lead_status", possible)
        answer = form.field("answer", ui.select(answers, label=t("Answer"), value=possible[0]))
        reasons = choices(t, "lead_reason", get_args(LeadReason))
        reason = form.field("reason", ui.select(reasons, label=t("Reason"), clearable=True))
        reason.bind_visibility_from(answer, "value", lambda value: value in _WITH_REASON)

        def command() -> Awaitable[LeadView]:
            request = AnswerLeadRequest(
                answer=answer.value,
                reason=reason.value if answer.value in _WITH_REASON else None,
            )
            return ctx.services.crm.answer_lead(
                ctx.store.id, lead.lead_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("answer"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _counts(ctx: PageContext, counts: Sequence[LeadCountView]) -> None:
    t = ctx.t
    if not counts:
        return
    figures = (
        t("Handed over"),
        t("Accepted"),
        t("Refused"),
        t("Sold"),
        t("Lost lead"),
        t("Answered late"),
    )
    with (
        panel(t("Leads by month"), name="lead-counts"),
        table([t("Month"), t("Kind"), *figures], figures),
    ):
        for each in reversed(counts):
            with row():
                cell(each.month, "number")
                cell(t.code("lead_kind", each.lead_kind))
                for number in (
                    each.handed_over,
                    each.accepted,
                    each.refused,
                    each.sold,
                    each.lost,
                    each.overdue,
                ):
                    cell(str(number), "figure")
