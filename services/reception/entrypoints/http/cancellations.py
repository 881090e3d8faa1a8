"""Why orders and appointments ended without work (取消原因): a code, and words that stay here."""

from datetime import datetime
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.entrypoints.http.access import (
    FrontReader,
    Reader,
    personal_of,
    store_router,
)
from services.reception.persistence import Cancellation
from shared.commands import CommandContext
from shared.contracts.reception import CancellationReason
from shared.db import transaction
from shared.duties import serves
from shared.request_model import Seen
from shared.unit_of_work import UnitOfWork

router = store_router()


class Cancel(Seen):
    """``note`` is kept encrypted and stands in no event."""

    reason: CancellationReason
    note: Annotated[str | None, Field(min_length=1, max_length=200, description="说明")] = None


class CancellationView(BaseModel):
    """``note`` is absent when nothing was noted or it was erased."""

    reason: CancellationReason
    note: str | None
    cancelled_by: str
    cancelled_at: datetime


async def keep_cancellation(
    request: Request, uow: UnitOfWork, command: CommandContext, subject: str, body: Cancel
) -> None:
    """Keep why the order or appointment ``subject`` was cancelled, and by whom."""
    connection, store_id = uow.connection, command.store_id
    note = await personal_of(request).encrypt(connection, store_id, subject, body.note)
    cancellation = Cancellation(subject, body.reason, note, command.principal.subject, uow.now)
    await persistence.add_cancellation(connection, store_id, cancellation)


@router.get("/orders/{order_id}/cancellation", tags=["orders"], openapi_extra=serves("R5"))
async def get_order_cancellation(
    request: Request, store_id: str, order_id: str, _: Reader
) -> CancellationView:
    """Why an order was cancelled, and by whom."""
    return await _view(request, store_id, order_id, "order_id")


@router.get(
    "/appointments/{appointment_id}/cancellation", tags=["appointments"], openapi_extra=serves("R1")
)
async def get_appointment_cancellation(
    request: Request, store_id: str, appointment_id: str, _: FrontReader
) -> CancellationView:
    """Why an appointment was cancelled, and by whom."""
    return await _view(request, store_id, appointment_id, "appointment_id")


async def _view(request: Request, store_id: str, subject: str, field: str) -> CancellationView:
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await persistence.read_cancellation(connection, store_id, subject, field)
        note = await personal_of(request).decrypt(connection, store_id, subject, found.note)
    return CancellationView(
        reason=found.reason,
        note=note,
        cancelled_by=found.cancelled_by,
        cancelled_at=found.cancelled_at,
    )
