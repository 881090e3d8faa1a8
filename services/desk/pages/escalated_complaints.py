"""Complaints of all stores that have gone up (升级投诉), for the group's managers."""

from functools import partial

from services.desk.components.complaint import severity_badge, status_badges
from services.desk.components.deadline import deadline
from services.desk.components.elements import cell, cell_box, empty, link, row, table, test_id
from services.desk.components.live import live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import ComplaintView

PAGE = Page(
    path="/group/complaints",
    title="Escalated complaints",
    icon="priority_high",
    roles=roles_of(CrmApi.list_escalated_complaints),
    requirements=("R23", "R40"),
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one row a complaint, the most urgent first."""
    t = ctx.t
    await ctx.stores()

    def render(found: list[ComplaintView], renderer: PartialRenderer) -> None:
        if not found:
            renderer.section("none", empty, t("No complaint has gone up."))
            return
        headings = [t("Store"), t("Severity"), t("Status"), t("Due"), t("Source"), ""]
        with renderer.frame("table", table, headings):
            for each in found:
                shown = partial(_row, ctx, renderer.every_second)
                renderer.section(each.complaint_id, shown, each)

    await live(ctx, ctx.services.crm.list_escalated_complaints, render)


def _row(ctx: PageContext, every_second: EverySecond, complaint: ComplaintView) -> None:
    t = ctx.t
    with test_id("escalated-complaint", row()):
        cell(t.of(ctx.store_of(complaint.store_id)))
        with cell_box():
            severity_badge(t, complaint.severity)
        with cell_box():
            status_badges(t, complaint)
        with cell_box():
            deadline(ctx, every_second, complaint.due_at)
        cell(t.code("complaint_source", complaint.source))
        with cell_box("cell-actions"):
            address = f"/stores/{complaint.store_id}/complaints/{complaint.complaint_id}"
            link(t("Details"), address, "text-link")
