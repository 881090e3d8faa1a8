"""Cancelling an order or an appointment: a reason code, and a text that stays in reception."""

from collections.abc import Awaitable, Callable
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import dialog, facts
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext
from shared.clients.reception.models import CancellationView, CancelRequest
from shared.contracts.reception import CancellationReason

Cancel = Callable[[CancelRequest, str], Awaitable[object]]
"""Function that cancels an entry, under an idempotency key."""


def cancel_order(ctx: PageContext, order_id: str) -> Cancel:
    """Return the function that cancels an order."""

    def cancel(request: CancelRequest, key: str) -> Awaitable[object]:
        return ctx.services.reception.cancel_order(
            ctx.store.id, order_id, request, idempotency_key=key
        )

    return cancel


def cancel_dialog(ctx: PageContext, cancel: Cancel, title: str, version: str) -> None:
    """Ask why an entry, in the version shown, is cancelled."""
    t = ctx.t
    with dialog(title) as opened:
        form = Form(ctx, version)
        named = choices(t, "cancellation", get_args(CancellationReason))
        reason = form.field("reason", ui.select(named, label=t("Reason")))
        note = form.field("note", ui.textarea(t("Note")).props("autogrow rows=2"))

        def command() -> Awaitable[object]:
            request = CancelRequest(
                version=form.version, reason=reason.value, note=note.value or None
            )
            return cancel(request, form.attempt)

        async def send() -> None:
            if form.require("reason"):
                await submit(form, opened, command)

        dialog_actions(form, opened, title, send)


def end_dialog(ctx: PageContext, order_id: str, version: str) -> None:
    """Ask why the visit ends without work."""
    title = ctx.t("End the visit without work")
    cancel_dialog(ctx, cancel_order(ctx, order_id), title, version)


def cancellation_facts(ctx: PageContext, cancellation: CancellationView) -> None:
    """Show why an entry was cancelled, by whom and when."""
    t = ctx.t
    at = formats.day_and_clock(cancellation.cancelled_at, ctx.store.timezone, ctx.now())
    facts(
        [
            (t("Reason"), t.code("cancellation", cancellation.reason)),
            (t("Note"), cancellation.note or formats.NOTHING),
            (t("Cancelled"), f"{ctx.colleague(cancellation.cancelled_by)} · {at}"),
        ]
    )
