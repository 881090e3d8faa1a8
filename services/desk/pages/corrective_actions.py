"""Corrective actions (整改) of the store: each owner answers and closes their own."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.corrective_action import (
    action_buttons,
    corrective_action_state,
    corrective_actions,
    findings_in_words,
)
from services.desk.components.elements import (
    badge,
    cell,
    cell_box,
    empty,
    link,
    row,
    table,
    test_id,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import CorrectiveActionView

REQUIREMENTS = ("R10", "R14", "R21", "R23", "R43")

PAGE = Page(
    path="/stores/{store_id}/corrective-actions",
    title="Corrective actions",
    icon="build_circle",
    roles=roles_of(ManagementApi.list_corrective_actions),
    requirements=REQUIREMENTS,
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show a person's own first, each with its finding, deadline and result."""
    catalog = await ctx.catalog()

    def render(found: Sequence[CorrectiveActionView], renderer: PartialRenderer) -> None:
        t = ctx.t
        if not found:
            renderer.section("none", empty, t("No corrective action is open."))
            return
        headings = [t("Source"), t("Finding"), t("Owner"), t("Due"), t("Status"), t("Result"), ""]
        with renderer.frame("table", table, headings):
            for each in sorted(found, key=partial(_order, ctx)):
                renderer.section(each.corrective_action_id, partial(_row, ctx, catalog), each)

    await live(ctx, partial(corrective_actions, ctx), render)


def _order(
    ctx: PageContext, corrective_action: CorrectiveActionView
) -> tuple[bool, bool, datetime]:
    """Return a sort key: open before closed, own before others', the most urgent first."""
    is_others = corrective_action.owner_id != ctx.person.subject
    return corrective_action.closed_at is not None, is_others, corrective_action.due_at


def _row(ctx: PageContext, catalog: Catalog, corrective_action: CorrectiveActionView) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with test_id("corrective_action", row()):
        with cell_box():
            badge(t.code("corrective_action_source", corrective_action.source), "quiet")
        cell(t.listed(findings_in_words(ctx, catalog, corrective_action)))
        cell(ctx.colleague(corrective_action.owner_id))
        cell(formats.day_and_clock(corrective_action.due_at, zone, now), "number")
        with cell_box():
            corrective_action_state(ctx, corrective_action)
        cell(t.code("closing", corrective_action.result))
        with cell_box("cell-actions"):
            action_buttons(ctx, corrective_action)
            if order_id := corrective_action.order_id:
                link(t("Order"), f"{ctx.store_path}/orders/{order_id}", "text-link")
