"""Corrective actions (整改): their state, and closing by their owner."""

from collections.abc import Awaitable
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk.components.elements import badge, button, dialog
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext
from shared.clients.reporting.models import (
    CloseCorrectiveActionRequest,
    CorrectiveActionResult,
    CorrectiveActionView,
    CorrectiveActionWithNote,
)

CorrectiveAction = CorrectiveActionView | CorrectiveActionWithNote


def corrective_action_state(ctx: PageContext, corrective_action: CorrectiveAction) -> None:
    """Show the state: done, overdue, or in progress."""
    if corrective_action.closed_at:
        badge(ctx.t("Done"), "good")
    elif corrective_action.overdue_at:
        badge(ctx.t("Overdue"), "bad")
    else:
        badge(ctx.t("Action in progress"), "warn")


def close_button(ctx: PageContext, corrective_action: CorrectiveAction) -> None:
    """Offer to describe the correction, to those who may close it."""
    is_owner = corrective_action.owner_id == ctx.person.subject
    if not corrective_action.closed_at and (is_owner or not corrective_action.owner_only):
        button(
            ctx.t("Close action"),
            partial(_closing_dialog, ctx, corrective_action),
            name="close-corrective-action",
            kind="small",
        )


def _closing_dialog(ctx: PageContext, corrective_action: CorrectiveAction) -> None:
    t = ctx.t
    with dialog(t("Close action")) as opened:
        form = Form(ctx)
        results = choices(t, "closing", get_args(CorrectiveActionResult))
        result = form.field("result", ui.select(results, label=t("Result"), value="corrected"))
        note = form.field("note", ui.textarea(t("What was done")).props("autogrow"))

        def close() -> Awaitable[CorrectiveActionView]:
            return ctx.services.reporting.close_corrective_action(
                ctx.store.id,
                corrective_action.corrective_action_id,
                CloseCorrectiveActionRequest(result=result.value, note=note.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("note"):
                await submit(form, opened, close)

        dialog_actions(form, opened, t("Save"), send)
