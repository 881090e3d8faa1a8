"""Call tasks (电话任务): messages to customers that no other channel could deliver."""

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from functools import partial

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
    facts,
    link,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import CallTask, CallTaskResponse, CompleteCallTaskRequest

PAGE = Page(
    path="/stores/{store_id}/call-tasks",
    title="Call tasks",
    icon="record_voice_over",
    roles=roles_of(CrmApi.list_call_tasks),
    requirements=("R9",),
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show every task of the store, the oldest first."""

    async def fetch() -> list[CallTask]:
        return await ctx.shared(
            "call tasks", lambda: ctx.services.crm.list_call_tasks(ctx.store.id)
        )

    def render(tasks: list[CallTask], renderer: PartialRenderer) -> None:
        if not tasks:
            renderer.section("none", empty, ctx.t("No calls are due."))
            return
        with renderer.frame("table", _table, ctx.t):
            for task in tasks:
                renderer.section(task.message_id, partial(_row, ctx), task)

    await live(ctx, fetch, render)


def _table(t: Translator) -> AbstractContextManager[None]:
    return table([t("Customer"), t("Message type"), t("Since"), t("Agent"), t("Reason"), ""])


def _row(ctx: PageContext, task: CallTask) -> None:
    t = ctx.t
    with test_id("call-task", row()):
        with cell_box():
            address = f"{ctx.store_path}/customers/{task.customer_ref}"
            link(task.name, address, "text-link")
        with cell_box():
            badge(t.code("message_type", task.message_type), "busy")
            if task.calls:
                badge(t("Not reached: {count}", count=task.calls), "warn")
        cell(formats.day_and_clock(task.since, ctx.store.timezone, ctx.now()), "number")
        cell(ctx.colleague(task.agent_id))
        cell(t.code("call_reason", task.reason))
        with cell_box("cell-actions"):
            button(t("Notify"), partial(_dialog, ctx, task), name="tell", kind="small")
            if task.order_id:
                link(t("Order"), f"{ctx.store_path}/orders/{task.order_id}", "text-link")


def _dialog(ctx: PageContext, task: CallTask) -> None:
    t = ctx.t
    with dialog(t("Call {name}", name=task.name)) as opened:
        with box("found"):
            facts([(t("Phone"), formats.phone(t, task.phone))])
            text(task.text)
        form = Form(ctx)
        reached = form.field(
            "reached",
            ui.select({True: t("Reached"), False: t("Not reached")}, label=t("Result"), value=True),
        )

        def complete() -> Awaitable[CallTaskResponse]:
            return ctx.services.crm.complete_call_task(
                ctx.store.id,
                task.message_id,
                CompleteCallTaskRequest(reached=reached.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            await submit(form, opened, complete)

        dialog_actions(form, opened, t("Save"), send)
