"""Assignment of customers to agents (客户分配): each agent's numbers and customers."""

from collections.abc import Awaitable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
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
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AgentNumbers,
    AssignmentOverview,
    AssignmentView,
    ReassignCustomerCause,
    ReassignCustomerRequest,
)

PAGE = Page(
    path="/stores/{store_id}/customer-agents",
    title="Assignment of customers",
    icon="group_add",
    roles=roles_of(CrmApi.reassign_customer),
    requirements=("R20",),
)

_PAGE_SIZE = 50

Customers = tuple[AssignmentOverview, Sequence[AssignmentView], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show each agent's numbers, and the customers of one of them."""
    crm, agent_id, after = ctx.services.crm, ctx.query.get("agent"), ctx.query.get("after") or ""

    async def fetch() -> Customers:
        overview = await ctx.shared("customer agents", lambda: crm.list_agents(ctx.store.id))
        customers: Sequence[AssignmentView] = ()
        if agent_id:
            customers = await crm.list_customers_of_agent(
                ctx.store.id, agent_id, after=after, limit=_PAGE_SIZE
            )
        return overview, customers, await ctx.names(each.customer_ref for each in customers)

    def render(found: Customers, renderer: PartialRenderer) -> None:
        overview = found[0]
        if not overview.agents:
            renderer.section("none", empty, ctx.t("No agent has customers yet."))
            return
        with renderer.frame("agents", _agents_table, ctx):
            for agent in overview.agents:
                renderer.section(agent.agent_id, partial(_agent, ctx), agent)
        if agent_id:
            _customers(ctx, agent_id, found, renderer)

    await live(ctx, fetch, render)


def _customers(
    ctx: PageContext, agent_id: str, found: Customers, renderer: PartialRenderer
) -> None:
    overview, customers, names = found
    title = ctx.t("Customers of {agent}", agent=ctx.colleague(agent_id))
    renderer.section("title", partial(text, classes="section-title"), title)
    with renderer.frame("customers", _customers_table, ctx):
        for each in customers:
            name = names.of(each.customer_ref).name
            show_customer = partial(_customer, ctx, overview.assignable)
            renderer.section(each.customer_ref, show_customer, each, name)
    if len(customers) == _PAGE_SIZE:
        renderer.section("next", partial(_next, ctx, agent_id), customers[-1].customer_ref)


def _agents_table(ctx: PageContext) -> AbstractContextManager[None]:
    t = ctx.t
    return table(
        [
            t("Agent"),
            t("Customers"),
            t("First contacts open"),
            t("Overdue"),
            t("Open calls"),
            t("Due"),
            t("Calls in 30 days"),
            t("Reached"),
        ]
    )


def _agent(ctx: PageContext, agent: AgentNumbers) -> None:
    with test_id("agent", row()):
        with cell_box():
            link(ctx.colleague(agent.agent_id), f"?agent={agent.agent_id}", "text-link")
        cell(str(agent.customers), "number")
        cell(str(agent.first_contacts_open), "number")
        with cell_box("number"):
            if agent.first_contacts_overdue:
                badge(str(agent.first_contacts_overdue), "bad")
            else:
                text(formats.NOTHING)
        cell(str(agent.open_calls), "number")
        cell(str(agent.due_calls), "number")
        cell(str(agent.completed), "number")
        cell(str(agent.reached), "number")


def _customers_table(ctx: PageContext) -> AbstractContextManager[None]:
    t = ctx.t
    return table(
        [t("Customer"), t("Assigned"), t("Cause"), t("First contact by"), t("First contact"), ""]
    )


def _customer(
    ctx: PageContext, assignable: Sequence[str], customer: AssignmentView, name: str | None
) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with test_id("customer", row()):
        cell(name or formats.NOTHING)
        cell(formats.day_and_clock(customer.assigned_at, zone, now), "number")
        cell(t.code("assign_cause", customer.cause) if customer.cause else formats.NOTHING)
        with cell_box("number"):
            text(formats.day_and_clock(customer.first_contact_due_at, zone, now))
            if customer.is_overdue:
                badge(t("Overdue"), "bad")
        cell(formats.day_and_clock(customer.first_contacted_at, zone, now), "number")
        with cell_box("cell-actions"):
            reassign = partial(_reassign, ctx, customer, name or formats.NOTHING, assignable)
            button(t("Reassign"), reassign, name="reassign", kind="small")


def _next(ctx: PageContext, agent_id: str, last: str) -> None:
    test_id("next-page", link(ctx.t("Next page"), f"?agent={agent_id}&after={last}", "text-link"))


async def _reassign(
    ctx: PageContext, customer: AssignmentView, name: str, assignable: Sequence[str]
) -> None:
    t = ctx.t
    others = {
        agent_id: ctx.colleague(agent_id)
        for agent_id in assignable
        if agent_id != customer.agent_id
    }
    with dialog(t("Reassign {name}", name=name)) as opened:
        form = Form(ctx)
        agent = form.field("agent_id", ui.select(others, label=t("Agent")))
        causes = choices(t, "assign_cause", get_args(ReassignCustomerCause))
        cause = form.field("cause", ui.select(causes, label=t("Cause"), value="workload"))

        def command() -> Awaitable[AssignmentView]:
            request = ReassignCustomerRequest(
                agent_id=agent.value, seen_agent_id=customer.agent_id, cause=cause.value
            )
            return ctx.services.crm.reassign_customer(
                ctx.store.id, customer.customer_ref, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("agent_id"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)
