"""What reception keeps about a person (个人信息查阅), by kind and order."""

from collections.abc import Sequence

from services.reception.application.deps import Deps
from services.reception.domain.erasure import TAKEN_BY_ERASURE, kept_until
from services.reception.persistence.kept_data import kept_of_person
from shared.kept_data import KeptEntries


async def list_kept_data(
    store_id: str, customer_refs: Sequence[str], order_ids: Sequence[str], deps: Deps
) -> list[KeptEntries]:
    """List what is kept about the customer of these references, and at these orders of theirs."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await kept_of_person(connection, store_id, customer_refs, order_ids)
    return [
        KeptEntries(
            **vars(each),
            kept_until=kept_until(each.kind, each.latest) if each.latest else None,
            is_erased=each.kind in TAKEN_BY_ERASURE,
        )
        for each in found
    ]
