"""Reception's view of workshop jobs: planned, started and finished."""

from collections.abc import Sequence
from typing import TypeVar

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import repair_order as repair_orders
from shared.contracts import Event
from shared.contracts.workshop import JobAssigned, JobFinished, JobStarted, VehicleReady
from shared.envelope import ReceivedEvent
from shared.unit_of_work import UnitOfWork

E = TypeVar("E", bound=Event)


async def record_jobs(uow: UnitOfWork, batch: Sequence[ReceivedEvent], _: Deps) -> None:
    """Record the jobs that were planned, and those that are done."""
    await persistence.record_jobs(uow.connection, _of(JobAssigned, batch))
    await persistence.finish_jobs(uow.connection, _of(JobFinished, batch))


async def start_work(uow: UnitOfWork, event: JobStarted, _: Deps) -> None:
    """Record that work on the vehicle has begun."""
    key = (event.store_id, event.order_id)
    repair_order = await persistence.lock_repair_order(uow.connection, *key)
    await persistence.save_repair_order(uow, repair_orders.start_work(repair_order))


async def finish_work(uow: UnitOfWork, event: VehicleReady, _: Deps) -> None:
    """Record that the vehicle is ready, and the work that was done on it."""
    key = (event.store_id, event.order_id)
    repair_order = await persistence.lock_repair_order(uow.connection, *key)
    finished = await persistence.finished_operations(uow.connection, *key)
    await persistence.save_repair_order(
        uow, repair_orders.finish_work(repair_order, event.ready_at, finished)
    )


def _of(kind: type[E], batch: Sequence[ReceivedEvent]) -> list[E]:
    return [received.event for received in batch if isinstance(received.event, kind)]
