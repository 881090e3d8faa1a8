"""The workshop's free time as it was last published."""

from services.reception import persistence
from services.reception.application.deps import Deps
from shared.contracts.workshop import CapacityChanged
from shared.unit_of_work import UnitOfWork


async def record_capacity(uow: UnitOfWork, event: CapacityChanged, _: Deps) -> None:
    """Keep the free time, for when the workshop is unavailable."""
    await persistence.save_capacity(uow.connection, event.store_id, event.free)
