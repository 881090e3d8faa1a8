"""Known facts of a vehicle at reception."""

from typing import Annotated

from fastapi import Depends, Path

from services.reception.application import vehicles
from services.reception.application.vehicles import VehicleView
from services.reception.entrypoints.http.access import InjectedDeps
from shared.formats import Plate
from shared.requirements import serves
from shared.routing import StoreRouter
from shared.security import Principal, require_roles

router = StoreRouter()


@router.get("/vehicles/{plate}", tags=["arrivals"], openapi_extra=serves("R2", "R16", "R25"))
async def get_vehicle(
    store_id: str,
    plate: Annotated[Plate, Path()],
    principal: Annotated[
        Principal,
        Depends(require_roles("service_advisor", "service_manager", "customer_care_agent")),
    ],
    deps: InjectedDeps,
) -> VehicleView:
    """Customer, tier, open recalls and history of the vehicle with this plate (到店识别)."""
    return await vehicles.get_vehicle(principal, store_id, plate, deps)
