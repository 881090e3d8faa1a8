"""Reasons for orders and appointments that ended without work (取消原因).

Each is a code and a note; the note never leaves this service.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain.cancellation import Cancellation
from shared.contracts.reception import CancellationReason
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork


class CancelRequest(VersionedRequest):
    """Request to cancel; ``note`` is kept encrypted and stands in no event."""

    reason: CancellationReason
    note: Annotated[str | None, Field(min_length=1, max_length=200, description="说明")] = None


class CancellationView(BaseModel):
    """Reason for a cancellation; ``note`` is absent when nothing was noted or it was erased."""

    reason: CancellationReason
    note: str | None
    cancelled_by: str
    cancelled_at: datetime


async def keep_cancellation(
    uow: UnitOfWork, entity_id: str, command: CancelRequest, deps: Deps
) -> None:
    """Store the reason for cancelling the order or appointment ``entity_id``, and the actor."""
    note = await deps.personal.encrypt(uow.connection, uow.store_id, entity_id, command.note)
    cancellation = Cancellation(entity_id, command.reason, note, uow.person, uow.now)
    await persistence.add_cancellation(uow.connection, uow.store_id, cancellation)


async def get_order_cancellation(store_id: str, order_id: str, deps: Deps) -> CancellationView:
    """Read the reason for an order's cancellation, and the actor."""
    return await _read(store_id, order_id, "order_id", deps)


async def get_appointment_cancellation(
    store_id: str, appointment_id: str, deps: Deps
) -> CancellationView:
    """Read the reason for an appointment's cancellation, and the actor."""
    return await _read(store_id, appointment_id, "appointment_id", deps)


async def _read(store_id: str, entity_id: str, field: str, deps: Deps) -> CancellationView:
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.read_cancellation(connection, store_id, entity_id, field)
        note = await deps.personal.decrypt(connection, store_id, entity_id, found.note)
    return CancellationView(
        reason=found.reason,
        note=note,
        cancelled_by=found.cancelled_by,
        cancelled_at=found.cancelled_at,
    )
