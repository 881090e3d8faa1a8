"""Orders as the boards list them."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import Request

from services.reception import persistence
from services.reception.application.views import OrderView, order_view
from services.reception.domain.lifecycle import Stage
from shared.db import transaction

BOARD_DAYS = 30


async def listed(request: Request, store_id: str, stages: Sequence[Stage]) -> list[OrderView]:
    """Orders of the last 30 days at one of the stages."""
    since = request.app.state.service.clock.now() - timedelta(days=BOARD_DAYS)
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await persistence.list_orders(connection, store_id, stages, since)
    return [order_view(order) for order in found]
