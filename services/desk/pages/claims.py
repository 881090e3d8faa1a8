"""Warranty claims (索赔台账) to submit or to be decided, the most urgent first."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.claims import CLAIM_TONES, claim_deadline, claim_name
from services.desk.components.elements import (
    badge,
    box,
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
from services.desk.context import Names, PageContext, Who
from services.desk.orders import numbers_of
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import ClaimEntry, ClaimStatus

PAGE = Page(
    path="/stores/{store_id}/claims",
    title="Warranty claims",
    icon="verified_user",
    roles=roles_of(ReceptionApi.list_claims),
    requirements=("R6", "R32"),
)

_VIEWS: Mapping[str, tuple[ClaimStatus, ...]] = {
    "open": ("draft", "rejected", "submitted", "approved"),
    "closed": ("settled", "written_off", "withdrawn"),
}
_VIEW_TITLES = {"open": "Open", "closed": "Closed"}


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show open claims with their deadlines; closed ones under a tab of their own."""
    catalog = await ctx.catalog()
    chosen = ctx.query.get("view", "open")
    if chosen not in _VIEWS:
        chosen = "open"
    with box("tabs"):
        for view, title in _VIEW_TITLES.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(ctx.t(title), f"?view={view}", classes))

    async def fetch() -> tuple[list[ClaimEntry], Names]:
        found = await ctx.shared(
            f"claims {chosen}",
            lambda: ctx.services.reception.list_claims(ctx.store.id, status=_VIEWS[chosen]),
        )
        customers, plates = (
            (each.customer_ref for each in found),
            (each.plate_ref for each in found),
        )
        await catalog.know_parts_of(line for each in found for line in each.lines)
        return found, await ctx.names_if_any(customers, plates)

    def render(ledger: tuple[list[ClaimEntry], Names], renderer: PartialRenderer) -> None:
        found, names = ledger
        if not found:
            renderer.section("none", empty, ctx.t("No claims here."))
            return
        numbers = numbers_of(ctx, found)
        with renderer.frame("table", _table, ctx):
            for claim in found:
                number = numbers[claim.order_id]
                row = partial(_row, ctx, catalog)
                renderer.section(
                    claim.claim_id,
                    row,
                    claim,
                    number,
                    names.of(claim.customer_ref, claim.plate_ref),
                )

    await live(ctx, fetch, render)


def _table(ctx: PageContext) -> AbstractContextManager[None]:
    t = ctx.t
    whose = [t("Order"), *([t("Plate"), t("Customer")] if ctx.sees_persons else [])]
    state = [t("Status"), t("Pending step"), t("Deadline"), t("Missing")]
    amounts = (t("Claimed"), t("Approved"))
    return table([t("Claim"), *whose, *state, *amounts], amounts)


def _row(ctx: PageContext, catalog: Catalog, claim: ClaimEntry, number: str, who: Who) -> None:
    t = ctx.t
    with test_id("claim", row("row-link")):
        with cell_box():
            address = f"{ctx.store_path}/claims/{claim.claim_id}"
            link(claim_name(catalog, claim), address, "row-anchor")
        with cell_box():
            link(number, f"{ctx.store_path}/orders/{claim.order_id}", "text-link number")
        if ctx.sees_persons:
            cell(who.plate or formats.NOTHING, "plate-cell")
            cell(who.name or formats.NOTHING)
        with cell_box():
            badge(t.code("claim", claim.status), CLAIM_TONES[claim.status])
        cell(t.code("pending_step", claim.pending_step))
        with cell_box():
            claim_deadline(ctx, claim)
        missing = claim.missing if claim.pending_step == "submission" else ()
        cell(t.listed(t.code("claim_details", name) for name in missing) or formats.NOTHING)
        cell(formats.money(claim.amount_cents), "figure")
        cell(formats.money(claim.approved_cents or None), "figure")
