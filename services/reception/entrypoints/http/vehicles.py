"""Known facts of a vehicle at reception."""

from typing import Annotated

from fastapi import Path

from services.reception.application import vehicles
from services.reception.application.vehicles import VehicleView
from services.reception.entrypoints.http.access import FrontOffice, InjectedDeps
from shared.formats import Plate
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/vehicles/{plate}", tags=["arrivals"], openapi_extra=serves("R2", "R16", "R25"))
async def get_vehicle(
    store_id: str,
    plate: Annotated[Plate, Path()],
    principal: FrontOffice,
    deps: InjectedDeps,
) -> VehicleView:
    """Customer, tier, open recalls and history of the vehicle with this plate (到店识别)."""
    return await vehicles.get_vehicle(principal, store_id, plate, deps)
