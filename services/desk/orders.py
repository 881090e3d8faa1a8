"""A store's orders (工单), as pages name and color them."""

from collections.abc import Iterable, Mapping

from services.desk import formats
from services.desk.context import PageContext
from shared.clients.reception.models import ClaimEntry, OrderStatus, OrderView

Numbers = Mapping[str, str]
"""Queue numbers (排队号) by order, as they are called out."""

ORDER_TONES: dict[OrderStatus, str] = {
    "arrived": "warn",
    "greeted": "calm",
    "opened": "calm",
    "in_progress": "busy",
    "ready": "good",
    "delivered": "warn",
    "closed": "quiet",
    "cancelled": "quiet",
}


async def orders_at(ctx: PageContext, *statuses: OrderStatus) -> list[OrderView]:
    """Return the store's orders in the given statuses."""
    return await ctx.shared(
        f"orders {' '.join(statuses)}",
        lambda: ctx.services.reception.list_orders(ctx.store.id, status=list(statuses)),
    )


def numbers_of(ctx: PageContext, orders: Iterable[OrderView | ClaimEntry]) -> Numbers:
    """Return queue numbers, with the day in front of those of another day than today."""
    today = ctx.today()
    numbers = {}
    for order in orders:
        day = ctx.store.local_day(order.arrived_at)
        number = formats.queue_number(order.queue_number)
        numbers[order.order_id] = number if day == today else f"{day:%m-%d} {number}"
    return numbers


def number_of(numbers: Numbers, order_id: str) -> str:
    """Return the queue number of an order."""
    return numbers.get(order_id, "···")
