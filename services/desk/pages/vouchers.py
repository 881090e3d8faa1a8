"""Vouchers, service cards and gifts (券与精品): those issued last, and the months."""

import asyncio
from collections.abc import Sequence
from functools import partial

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import (
    badge,
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
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.vouchers import issue_button
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import VoucherMonth, VoucherView
from shared.contracts.base import LAST_TIMESTAMP

PAGE = Page(
    path="/stores/{store_id}/vouchers",
    title="Vouchers and gifts",
    icon="redeem",
    roles=roles_of(ReceptionApi.issue_voucher),
    requirements=("R28",),
)

Shown = tuple[list[VoucherView], list[VoucherMonth], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the vouchers that were issued last, then numbers and cost by month and source."""
    catalog = await ctx.catalog()
    with box("toolbar"):
        issue_button(ctx)

    async def fetch() -> Shown:
        reception, store_id = ctx.services.reception, ctx.store.id
        vouchers, months = await asyncio.gather(
            ctx.shared("vouchers", lambda: reception.list_vouchers(store_id)),
            ctx.shared("voucher months", lambda: reception.voucher_months(store_id)),
        )
        known = [each.customer_ref for each in vouchers if each.customer_ref]
        return vouchers, months, await ctx.names_if_any(known)

    def render(shown: Shown, renderer: PartialRenderer) -> None:
        t, (vouchers, months, names) = ctx.t, shown
        if not vouchers:
            renderer.section("none", empty, t("No vouchers were issued."))
            return
        worth = t("Worth")
        headings = [
            t("Voucher"),
            t("Kind"),
            worth,
            t("Customer"),
            t("Voucher from"),
            t("Issued by"),
            t("Valid until"),
            t("Status"),
        ]
        with renderer.frame("table", table, headings, (worth,)):
            for each in vouchers:
                name = names.of(each.customer_ref).name if each.customer_ref else None
                renderer.section(each.voucher_id, partial(_row, ctx, catalog), each, name)
        renderer.section("months", partial(_months, ctx), months)

    await live(ctx, fetch, render)


def _row(ctx: PageContext, catalog: Catalog, voucher: VoucherView, name: str | None) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with test_id("voucher", row()):
        cell(voucher.voucher_id, "number")
        cell(t.code("voucher", voucher.kind))
        with cell_box("figure"):
            if voucher.op_code:
                text(catalog.operation(voucher.op_code))
            else:
                text(formats.money(voucher.value_cents))
            if voucher.item_code:
                text(voucher.item_code, "hint")
        with cell_box():
            _holder(ctx, voucher, name)
        with cell_box():
            if voucher.campaign_id:
                address = f"{ctx.store_path}/campaigns/{voucher.campaign_id}"
                link(t.code("voucher_source", voucher.source), address, "text-link")
            else:
                text(t.code("voucher_source", voucher.source))
        cell(ctx.colleague(voucher.issued_by))
        if voucher.expires_at < LAST_TIMESTAMP:
            cell(f"{ctx.store.local_day(voucher.expires_at)}", "number")
        else:
            cell(t("Never expires"))
        with cell_box():
            if voucher.redeemed_at:
                when = formats.day_and_clock(voucher.redeemed_at, zone, now)
                badge(t("Redeemed {at}", at=when), "good")
                text(formats.money(voucher.cost_cents), "hint")
            elif voucher.expires_at <= now:
                badge(t("Expired"), "quiet")
            else:
                badge(t("Open voucher"), "calm")


def _holder(ctx: PageContext, voucher: VoucherView, name: str | None) -> None:
    """Link to the customer, or to the vehicle, that may redeem the voucher."""
    if voucher.customer_ref:
        address = f"{ctx.store_path}/customers/{voucher.customer_ref}"
        link(name or ctx.t("Customer"), address, "text-link")
    elif voucher.vehicle_ref:
        address = f"{ctx.store_path}/vehicles/{voucher.vehicle_ref}"
        link(ctx.t("Vehicle"), address, "text-link")


def _months(ctx: PageContext, months: Sequence[VoucherMonth]) -> None:
    t = ctx.t
    figures = (t("Issued"), t("Redeemed"), t("Cost"))
    with (
        panel(t("Vouchers by month"), name="voucher-months"),
        table([t("Month"), t("Voucher from"), *figures], figures),
    ):
        for each in reversed(months):
            with row():
                cell(each.month, "number")
                cell(t.code("voucher_source", each.source))
                cell(str(each.issued), "figure")
                cell(str(each.redeemed), "figure")
                cell(formats.money(each.cost_cents), "figure")
