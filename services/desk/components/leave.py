"""Leave (休假): one's own requests, and those that a manager decides on."""

from collections.abc import Sequence
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk.client import new_attempt
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, send_now, submit
from services.desk.context import PageContext
from services.desk.response_cache import FRESH_S
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import (
    DeclineLeaveRequest,
    LeaveDetail,
    LeaveKind,
    LeaveStatus,
    LeaveView,
    RequestLeaveRequest,
    VersionedRequest,
)

KINDS: Sequence[LeaveKind] = get_args(LeaveKind)
STATUSES: Sequence[LeaveStatus] = get_args(LeaveStatus)

_TONES: dict[LeaveStatus, str] = {
    "requested": "busy",
    "approved": "good",
    "declined": "bad",
    "withdrawn": "quiet",
}
_OWN_FRESH_S = 10.0
_WAITING_FRESH_S = 10.0
_OPEN: Sequence[LeaveStatus] = ("requested", "approved")


async def ask_leave(ctx: PageContext) -> list[LeaveDetail]:
    """Return one's own requests, asked for seldom; for managers, those of the whole store."""
    manages = ctx.may(ManagementApi.approve_leave)
    return await ctx.shared(
        "leave of the staff" if manages else f"leave of {ctx.person.subject}",
        lambda: ctx.services.management.list_leave(ctx.store.id, status=list(STATUSES)),
        FRESH_S if manages else _OWN_FRESH_S,
    )


def awaiting_decision(ctx: PageContext, requests: Sequence[LeaveDetail]) -> list[LeaveDetail]:
    """Return the requests of others that wait for a manager."""
    return [
        each
        for each in requests
        if each.status == "requested" and each.person_id != ctx.person.subject
    ]


async def count_awaiting_decision(ctx: PageContext) -> int:
    """Return how many requests wait for this person as a manager, none for all others."""
    if not ctx.may(ManagementApi.approve_leave):
        return 0
    requests = await ctx.shared(
        "leave to decide on",
        lambda: ctx.services.management.list_leave(ctx.store.id, status=["requested"]),
        _WAITING_FRESH_S,
    )
    return len(awaiting_decision(ctx, requests))


def own_leave(ctx: PageContext, requests: Sequence[LeaveDetail]) -> None:
    """Show one's own requests, and offer to ask for leave or to withdraw it."""
    t = ctx.t
    with panel(t("My leave"), name="own-leave"):
        for asked in requests:
            with test_id(f"leave-{asked.first_day}", box("state-line")):
                _what(ctx, asked)
                badge(t.code("leave_status", asked.status), _TONES[asked.status])
                if asked.answer:
                    text(asked.answer, "hint")
                begun = asked.status == "approved" and asked.first_day <= ctx.today()
                if asked.status in _OPEN and not begun:
                    box("spacer")
                    withdraw = partial(_send, ctx, "withdraw", asked)
                    button(t("Withdraw leave"), withdraw, name="withdraw-leave", kind="small")
        with box("card-actions"):
            button(t("Ask for leave…"), partial(_ask_dialog, ctx), name="ask-leave")


def leave_to_decide(ctx: PageContext, requests: Sequence[LeaveDetail]) -> None:
    """Show the requests that wait for a manager."""
    t = ctx.t
    with test_id("leave-to-decide", box("leave-to-decide")):
        text(t("Leave to decide on"), "section-title")
        if not requests:
            empty(t("Nobody waits for a decision."))
            return
        with table([t("Person"), t("Leave"), t("Reason"), ""]):
            for asked in requests:
                with test_id(f"decide-{asked.person_id}", row()):
                    cell(ctx.colleague(asked.person_id))
                    with cell_box():
                        _what(ctx, asked)
                    cell(asked.reason or "")
                    with cell_box("cell-actions"):
                        approve = partial(_send, ctx, "approve", asked)
                        button(t("Approve leave"), approve, name="approve-leave", kind="small")
                        decline = partial(_decline_dialog, ctx, asked)
                        button(t("Decline…"), decline, name="decline-leave", kind="small")


def _what(ctx: PageContext, asked: LeaveDetail) -> None:
    text(ctx.t.code("leave_kind", asked.kind), "event-name")
    text(f"{asked.first_day} – {asked.last_day}", "number")


async def _send(ctx: PageContext, decision: str, asked: LeaveDetail) -> None:
    management: ManagementApi = ctx.services.management
    commands = {"approve": management.approve_leave, "withdraw": management.withdraw_leave}
    attempt, body = new_attempt(), VersionedRequest(version=asked.version)
    await send_now(
        ctx,
        lambda: commands[decision](
            ctx.store.id, asked.leave_request_id, body, idempotency_key=attempt
        ),
    )


def _ask_dialog(ctx: PageContext) -> None:
    t = ctx.t
    with dialog(t("Ask for leave")) as opened:
        form = Form(ctx)
        kind = form.field("kind", ui.select(choices(t, "leave_kind", KINDS), label=t("Kind")))
        days = {}
        for name, label in (
            ("first_day", t("First day of leave")),
            ("last_day", t("Last day of leave")),
        ):
            made = ui.input(label).props("type=date stack-label")
            made.props["min"] = ctx.today().isoformat()
            days[name] = form.field(name, made)
        reason = form.field("reason", ui.textarea(t("Reason")).props("autogrow rows=2"))

        async def command() -> LeaveView:
            body = RequestLeaveRequest.model_validate(
                {
                    "kind": kind.value,
                    "reason": reason.value,
                    **{name: field.value for name, field in days.items()},
                }
            )
            return await ctx.services.management.request_leave(
                ctx.store.id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("kind", "first_day", "last_day", "reason"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Ask"), send)


def _decline_dialog(ctx: PageContext, asked: LeaveDetail) -> None:
    t = ctx.t
    with dialog(f"{t('Decline leave')} · {ctx.colleague(asked.person_id)}") as opened:
        form = Form(ctx, asked.version)
        reason = form.field("reason", ui.textarea(t("Reason")).props("autogrow rows=2"))

        async def command() -> LeaveView:
            body = DeclineLeaveRequest.model_validate(
                {"version": form.version, "reason": reason.value}
            )
            return await ctx.services.management.decline_leave(
                ctx.store.id, asked.leave_request_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("reason"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Decline leave"), send)
