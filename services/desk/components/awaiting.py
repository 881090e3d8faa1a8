"""Orders whose customer has yet to decide on an estimate (待授权), for whoever looks after them."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.desk.components.elements import badge, box, link, mark, text
from services.desk.components.live import EverySecond, live
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

    def render(found: list[tuple[str, int]], _: EverySecond) -> None:
        if not found:
            return
        with mark("awaiting-strip", box("awaiting-strip")):
            badge(visit.t("To be authorised"), "warn")
            text(str(len(found)), "count")
            for order_id, number in found:
                link(f"{number:03}", f"{visit.store_path}/orders/{order_id}", "text-link number")

    await live(visit, fetch, render)
