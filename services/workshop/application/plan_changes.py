"""The lock of a store's plan, as timers and batches of events take it.

A transaction that changes the plan, or the data that the plan depends on, takes it first.
"""

from collections.abc import Sequence

from services.workshop import persistence
from services.workshop.application.deps import Deps
from shared.envelope import ReceivedEvent
from shared.unit_of_work import UnitOfWork


async def lock_plan(uow: UnitOfWork, store_id: str, _entity_id: str) -> None:
    """Lock the plan of a timer's store; the timer's handler may begin a change of it."""
    await persistence.lock_plan(uow.connection, store_id)


async def begin_plan_change(uow: UnitOfWork, store_id: str, _entity_id: str) -> None:
    """Begin a change of the plan of a timer's store."""
    await persistence.begin_plan_change(uow.connection, store_id)


async def begin_plan_changes(uow: UnitOfWork, batch: Sequence[ReceivedEvent], _deps: Deps) -> None:
    """Begin changes of the plans of all stores of a batch, always in the same order."""
    for store_id in sorted({received.envelope.store_id for received in batch}):
        await persistence.begin_plan_change(uow.connection, store_id)
