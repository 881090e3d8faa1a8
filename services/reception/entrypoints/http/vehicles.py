"""What is known of a vehicle that stands at reception."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import BaseModel

from services.reception import persistence
from services.reception.clients.crm import KnownVehicle
from services.reception.domain import recall as recalls
from services.reception.domain.lifecycle import Stage
from services.reception.domain.vehicle import VehicleIdentity
from services.reception.entrypoints.http.access import (
    archive_of,
    catalog_of,
    personal_of,
    store_router,
)
from services.reception.entrypoints.http.estimates import EstimateView, offered_again
from shared.db import transaction
from shared.duties import serves
from shared.formats import Plate
from shared.security import Principal, require_roles
from shared.sharing import log_cross_store_access

router = store_router()

_HISTORY = 10


class VisitView(BaseModel):
    """A visit of the vehicle to a store of the group."""

    store_id: str
    order_id: str
    stage: Stage
    arrived_at: datetime
    odometer_km: int | None
    operations: Sequence[str]
    symptoms: Sequence[str]
    advisor_id: str | None


class VehicleView(BaseModel):
    """A vehicle as its plate tells it, without personal data.

    What the archive says is absent for a vehicle that it does not know, and while it is
    unavailable. ``tier`` and ``visits`` are the customer's in all stores of the group; ``recalls``
    are open recalls and campaigns of the catalog, ``history`` are the vehicle's last visits to any
    store of the group, ``declined`` is work to be offered again.
    """

    archive_away: bool
    customer_ref: str | None
    vehicle_ref: str | None
    brand: str | None
    model: str | None
    tier: str | None
    visits: int | None
    recalls: Sequence[str]
    history: Sequence[VisitView]
    declined: Sequence[EstimateView]


@router.get("/vehicles/{plate}", tags=["arrivals"], openapi_extra=serves("R2", "R16", "R25"))
async def get_vehicle(
    request: Request,
    store_id: str,
    plate: Annotated[Plate, Path()],
    principal: Annotated[Principal, Depends(require_roles("advisor", "manager", "agent"))],
) -> VehicleView:
    """Customer, tier, open recalls and history of the vehicle with this plate (到店识别)."""
    return await vehicle_by_plate(request, principal, store_id, plate)


async def vehicle_by_plate(
    request: Request, principal: Principal, store_id: str, plate: str
) -> VehicleView:
    """What archive and orders know; the archive may be unavailable."""
    response = await archive_of(request).find(principal.token, store_id, plate)
    known = response or KnownVehicle()
    plate_ref = personal_of(request).reference("plate", plate)
    vehicle = VehicleIdentity(plate_ref, known.vehicle_ref)
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        earlier = await persistence.visits_in_group(connection, vehicle, _HISTORY)
        declined = await offered_again(
            connection, store_id, vehicle, request.app.state.service.clock.now()
        )
    seen = [visit.store_id for visit in earlier]
    log_cross_store_access(
        "visits to other stores shown", principal, store_id, seen, plate_ref=plate_ref
    )
    return VehicleView(
        archive_away=response is None,
        customer_ref=known.customer_ref,
        vehicle_ref=known.vehicle_ref,
        brand=known.brand,
        model=known.model,
        tier=known.tier,
        visits=known.visits,
        recalls=recalls.concerning(
            catalog_of(request).recalls, known.brand or "", known.model or "", known.vin or ""
        ),
        history=[VisitView.model_validate(each, from_attributes=True) for each in earlier],
        declined=declined,
    )
