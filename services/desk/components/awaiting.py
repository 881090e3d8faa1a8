"""Orders whose customer has yet to decide on an estimate (待授权), for whoever looks after them."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from services.desk.components.drawing import Drawing
from services.desk.components.elements import badge, box, link, mark, text
from services.desk.components.live import live
from services.desk.visit import Visit

STAGES = ("greeted", "opened", "in_work", "ready")

Order = Mapping[str, Any]


async def awaiting(visit: Visit) -> Sequence[Order]:
    """The store's orders with an estimate that nobody has decided on."""
    orders: Sequence[Order] = await visit.shared(
        f"orders {' '.join(STAGES)}",
        lambda: visit.services.get("reception", f"{visit.store_path}/orders", stage=list(STAGES)),
    )
    return [order for order in orders if order["awaiting_estimates"]]


async def awaiting_strip(visit: Visit) -> None:
    """Their number, and a link to each; nothing while there are none."""

    async def fetch() -> list[tuple[str, int]]:
        return [(order["order_id"], order["queue_number"]) for order in await awaiting(visit)]

    def strip() -> ui.element:
        return mark("awaiting-strip", box("awaiting-strip"))

    def render(found: list[tuple[str, int]], drawing: Drawing) -> None:
        if not found:
            return
        with drawing.frame("strip", strip):
            drawing.part("badge", badge, visit.t("To be authorised"), "warn")
            drawing.part("count", text, str(len(found)), "count")
            for order_id, number in found:
                address = f"{visit.store_path}/orders/{order_id}"
                drawing.part(order_id, link, f"{number:03}", address, "text-link number")

    await live(visit, fetch, render)
