"""Loyalty (忠诚度): who rose, fell or is about to, and the customers of each tier by month."""

from collections.abc import Mapping
from functools import partial
from typing import Literal

from services.desk import formats
from services.desk.components.elements import (
    box,
    cell,
    cell_box,
    empty,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.kpis import bars
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.tier import tier_badge
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import TierEntry, TierMonth
from shared.contracts.crm import Tier

PAGE = Page(
    path="/stores/{store_id}/loyalty",
    title="Loyalty",
    icon="military_tech",
    roles=roles_of(CrmApi.list_by_tier),
    requirements=("R25",),
)

TierList = Literal["rose", "fell", "near_rise", "near_fall"]
"""升级、降级、即将升级、即将降级."""

_LISTS: Mapping[TierList, str] = {
    "rose": "Rose",
    "fell": "Fell",
    "near_rise": "About to rise",
    "near_fall": "About to fall",
}
_TREND = "trend"

Entries = tuple[list[TierEntry], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a list, loyal customers first, and one with the trend."""
    asked = ctx.query.get("view")
    listed: TierList = next((view for view in _LISTS if view == asked), "rose")
    with box("tabs"):
        for view, title in (*_LISTS.items(), (_TREND, "Trend")):
            classes = "tab current" if view == (asked or listed) else "tab"
            test_id(f"tab-{view}", link(ctx.t(title), f"?view={view}", classes))
    if asked == _TREND:

        async def fetch_trend() -> list[TierMonth]:
            return await ctx.shared("tier trend", lambda: ctx.services.crm.tier_trend(ctx.store.id))

        await live(ctx, fetch_trend, partial(_trend, ctx))
        return

    async def fetch() -> Entries:
        found = await ctx.shared(
            f"tiers {listed}",
            lambda: ctx.services.crm.list_by_tier(ctx.store.id, view=listed),
        )
        return found, await ctx.names_if_any(each.customer_ref for each in found)

    await live(ctx, fetch, partial(_list, ctx, listed))


def _list(ctx: PageContext, view: TierList, listed: Entries, renderer: PartialRenderer) -> None:
    t, (found, names) = ctx.t, listed
    if not found:
        renderer.section("none", empty, t("No customer is on this list."))
        return
    headings = {
        "near_rise": [t("Customer"), t("Tier"), t("Next tier"), t("Missing")],
        "near_fall": [t("Customer"), t("Tier"), t("Until")],
    }.get(view, [t("Customer"), t("Before"), t("Tier"), t("Since"), t("Why")])
    with renderer.frame("table", table, headings):
        for each in found:
            name = names.of(each.customer_ref).name
            renderer.section(each.customer_ref, partial(_row, ctx, view), each, name)


def _row(ctx: PageContext, view: str, entry: TierEntry, name: str | None) -> None:
    t = ctx.t
    with test_id("tier-entry", row()):
        with cell_box():
            address = f"{ctx.store_path}/customers/{entry.customer_ref}"
            link(name or t("Customer"), address, "text-link")
        if view in ("rose", "fell"):
            _tier(ctx, entry.old_tier)
        _tier(ctx, entry.tier)
        if view == "near_rise":
            _tier(ctx, entry.next_tier)
            cell(_missing(ctx, entry))
        elif view == "near_fall":
            cell(f"{ctx.store.local_day(entry.tier_until)}" if entry.tier_until else "", "number")
        else:
            since = entry.changed_at
            cell(f"{ctx.store.local_day(since)}" if since else formats.NOTHING, "number")
            cell(t.listed(t.code("tier_reason", each) for each in entry.reasons))


def _tier(ctx: PageContext, tier: Tier | None) -> None:
    with cell_box():
        if tier:
            tier_badge(ctx.t, tier)
        else:
            text(ctx.t("No tier"), "hint")


def _missing(ctx: PageContext, entry: TierEntry) -> str:
    """Return what lacks for the next tier, in visits and money."""
    t, parts = ctx.t, []
    if entry.visits_missing:
        parts.append(t("{count} visits", count=entry.visits_missing))
    if entry.cents_missing:
        parts.append(formats.money(entry.cents_missing))
    return t.listed(parts)


def _trend(ctx: PageContext, months: list[TierMonth], renderer: PartialRenderer) -> None:
    renderer.section("trend", partial(_chart, ctx), months)


def _chart(ctx: PageContext, months: list[TierMonth]) -> None:
    t = ctx.t
    with panel(t("Customers by tier"), name="tier-trend"):
        bars(
            [each.month for each in months],
            {
                t.code("tier", "gold"): [each.gold for each in months],
                t.code("tier", "silver"): [each.silver for each in months],
                t.code("tier", "bronze"): [each.bronze for each in months],
            },
        )
