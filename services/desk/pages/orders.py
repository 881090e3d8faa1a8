"""Orders by status (工单): in progress, ready, or awaiting payment."""

from contextlib import AbstractContextManager
from functools import partial

from services.desk import formats
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
from services.desk.orders import ORDER_TONES, orders_at
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import OrderStatus, OrderView

REQUIREMENTS = ("R5", "R7", "R8")

PAGE = Page(
    path="/stores/{store_id}/orders",
    title="Orders",
    icon="receipt_long",
    roles=roles_of(ReceptionApi.list_orders) - {"technician"},
    requirements=REQUIREMENTS,
)


_VIEWS: dict[str, tuple[OrderStatus, ...]] = {
    "workshop": ("opened", "in_progress"),
    "ready": ("ready",),
    "payment": ("delivered",),
    "closed": ("closed",),
    "cancelled": ("cancelled",),
}
_VIEW_TITLES = {
    "workshop": "In the workshop",
    "ready": "Ready for delivery",
    "payment": "To be paid",
    "closed": "Closed",
    "cancelled": "Cancelled",
}


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a group of statuses; the tab is part of the address."""
    chosen = ctx.query.get("view", "workshop")
    if chosen not in _VIEWS:
        chosen = "workshop"
    with box("tabs"):
        for view, title in _VIEW_TITLES.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(ctx.t(title), f"?view={view}", classes))

    async def fetch() -> tuple[list[OrderView], Names]:
        orders = await orders_at(ctx, *_VIEWS[chosen])
        names = await ctx.names_if_any(
            (order.customer_ref for order in orders), (order.plate_ref for order in orders)
        )
        return orders, names

    def render(found: tuple[list[OrderView], Names], renderer: PartialRenderer) -> None:
        orders, names = found
        if not orders:
            renderer.section("none", empty, ctx.t("No orders here."))
            return
        with renderer.frame("table", _table, ctx):
            for order in orders:
                who = names.of(order.customer_ref, order.plate_ref)
                renderer.section(order.order_id, partial(_row, ctx), order, who)

    await live(ctx, fetch, render)


def _table(ctx: PageContext) -> AbstractContextManager[None]:
    t = ctx.t
    who = [t("Plate"), t("Customer")] if ctx.sees_persons else []
    amounts = [t("Amount"), t("Balance")]
    times = [t("Status"), t("Arrived"), t("Promised time")]
    return table([t("No."), *who, *times, t("Advisor"), *amounts], amounts)


def _row(ctx: PageContext, order: OrderView, who: Who) -> None:
    zone, now = ctx.store.timezone, ctx.now()
    with test_id(f"order-{order.queue_number}", row("row-link")):
        with cell_box():
            link(
                formats.queue_number(order.queue_number),
                f"{ctx.store_path}/orders/{order.order_id}",
                "row-anchor number",
            )
        if ctx.sees_persons:
            cell(who.plate or formats.NOTHING, "plate-cell")
            cell(who.name or formats.NOTHING)
        with cell_box():
            badge(ctx.t.code("order_status", order.status), ORDER_TONES[order.status])
        cell(formats.day_and_clock(order.arrived_at, zone, now), "number")
        cell(formats.day_and_clock(order.promised_at, zone, now), "number")
        cell(ctx.colleague(order.advisor_id))
        cell(formats.money(order.invoiced_cents or order.estimate_cents), "figure")
        balance = order.balance_cents if order.invoice_id else None
        cell(formats.money(balance), "figure")
