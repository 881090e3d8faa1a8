"""What reporting keeps at a person's orders (个人信息查阅): figures without a name."""

from collections.abc import Sequence

from services.reporting.application.deps import Deps
from services.reporting.persistence.kept_data import kept_of_person
from shared.kept_data import KeptEntries


async def list_kept_data(
    store_id: str, customer_refs: Sequence[str], order_ids: Sequence[str], deps: Deps
) -> list[KeptEntries]:
    """List what is kept under these references of a person, and at these orders of theirs."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await kept_of_person(connection, store_id, customer_refs, order_ids)
    return [KeptEntries(**row) for row in found]
