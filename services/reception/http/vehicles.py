"""What is known of a vehicle that stands at reception."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import BaseModel

from services.reception import store
from services.reception.archive import KnownVehicle
from services.reception.domain import recall as recalls
from services.reception.domain.lifecycle import Stage
from services.reception.http.access import archive_of, catalogue_of, personal_of, store_router
from services.reception.http.estimates import EstimateView, offered_again
from shared.db import transaction
from shared.duties import serves
from shared.identifiers import Plate
from shared.security import Principal, caller

router = store_router()

_HISTORY = 10


class EarlierVisit(BaseModel):
    """A visit of the vehicle to this store."""

    order_id: str
    stage: Stage
    arrived_at: datetime
    odometer_km: int | None
    operations: Sequence[str]
    symptoms: Sequence[str]
    advisor_id: str | None


class VehicleView(BaseModel):
    """A vehicle as its plate tells it, without personal data.

    What the archive says is absent for a vehicle that it does not know, and while it is away;
    ``recalls`` are open recalls and campaigns of the catalogue, ``declined`` is work to be offered
    again.
    """

    archive_away: bool
    customer_ref: str | None
    vehicle_ref: str | None
    brand: str | None
    model: str | None
    tier: str | None
    visits: int | None
    recalls: Sequence[str]
    history: Sequence[EarlierVisit]
    declined: Sequence[EstimateView]


@router.get("/vehicles/{plate}", tags=["arrivals"], openapi_extra=serves("R2", "R25"))
async def get_vehicle(
    request: Request,
    store_id: str,
    plate: Annotated[Plate, Path()],
    principal: Annotated[Principal, Depends(caller("advisor", "manager", "agent"))],
) -> VehicleView:
    """Customer, tier, open recalls and history of the vehicle with this plate (到店识别)."""
    return await vehicle_by_plate(request, principal, store_id, plate)


async def vehicle_by_plate(
    request: Request, principal: Principal, store_id: str, plate: str
) -> VehicleView:
    """What archive and orders know; the archive may be away."""
    answer = await archive_of(request).find(principal.token, store_id, plate)
    plate_ref = personal_of(request).reference("plate", plate)
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        earlier = await store.visits_with_plate(connection, store_id, plate_ref, _HISTORY)
        declined = await offered_again(
            connection, store_id, plate_ref, request.app.state.service.clock.now()
        )
    known = answer.vehicle or KnownVehicle()
    return VehicleView(
        archive_away=answer.away,
        customer_ref=known.customer_ref,
        vehicle_ref=known.vehicle_ref,
        brand=known.brand,
        model=known.model,
        tier=known.tier,
        visits=known.visits,
        recalls=recalls.concerning(
            catalogue_of(request).recalls, known.brand or "", known.model or "", known.vin or ""
        ),
        history=[
            EarlierVisit(
                order_id=order.order_id,
                stage=order.stage,
                arrived_at=order.arrived_at,
                odometer_km=order.odometer_km,
                operations=[operation.operation_id for operation in order.operations],
                symptoms=order.symptoms,
                advisor_id=order.advisor_id,
            )
            for order in earlier
        ],
        declined=declined,
    )
