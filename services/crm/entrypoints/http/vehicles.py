"""Vehicles at a counter (到店识别)."""

from typing import Annotated

from fastapi import Path

from services.crm.application import vehicles
from services.crm.application.customers import RegisterCustomerResponse
from services.crm.application.vehicles import RegisteredCustomer, VehicleView
from services.crm.entrypoints.http.access import InjectedDeps, Reader, VehicleReader
from shared.formats import Plate
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/vehicles/{plate}", tags=["customers"], openapi_extra=serves("R2", "R16", "R25"))
async def get_vehicle(
    store_id: str, plate: Annotated[Plate, Path()], principal: Reader, deps: InjectedDeps
) -> VehicleView:
    return await vehicles.get_vehicle(store_id, plate, principal, deps)


@router.get(
    "/registered-vehicles/{vehicle_ref}", tags=["customers"], openapi_extra=serves("R2", "R19")
)
async def get_registered_vehicle(
    store_id: str, vehicle_ref: str, _: VehicleReader, deps: InjectedDeps
) -> RegisterCustomerResponse:
    return await vehicles.get_registered_vehicle(store_id, vehicle_ref, deps)


@router.get("/registered-customers/{customer_ref}", tags=["customers"], openapi_extra=serves("R19"))
async def get_registered_customer(
    store_id: str, customer_ref: str, _: Reader, deps: InjectedDeps
) -> RegisteredCustomer:
    """Return a customer who is in this store's customer records.

    Other services check with it before they refer to a customer.
    """
    return await vehicles.get_registered_customer(store_id, customer_ref, deps)
