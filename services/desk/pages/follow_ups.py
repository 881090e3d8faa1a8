"""Follow-up calls after a delivery (回访): due calls, their customers and results."""

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.client import found
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
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import Names, PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    CustomerView,
    FollowUpChannel,
    FollowUpStatus,
    FollowUpView,
    RecordCallRequest,
)

REQUIREMENTS = ("R20", "R21")

PAGE = Page(
    path="/stores/{store_id}/follow-ups",
    title="Follow-ups",
    icon="phone_in_talk",
    roles=roles_of(CrmApi.record_call),
    requirements=REQUIREMENTS,
)

_VIEWS: dict[FollowUpStatus, str] = {
    "due": "Due",
    "scheduled": "Scheduled",
    "completed": "Completed",
    "not_reached": "Not reached",
}
_TONES = {"due": "warn", "scheduled": "calm", "completed": "good", "not_reached": "bad"}
_BEST = 5

Calls = tuple[list[FollowUpView], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a status."""
    asked = ctx.query.get("view")
    chosen: FollowUpStatus = next((view for view in _VIEWS if view == asked), "due")
    with box("tabs"):
        for view, title in _VIEWS.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(ctx.t(title), f"?view={view}", classes))

    async def fetch() -> Calls:
        calls = await ctx.shared(
            f"follow-ups {chosen}",
            lambda: ctx.services.crm.list_follow_ups(ctx.store.id, status=[chosen]),
        )
        return calls, await ctx.names(call.customer_ref for call in calls)

    def render(listed: Calls, renderer: PartialRenderer) -> None:
        calls, names = listed
        if not calls:
            renderer.section("none", empty, ctx.t("No calls here."))
            return
        with renderer.frame("table", _table, ctx.t):
            for call in calls:
                name = names.of(call.customer_ref).name
                renderer.section(call.follow_up_id, partial(_row, ctx), call, name)

    await live(ctx, fetch, render)


def _table(t: Translator) -> AbstractContextManager[None]:
    names_of_call = [t("Customer"), t("Due"), t("Agent"), t("Status")]
    names_of_result = [t("Reached"), t("Satisfaction"), ""]
    return table(names_of_call + names_of_result)


def _row(ctx: PageContext, call: FollowUpView, name: str | None) -> None:
    t, who = ctx.t, name or formats.NOTHING
    with test_id("follow-up", row()):
        cell(who)
        cell(formats.day_and_clock(call.due_at, ctx.store.timezone, ctx.now()), "number")
        cell(ctx.colleague(call.completed_by or call.agent_id))
        with cell_box():
            badge(t.code("status", call.status), _TONES[call.status])
            if call.calendar_assumed and call.completed_at is None:
                badge(t("Holidays not announced yet"), "warn")
            if call.attempts:
                badge(t("Not reached: {count}", count=call.attempts), "warn")
        reached = call.reached
        cell(formats.NOTHING if reached is None else t("Yes") if reached else t("No"))
        cell("★" * (call.satisfaction or 0) or formats.NOTHING, "stars")
        with cell_box("cell-actions"):
            if call.completed_at is None:
                button(t("Call"), partial(_call_dialog, ctx, call, who), name="call", kind="small")
            link(t("Order"), f"{ctx.store_path}/orders/{call.order_id}", "text-link")


async def _call_dialog(ctx: PageContext, call: FollowUpView, who: str) -> None:
    t = ctx.t
    with dialog(t("Follow-up call: {name}", name=who)) as opened:
        details = box("found")
        form = Form(ctx)
        reached = form.field(
            "reached",
            ui.select({True: t("Reached"), False: t("Not reached")}, label=t("Result"), value=True),
        )
        stars = {count: "★" * count for count in range(_BEST, 0, -1)}
        satisfaction = form.field(
            "satisfaction", ui.select(stars, label=t("Satisfaction"), clearable=True)
        )
        channels = choices(t, "channel", get_args(FollowUpChannel))
        channel = form.field("channel", ui.select(channels, label=t("Channel"), value="phone"))
        record = form.field("record", ui.textarea(t("Record")).props("autogrow"))

        def command() -> Awaitable[FollowUpView]:
            request = RecordCallRequest(
                reached=reached.value,
                satisfaction=satisfaction.value,
                channel=channel.value,
                record=record.value,
            )
            return ctx.services.crm.record_call(
                ctx.store.id, call.follow_up_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("record"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)
    customer = await form.send(lambda: _customer(ctx, call))
    with details:
        _contact(ctx, customer)


async def _customer(ctx: PageContext, call: FollowUpView) -> CustomerView | None:
    """Return the customer record, found by the order's plate."""
    order = await ctx.services.reception.get_order(ctx.store.id, call.order_id)
    plate = (await ctx.names((), [order.plate_ref])).plates.get(order.plate_ref)
    if plate is None:
        return None
    return await found(ctx.services.crm.find_customer(ctx.store.id, plate=plate))


def _contact(ctx: PageContext, customer: CustomerView | None) -> None:
    t = ctx.t
    if customer is None:
        text(t("Customer records have no contact details for this customer."), "hint")
        return
    facts(
        [
            (t("Phone"), formats.phone(t, customer.phone)),
            (t("Plate"), customer.plate or formats.NOTHING),
            (t("Vehicle"), f"{customer.brand} {customer.model}"),
            (t("Visits"), str(customer.visits)),
        ]
    )
