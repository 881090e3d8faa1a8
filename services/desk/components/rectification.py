"""Rectifications (整改): their state, and how their owner closes them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from services.desk.components.elements import badge, button, dialog
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext

_CLOSINGS = ("corrected", "unfounded")

Rectification = Mapping[str, Any]


def rectification_state(ctx: PageContext, rectification: Rectification) -> None:
    """Done, overdue, or on its way."""
    if rectification["closed_at"]:
        badge(ctx.t("Done"), "good")
    elif rectification["overdue_at"]:
        badge(ctx.t("Overdue"), "bad")
    else:
        badge(ctx.t("Being put right"), "warn")


def close_button(ctx: PageContext, rectification: Rectification) -> None:
    """Offer the owner, and a manager, to say how it was put right."""
    mine = rectification["owner_id"] == ctx.person.subject
    if not rectification["closed_at"] and (mine or ctx.person.has(("manager",))):
        button(
            ctx.t("Put right"),
            partial(_closing_dialog, ctx, rectification),
            name="close-rectification",
            kind="small",
        )


def _closing_dialog(ctx: PageContext, rectification: Rectification) -> None:
    t = ctx.t
    with dialog(t("Put right")) as opened:
        form = Form(ctx)
        results = choices(t, "closing", _CLOSINGS)
        result = form.field("result", ui.select(results, label=t("Result"), value="corrected"))
        note = form.field("note", ui.textarea(t("What was done")).props("autogrow"))

        async def send() -> None:
            if not form.require("note"):
                return
            body = {"result": result.value, "note": note.value}
            path = f"/rectifications/{rectification['rectification_id']}/closing"
            await submit(form, opened, "reporting", path, body)

        dialog_actions(form, opened, t("Save"), send)
