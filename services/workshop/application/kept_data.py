"""What the workshop keeps at a person's orders (个人信息查阅), by kind and order."""

from collections.abc import Sequence

from services.workshop.application.deps import Deps
from services.workshop.persistence.kept_data import kept_at_orders
from shared.kept_data import KeptEntries


async def list_kept_data(store_id: str, order_ids: Sequence[str], deps: Deps) -> list[KeptEntries]:
    """List what is kept at these orders of a person."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await kept_at_orders(connection, store_id, order_ids)
    return [KeptEntries(**row) for row in found]
