"""Phone tasks (电话任务): what customers are to be told and no other channel could tell them."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.drawing import Drawing
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
    mark,
    row,
    table,
    text,
)
from services.desk.components.forms import Form, dialog_actions, submit
from services.desk.components.live import live
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.visit import Visit

PAGE = Page(
    path="/stores/{store_id}/phone-tasks",
    title="Phone tasks",
    icon="record_voice_over",
    roles=frozenset({"agent", "manager"}),
    duties=("R9",),
)

Task = Mapping[str, Any]


@PAGE.shows
async def show(visit: Visit) -> None:
    """Every task of the store, the oldest first."""

    async def fetch() -> list[Task]:
        found: list[Task] = await visit.shared(
            "phone tasks",
            lambda: visit.services.get("crm", f"{visit.store_path}/phone-tasks"),
        )
        return found

    def render(tasks: list[Task], drawing: Drawing) -> None:
        if not tasks:
            drawing.part("none", empty, visit.t("Nobody has to be called."))
            return
        with drawing.frame("table", _table, visit.t):
            for task in tasks:
                drawing.part(task["message_id"], partial(_row, visit), task)

    await live(visit, fetch, render)


def _table(t: Words) -> AbstractContextManager[None]:
    return table([t("Customer"), t("Subject"), t("Since"), t("Agent"), t("Reason"), ""])


def _row(visit: Visit, task: Task) -> None:
    t = visit.t
    with mark("phone-task", row()):
        with cell_box():
            address = f"{visit.store_path}/customers/{task['customer_ref']}"
            link(task["name"], address, "text-link")
        with cell_box():
            badge(t.code("subject", task["subject"]), "busy")
            if task["calls"]:
                badge(t("Not reached: {count}", count=task["calls"]), "warn")
        cell(formats.day_and_clock(task["since"], visit.store.timezone, visit.now()), "number")
        cell(visit.colleague(task["agent_id"]))
        cell(t.code("call_reason", task["reason"]))
        with cell_box("cell-actions"):
            button(t("Tell"), partial(_dialog, visit, task), name="tell", kind="small")
            if task["order_id"]:
                link(t("Order"), f"{visit.store_path}/orders/{task['order_id']}", "text-link")


def _dialog(visit: Visit, task: Task) -> None:
    t = visit.t
    with dialog(t("Call {name}", name=task["name"])) as opened:
        with box("found"):
            facts([(t("Phone"), formats.phone(t, task["phone"]))])
            text(task["text"])
        form = Form(visit)
        reached = form.field(
            "reached",
            ui.select({True: t("Reached"), False: t("Not reached")}, label=t("Result"), value=True),
        )

        async def send() -> None:
            path = f"/phone-tasks/{task['message_id']}/completion"
            await submit(form, opened, "crm", path, {"reached": reached.value})

        dialog_actions(form, opened, t("Save"), send)
