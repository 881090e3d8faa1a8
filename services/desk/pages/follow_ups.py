"""Follow-up calls (回访): due calls, their customers and results."""

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.campaign import answer_dialog
from services.desk.components.complaint import Concerned, concern_buttons
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
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    moment_field,
    moment_of,
    send_now,
    several,
    submit,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.segment import SegmentFields
from services.desk.context import Names, PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    BeginSurveyRequest,
    DueCall,
    DueCallChannel,
    DueCallNeed,
    DueCallStatus,
    FollowUpView,
    PlannedRound,
    PlanRoundRequest,
    RecordCallRequest,
    SurveyView,
)

REQUIREMENTS = ("R20", "R21", "R22", "R23")

PAGE = Page(
    path="/stores/{store_id}/follow-ups",
    title="Follow-ups",
    icon="phone_in_talk",
    roles=roles_of(CrmApi.record_call),
    requirements=REQUIREMENTS,
)

_VIEWS: dict[DueCallStatus, str] = {
    "due": "Due",
    "scheduled": "Scheduled",
    "completed": "Completed",
    "not_reached": "Not reached",
    "cancelled": "Cancelled",
}
_TONES = {
    "due": "warn",
    "scheduled": "calm",
    "completed": "good",
    "not_reached": "bad",
    "cancelled": "calm",
}
_BEST = 5
_PAGE_SIZE = 50

