"""Vehicles at a counter (到店识别)."""

from typing import Annotated

from fastapi import Path
from fastapi.responses import JSONResponse

from services.crm.application import customers, timelines, vehicle_people, vehicles, vin_corrections
from services.crm.application.customers import CustomerVehicleView
from services.crm.application.registration import RegisterCustomerResponse
from services.crm.application.timelines import Timeline
from services.crm.application.vehicle_people import (
    AddVehiclePersonRequest,
    EndVehiclePersonRequest,
    VehiclePersonChanged,
)
from services.crm.application.vehicles import RegisteredCustomer, VehicleView
from services.crm.application.vin_corrections import CorrectVinRequest, VinCorrected
from services.crm.entrypoints.http.access import (
    FrontOfficeCommand,
    FrontOfficePersonCommand,
    InjectedDeps,
    Reader,
    ReferenceReader,
    SeenStores,
    TimelinePage,
    VehicleReader,
)
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


@router.get("/vehicle-records/{vehicle_ref}", tags=["customers"], openapi_extra=serves("R19"))
async def get_vehicle_record(
    store_id: str, vehicle_ref: str, principal: Reader, deps: InjectedDeps
) -> CustomerVehicleView:
    return await customers.get_vehicle_record(store_id, vehicle_ref, principal, deps)


@router.get(
    "/vehicle-records/{vehicle_ref}/timeline",
    tags=["customers"],
    openapi_extra=serves("R16", "R19", "R21"),
)
async def get_vehicle_timeline(
    store_id: str,
    vehicle_ref: str,
    stores: SeenStores,
    principal: Reader,
    deps: InjectedDeps,
    after: TimelinePage = None,
) -> Timeline:
    return await timelines.get_vehicle_timeline(
        store_id, vehicle_ref, after, await stores(), principal, deps
    )


@router.get("/registered-customers/{customer_ref}", tags=["customers"], openapi_extra=serves("R19"))
async def get_registered_customer(
    store_id: str, customer_ref: str, _: ReferenceReader, deps: InjectedDeps
) -> RegisteredCustomer:
    """Return a customer who is in this store's customer records, with all their references.

    Other services check with it before they refer to a customer.
    """
    return await vehicles.get_registered_customer(store_id, customer_ref, deps)


@router.post(
    "/registered-vehicles/{vehicle_ref}/vin",
    response_model=VinCorrected,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def correct_vin(
    vehicle_ref: str,
    body: CorrectVinRequest,
    command: FrontOfficePersonCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Correct the VIN of a vehicle (更正车架号); its reference and its history stay."""
    return await command.run(lambda uow: vin_corrections.correct_vin(uow, vehicle_ref, body, deps))


@router.post(
    "/registered-vehicles/{vehicle_ref}/people",
    status_code=201,
    response_model=VehiclePersonChanged,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def add_vehicle_person(
    vehicle_ref: str, body: AddVehiclePersonRequest, command: FrontOfficeCommand
) -> JSONResponse:
    return await command.run(
        lambda uow: vehicle_people.add_vehicle_person(uow, vehicle_ref, body), status=201
    )


@router.post(
    "/registered-vehicles/{vehicle_ref}/people/end",
    response_model=VehiclePersonChanged,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def end_vehicle_person(
    vehicle_ref: str, body: EndVehiclePersonRequest, command: FrontOfficeCommand
) -> JSONResponse:
    return await command.run(lambda uow: vehicle_people.end_vehicle_person(uow, vehicle_ref, body))
