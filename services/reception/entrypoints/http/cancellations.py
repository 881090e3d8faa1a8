"""Why orders and appointments ended without work (取消原因): a code, and words that stay here."""

from datetime import datetime

from fastapi import Request
from pydantic import BaseModel

from services.reception import persistence
from services.reception.entrypoints.http.access import (
    FrontReader,
    Reader,
    personal_of,
    store_router,
)
from shared.contracts.reception import CancellationReason
from shared.db import transaction
from shared.duties import serves

router = store_router()


class CancellationView(BaseModel):
    """``note`` is absent when nothing was noted or it was erased."""

    reason: CancellationReason
    note: str | None
    cancelled_by: str
    cancelled_at: datetime


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