Calls = tuple[list[FollowUpView], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a status; what is due comes first, and of that what matters most."""
    asked = ctx.query.get("view")
    chosen: DueCallStatus = next((view for view in _VIEWS if view == asked), "due")
    with box("tabs"):
        for view, title in _VIEWS.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(ctx.t(title), f"?view={view}", classes))
        if ctx.may(ctx.services.crm.plan_round):
            box("spacer")
            calling = partial(_round_dialog, ctx)
            button(ctx.t("Call customers of a type …"), calling, name="plan-round")
    if chosen == "due":
        await _due_calls(ctx)
    else:
        await _other_calls(ctx, chosen)


def _round_dialog(ctx: PageContext) -> None:
    """Choose customers by criteria, and the day from which on they are called (专项回访)."""
    t = ctx.t
    with dialog(t("Call customers of a type"), wide=True) as opened:
        form = Form(ctx)
        segment = SegmentFields(form)
        day = form.field("due_on", ui.input(t("Call from"), value=str(ctx.today())))
        day.props("type=date stack-label")

        def command() -> Awaitable[PlannedRound]:
            body = PlanRoundRequest.model_validate(
                {"segment": segment.values(), "due_on": day.value}
            )
            return ctx.services.crm.plan_round(ctx.store.id, body, idempotency_key=form.attempt)

        async def send() -> None:
            if form.require("due_on") and (planned := await submit(form, opened, command)):
                words = t(
                    "{planned} of {customers} customers will be called",
                    planned=planned.planned,
                    customers=planned.customers,
                )
                ui.notify(words, type="positive", position="top")

        dialog_actions(form, opened, t("Plan the calls"), send)


async def _due_calls(ctx: PageContext) -> None:
    """Show the work list (回访任务): the agent's own calls, or those of all agents."""
    t, after = ctx.t, ctx.query.get("after")
    own_list = "mine" if ctx.person.has(("customer_care_agent",)) else "all"
    everyone = ctx.query.get("agent", own_list) == "all"
    agent_id = None if everyone else ctx.person.subject
    with box("tabs"):
        for name, title in (("mine", t("My calls")), ("all", t("All agents"))):
            current = (name == "all") == everyone
            test_id(f"agent-{name}", link(title, f"?agent={name}", f"tab{' current' * current}"))

    async def fetch() -> list[DueCall]:
        return await ctx.services.crm.list_due_calls(
            ctx.store.id, agent_id=agent_id, after=after, limit=_PAGE_SIZE
        )

    def render(calls: list[DueCall], renderer: PartialRenderer) -> None:
        if not calls:
            renderer.section("none", empty, t("No calls here."))
            return
        with renderer.frame("table", _table, t):
            for call in calls:
                renderer.section(call.follow_up_id, partial(_row, ctx), call, call.name)
        if len(calls) == _PAGE_SIZE:
            renderer.section("next", partial(_next_page, t, everyone), calls[-1].follow_up_id)

    await live(ctx, fetch, render)


def _next_page(t: Translator, everyone: bool, last: str) -> None:
    agent = "all" if everyone else "mine"
    test_id("next-page", link(t("Next page"), f"?agent={agent}&after={last}", "text-link"))


async def _other_calls(ctx: PageContext, chosen: DueCallStatus) -> None:
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
    names_of_call = [t("Customer"), t("Reason"), t("Due"), t("Agent"), t("Status")]
    names_of_result = [t("Reached"), t("Satisfaction"), t("Needs"), ""]
    return table(names_of_call + names_of_result)


def _row(ctx: PageContext, call: FollowUpView | DueCall, name: str | None) -> None:
    t, who = ctx.t, name or formats.NOTHING
    with test_id("follow-up", row()):
        cell(who)
        cell(t.code("follow_up_reason", call.reason))
        cell(formats.day_and_clock(call.due_at, ctx.store.timezone, ctx.now()), "number")
        cell(ctx.colleague(call.completed_by or call.agent_id))
        with cell_box():
            _badges(t, call)
        reached = call.reached
        cell(formats.NOTHING if reached is None else t("Yes") if reached else t("No"))
        cell("★" * (call.satisfaction or 0) or formats.NOTHING, "stars")
        cell(t.listed(t.code("need", need) for need in call.needs) or formats.NOTHING)
        with cell_box("cell-actions"):
            if isinstance(call, DueCall):
                button(t("Call"), partial(_call_dialog, ctx, call, who), name="call", kind="small")
            concern_buttons(ctx, Concerned(call.customer_ref, call.order_id), "small")
            if call.order_id is not None:
                link(t("Order"), f"{ctx.store_path}/orders/{call.order_id}", "text-link")
            if call.reason == "survey":
                link(t("Survey"), f"{ctx.store_path}/surveys/{call.about}", "text-link")
            elif call.reason == "campaign":
                button(
                    t("Answer"),
                    partial(answer_dialog, ctx, call.about),
                    name="answer-invitation",
                    kind="small",
                )
            elif call.order_id is not None and call.completed_at is None:
                ask = partial(_begin_survey, ctx, call.order_id)
                button(t("Survey"), ask, name="begin-survey", kind="small")


async def _begin_survey(ctx: PageContext, order_id: str) -> None:
    """Begin a survey in the same call, and open its form."""
    request, attempt = BeginSurveyRequest(order_id=order_id), new_attempt()
    begun: list[SurveyView] = []

    async def command() -> None:
        crm = ctx.services.crm
        begun.append(await crm.begin_survey(ctx.store.id, request, idempotency_key=attempt))

    if await send_now(ctx, command):
        ui.navigate.to(f"{ctx.store_path}/surveys/{begun[0].survey_id}")


def _badges(t: Translator, call: FollowUpView | DueCall) -> None:
    badge(t.code("status", call.status), _TONES[call.status])
    is_open = call.status in ("due", "scheduled")
    if call.calendar_assumed and is_open:
        badge(t("Holidays not announced yet"), "warn")
    if call.attempts:
        badge(t("Not reached: {count}", count=call.attempts), "warn")
    if isinstance(call, DueCall) and call.callable_from:
        badge(t("Quiet hours"), "warn")


async def _call_dialog(ctx: PageContext, call: DueCall, who: str) -> None:
    """Open the record sheet (回访记录单), with whom to call and what to say."""
    t = ctx.t
    with dialog(t("Follow-up call: {name}", name=who)) as opened:
        _whom_to_call(ctx, call)
        form = Form(ctx)
        reached = form.field(
            "reached",
            ui.select({True: t("Reached"), False: t("Not reached")}, label=t("Result"), value=True),
        )
        stars = {count: "★" * count for count in range(_BEST, 0, -1)}
        satisfaction = form.field(
            "satisfaction", ui.select(stars, label=t("Satisfaction"), clearable=True)
        )
        needs = form.field("needs", several(choices(t, "need", get_args(DueCallNeed)), t("Needs")))
        channels = choices(t, "channel", get_args(DueCallChannel))
        channel = form.field("channel", ui.select(channels, label=t("Channel"), value="phone"))
        record = form.field("record", ui.textarea(t("Record")).props("autogrow"))
        next_call = moment_field(form, "next_call_at", t("Call again at"), None)

        def command() -> Awaitable[FollowUpView]:
            request = RecordCallRequest(
                reached=reached.value,
                satisfaction=satisfaction.value,
                needs=needs.value,
                channel=channel.value,
                record=record.value,
                next_call_at=moment_of(form, next_call) if next_call.value else None,
            )
            return ctx.services.crm.record_call(
                ctx.store.id, call.follow_up_id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("record"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _whom_to_call(ctx: PageContext, call: DueCall) -> None:
    t = ctx.t
    if call.phone is None:
        text(t("Customer records have no contact details for this customer."), "hint")
    else:
        facts(
            [
                (t("Phone"), formats.phone(t, call.phone)),
                (t("Reason"), t.code("follow_up_reason", call.reason)),
            ]
        )
    if call.script:
        text(call.script, "hint")
    if call.record:
        text(t("Earlier calls: {record}", record=call.record), "hint")
