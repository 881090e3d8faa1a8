"""Work that waits for a person in a post (待分派)."""

from collections.abc import Iterable

from shared import timers
from shared.unit_of_work import UnitOfWork

FINDING = "finding"
"""Kind of the timers of findings whose corrective action is not opened yet."""


async def resume(uow: UnitOfWork, store_ids: Iterable[str]) -> None:
    """Have the work that waits in stores assigned, as their staff has changed."""
    stores = list(store_ids)
    async with uow.limited_to(*stores) as limited:
        await timers.bring_forward(limited, FINDING, stores)
