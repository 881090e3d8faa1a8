"""Reasons for orders and appointments that ended without work (取消原因)."""

from services.reception.application import cancellations
from services.reception.application.cancellations import CancellationView
from services.reception.entrypoints.http.access import AppointmentReader, InjectedDeps, Reader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/orders/{order_id}/cancellation", tags=["orders"], openapi_extra=serves("R5"))
async def get_order_cancellation(
    store_id: str, order_id: str, _: Reader, deps: InjectedDeps
) -> CancellationView:
    return await cancellations.get_order_cancellation(store_id, order_id, deps)


@router.get(
    "/appointments/{appointment_id}/cancellation", tags=["appointments"], openapi_extra=serves("R1")
)
async def get_appointment_cancellation(
    store_id: str, appointment_id: str, _: AppointmentReader, deps: InjectedDeps
) -> CancellationView:
    return await cancellations.get_appointment_cancellation(store_id, appointment_id, deps)
