"""What is asked of the person's department: tasks for complaints, and inquiries to answer."""

from collections.abc import Awaitable
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.components.deadline import deadline
from services.desk.components.elements import (
    badge,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    link,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AnswerInquiryRequest,
    ComplaintTaskView,
    CompleteComplaintTaskRequest,
    DepartmentRequest,
    EscalateComplaintTaskRequest,
    InquiryView,
)


async def _requests(ctx: PageContext) -> list[DepartmentRequest]:
    return await ctx.shared(
        "department requests",
        lambda: ctx.services.crm.list_department_requests(ctx.store.id),
    )


async def _waiting(ctx: PageContext) -> int:
    return len(await _requests(ctx))


PAGE = Page(
    path="/stores/{store_id}/department-requests",
    title="Asked of my department",
    icon="assignment_late",
    roles=roles_of(CrmApi.list_department_requests),
    requirements=("R22", "R23"),
    waiting=_waiting,
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show each request with its deadline; it can be answered or escalated, not refused."""
    t = ctx.t

    def render(found: list[DepartmentRequest], renderer: PartialRenderer) -> None:
        if not found:
            renderer.section("none", empty, t("Nothing is asked of your department."))
            return
        headings = [t("Request"), t("Department"), t("Asked by"), t("Due"), t("What is asked"), ""]
        with renderer.frame("table", table, headings):
            for each in found:
                shown = partial(_row, ctx, renderer.every_second)
                renderer.section(each.request_id, shown, each)

    await live(ctx, partial(_requests, ctx), render)


def _row(ctx: PageContext, every_second: EverySecond, request: DepartmentRequest) -> None:
    t = ctx.t
    with test_id("department-request", row()):
        with cell_box():
            badge(t.code("department_request", request.kind), "quiet")
            if request.escalated_to:
                role = t.code("role", request.escalated_to)
                badge(t("Escalated: {role}", role=role), "bad")
        cell(t.code("role", request.role))
        cell(ctx.colleague(request.asked_by))
        with cell_box():
            deadline(ctx, every_second, request.due_at)
        cell(request.words or formats.NOTHING)
        with cell_box("cell-actions"):
            answer = partial(_answer_dialog, ctx, request)
            button(t("Reply"), answer, name="answer-request", kind="small")
            if request.kind == "complaint_task" and request.escalated_to is None:
                escalate = partial(_escalation_dialog, ctx, request)
                button(t("Escalate …"), escalate, name="escalate-request", kind="small")
            if request.complaint_id and ctx.may(ctx.services.crm.get_complaint):
                address = f"{ctx.store_path}/complaints/{request.complaint_id}"
                link(t("Complaint"), address, "text-link")
            if request.order_id:
                link(t("Order"), f"{ctx.store_path}/orders/{request.order_id}", "text-link")


def _answer_dialog(ctx: PageContext, request: DepartmentRequest) -> None:
    t, crm, store_id = ctx.t, ctx.services.crm, ctx.store.id
    with dialog(t("Reply")) as opened:
        text(request.words or formats.NOTHING, "hint")
        form = Form(ctx)
        words = form.field("words", ui.textarea(t("Result")).props("autogrow"))

        def command() -> Awaitable[ComplaintTaskView | InquiryView]:
            if request.kind == "inquiry":
                return crm.answer_inquiry(
                    store_id,
                    request.request_id,
                    AnswerInquiryRequest(words=words.value),
                    idempotency_key=form.attempt,
                )
            return crm.complete_complaint_task(
                store_id,
                request.request_id,
                CompleteComplaintTaskRequest(words=words.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("words"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _escalation_dialog(ctx: PageContext, request: DepartmentRequest) -> None:
    """Hand up a task that the department cannot do; it stays due."""
    t = ctx.t
    with dialog(t("Escalate to the store manager")) as opened:
        form = Form(ctx)
        reason = form.field("reason", ui.textarea(t("Reason")).props("autogrow"))

        def command() -> Awaitable[ComplaintTaskView]:
            return ctx.services.crm.escalate_complaint_task(
                ctx.store.id,
                request.request_id,
                EscalateComplaintTaskRequest(reason=reason.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("reason"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Escalate …"), send)
