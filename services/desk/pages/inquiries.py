"""Inquiries (咨询) of the store, and their numbers by subject."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Literal

from nicegui import ui

from services.desk import formats
from services.desk.components.complaint import DEPARTMENTS, inquiry_dialog
from services.desk.components.deadline import deadline
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
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AnswerInquiryRequest,
    InquiryDetail,
    InquiryPage,
    InquiryView,
    PassInquiryOnRequest,
    SubjectSummary,
)

PAGE = Page(
    path="/stores/{store_id}/inquiries",
    title="Inquiries",
    icon="contact_support",
    roles=roles_of(CrmApi.list_inquiries),
    requirements=("R22",),
)

_Status = Literal["open", "answered"]
_TITLES: Mapping[_Status, str] = {"open": "Open", "answered": "Answered"}
_SUMMARY_DAYS = 30

_Listed = tuple[InquiryPage, Names, Sequence[SubjectSummary]]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show open or answered ones, and the numbers of the last 30 days beside them."""
    t, after = ctx.t, ctx.query.get("after")
    chosen: _Status = "answered" if ctx.query.get("view") == "answered" else "open"
    with box("tabs"):
        for view, title in _TITLES.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(t(title), f"?view={view}", classes))
        box("spacer")
        button(
            t("Inquiry …"), partial(inquiry_dialog, ctx, None), name="record-inquiry", kind="main"
        )

    async def fetch() -> _Listed:
        crm, today = ctx.services.crm, ctx.today()
        page = await crm.list_inquiries(ctx.store.id, status=[chosen], after=after)
        summary = await crm.summarize_inquiries(
            ctx.store.id, first_day=today - timedelta(days=_SUMMARY_DAYS), last_day=today
        )
        return page, await ctx.names(each.customer_ref for each in page.inquiries), summary

    def render(listed: _Listed, renderer: PartialRenderer) -> None:
        page, names, summary = listed
        if summary:
            renderer.section("summary", partial(_summary, ctx), summary)
        if not page.inquiries:
            renderer.section("none", empty, t("No inquiries here."))
            return
        headings = [t("Subject"), t("Customer"), t("Question"), t("Due"), t("Department"), ""]
        with renderer.frame("table", table, headings):
            for each in page.inquiries:
                shown = partial(_row, ctx, renderer.every_second)
                renderer.section(each.inquiry_id, shown, each, names.of(each.customer_ref).name)
        if page.next_after:
            address = f"?view={chosen}&after={page.next_after}"
            renderer.section("more", link, t("Next page"), address, "text-link")

    await live(ctx, fetch, render)


def _summary(ctx: PageContext, summary: Sequence[SubjectSummary]) -> None:
    t = ctx.t
    numbers = [t("Inquiries"), t("Answered"), t("Late"), t("Mean time to the answer")]
    title = t("Last {days} days by subject", days=_SUMMARY_DAYS)
    with panel(title), table([t("Subject"), *numbers], numbers):
        for each in summary:
            with test_id(f"subject-{each.subject}", row()):
                cell(t.code("inquiry_subject", each.subject))
                cell(str(each.inquiries), "figure")
                cell(str(each.answered), "figure")
                cell(str(each.late), "figure")
                taken = each.answer_s
                cell(formats.NOTHING if taken is None else formats.duration(t, taken), "figure")


def _row(
    ctx: PageContext, every_second: EverySecond, inquiry: InquiryDetail, name: str | None
) -> None:
    t = ctx.t
    with test_id("inquiry", row()):
        with cell_box():
            badge(t.code("inquiry_subject", inquiry.subject), "quiet")
        with cell_box():
            if inquiry.customer_ref:
                address = f"{ctx.store_path}/customers/{inquiry.customer_ref}"
                link(name or formats.NOTHING, address, "text-link")
            else:
                text(t("Not a customer yet"), "hint")
        with cell_box():
            text(inquiry.question or formats.NOTHING)
            if inquiry.answer:
                text(inquiry.answer, "hint")
        with cell_box():
            if inquiry.answered_at is None:
                deadline(ctx, every_second, inquiry.due_at)
            else:
                at = formats.day_and_clock(inquiry.answered_at, ctx.store.timezone, ctx.now())
                badge(at, "good")
        cell(t.code("role", inquiry.role))
        with cell_box("cell-actions"):
            if inquiry.answered_at is None:
                answer = partial(_answer_dialog, ctx, inquiry)
                button(t("Reply"), answer, name="answer-inquiry", kind="small")
                pass_on = partial(_department_dialog, ctx, inquiry)
                button(t("Pass on …"), pass_on, name="pass-inquiry-on", kind="small")
            if inquiry.order_id:
                link(t("Order"), f"{ctx.store_path}/orders/{inquiry.order_id}", "text-link")


def _answer_dialog(ctx: PageContext, inquiry: InquiryDetail) -> None:
    t = ctx.t
    with dialog(t("Reply")) as opened:
        text(inquiry.question or formats.NOTHING, "hint")
        form = Form(ctx)
        words = form.field("words", ui.textarea(t("Reply")).props("autogrow"))

        def command() -> Awaitable[InquiryView]:
            return ctx.services.crm.answer_inquiry(
                ctx.store.id,
                inquiry.inquiry_id,
                AnswerInquiryRequest(words=words.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("words"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _department_dialog(ctx: PageContext, inquiry: InquiryDetail) -> None:
    t = ctx.t
    with dialog(t("Pass on …")) as opened:
        form = Form(ctx)
        roles = choices(t, "role", DEPARTMENTS)
        role = form.field("role", ui.select(roles, label=t("Department")))

        def command() -> Awaitable[InquiryView]:
            return ctx.services.crm.pass_inquiry_on(
                ctx.store.id,
                inquiry.inquiry_id,
                PassInquiryOnRequest(role=role.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("role"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)
