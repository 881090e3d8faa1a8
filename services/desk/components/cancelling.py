"""Cancelling an order or an appointment: a reason code, and a text that stays in reception."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import dialog, facts
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext

REASONS = (
    "customer_request",
    "waited_too_long",
    "too_expensive",
    "parts_unavailable",
    "entered_twice",
    "other",
)
"""客户要求、等待过久、价格过高、缺件、重复登记、其他."""


def cancel_dialog(ctx: PageContext, path: str, title: str, version: str) -> None:
    """Ask why the entry at ``path``, in the version shown, is cancelled."""
    t = ctx.t
    with dialog(title) as opened:
        form = Form(ctx, version)
        named = choices(t, "cancellation", REASONS)
        reason = form.field("reason", ui.select(named, label=t("Reason")))
        note = form.field("note", ui.textarea(t("Note")).props("autogrow rows=2"))

        async def send() -> None:
            if not form.require("reason"):
                return
            body = {"reason": reason.value, "note": note.value or None}
            await submit(form, opened, "reception", f"{path}/cancellation", body)

        dialog_actions(form, opened, title, send)


def cancellation_facts(ctx: PageContext, cancellation: Mapping[str, Any]) -> None:
    """Show why an entry was cancelled, by whom and when."""
    t = ctx.t
    at = formats.day_and_clock(cancellation["cancelled_at"], ctx.store.timezone, ctx.now())
    facts(
        [
            (t("Reason"), t.code("cancellation", cancellation["reason"])),
            (t("Note"), cancellation["note"] or formats.NOTHING),
            (t("Cancelled"), f"{ctx.colleague(cancellation['cancelled_by'])} · {at}"),
        ]
    )
