"""Orders whose customer has yet to decide on an estimate (待授权), for the responsible staff."""

from nicegui import ui

from services.desk.components.elements import badge, box, link, test_id, text
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from shared.clients.reception.models import OrderView


async def awaiting(ctx: PageContext) -> list[OrderView]:
    """Return the store's orders with an estimate that awaits a decision."""
    orders = await ctx.shared(
        "orders to be decided on",
        lambda: ctx.services.reception.list_orders(
            ctx.store.id, status=("greeted", "opened", "in_progress", "ready")
        ),
    )
    return [order for order in orders if order.awaiting_estimates]


async def awaiting_strip(ctx: PageContext) -> None:
    """Show their number, and a link to each; nothing while there are none."""

    async def fetch() -> list[tuple[str, int]]:
        return [(order.order_id, order.queue_number) for order in await awaiting(ctx)]

    def strip() -> ui.element:
        return test_id("awaiting-strip", box("awaiting-strip"))

    def render(found: list[tuple[str, int]], renderer: PartialRenderer) -> None:
        if not found:
            return
        with renderer.frame("strip", strip):
            renderer.section("badge", badge, ctx.t("Awaiting authorization"), "warn")
            renderer.section("count", text, str(len(found)), "count")
            for order_id, number in found:
                address = f"{ctx.store_path}/orders/{order_id}"
                renderer.section(order_id, link, f"{number:03}", address, "text-link number")

    await live(ctx, fetch, render)
