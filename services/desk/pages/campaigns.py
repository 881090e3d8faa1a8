"""Campaigns (营销活动): the list, and the plan of a new one with the size of its segment."""

from functools import partial

from services.desk.components.campaign import CAMPAIGN_TONES
from services.desk.components.campaign_plan import plan_dialog
from services.desk.components.elements import (
    badge,
    box,
    button,
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
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import CampaignStatus, CampaignView

PAGE = Page(
    path="/stores/{store_id}/campaigns",
    title="Campaigns",
    icon="ads_click",
    roles=roles_of(CrmApi.list_campaigns),
    requirements=("R28",),
)

_VIEWS: dict[str, tuple[str, list[CampaignStatus]]] = {
    "open": ("Planned and running", ["draft", "scheduled", "running"]),
    "ended": ("Ended", ["ended", "cancelled"]),
}


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show campaigns that are planned or run, and those that are over."""
    t, asked = ctx.t, ctx.query.get("view")
    chosen = asked if asked in _VIEWS else "open"
    with box("tabs"):
        for view, (title, _) in _VIEWS.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(t(title), f"?view={view}", classes))
    if ctx.may(ctx.services.crm.plan_campaign):
        with box("toolbar"):
            button(
                t("Plan campaign…"), partial(plan_dialog, ctx), name="plan-campaign", kind="main"
            )

    async def fetch() -> list[CampaignView]:
        return await ctx.shared(
            f"campaigns {chosen}",
            lambda: ctx.services.crm.list_campaigns(ctx.store.id, status=_VIEWS[chosen][1]),
        )

    def render(campaigns: list[CampaignView], renderer: PartialRenderer) -> None:
        if not campaigns:
            renderer.section("none", empty, t("No campaigns here."))
            return
        headings = [t("Campaign"), t("Whose campaign"), t("Reason"), t("Period"), t("Status")]
        with renderer.frame("table", table, headings):
            for each in campaigns:
                renderer.section(each.campaign_id, partial(_row, ctx), each)

    await live(ctx, fetch, render)


def _row(ctx: PageContext, campaign: CampaignView) -> None:
    t = ctx.t
    with test_id("campaign", row("row-link")):
        with cell_box():
            link(campaign.title, f"{ctx.store_path}/campaigns/{campaign.campaign_id}", "row-anchor")
        cell(t.code("campaign_origin", campaign.origin))
        cell(t.code("campaign_reason", campaign.reason))
        cell(f"{campaign.begins_on} – {campaign.ends_on}", "number")
        with cell_box():
            badge(t.code("campaign_status", campaign.status), CAMPAIGN_TONES[campaign.status])
