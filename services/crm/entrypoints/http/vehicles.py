"""Vehicles that stand at a counter (到店识别)."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel

from services.crm import persistence
from services.crm.entrypoints.http.access import Reader, personal_of, pool_of, store_router
from services.crm.entrypoints.http.customers import Registered
from services.crm.entrypoints.http.loyalty import Loyalty, loyalty_of
from shared.contracts.violations import unknown
from shared.db import Connection, transaction
from shared.duties import serves
from shared.formats import Plate
from shared.personal_data import PersonalData

router = store_router()

_PLAIN = ("customer_ref", "vehicle_ref", "brand", "model")


class VehicleView(Loyalty):
    """A vehicle as its plate tells it, without its customer's name and telephone number; what this
    store's archive does not know is absent."""

    customer_ref: str | None = None
    vehicle_ref: str | None = None
    vin: str | None = None
    brand: str | None = None
    model: str | None = None


@router.get("/vehicles/{plate}", tags=["customers"], openapi_extra=serves("R2", "R16", "R25"))
async def get_vehicle(
    request: Request, store_id: str, plate: Annotated[Plate, Path()], principal: Reader
) -> VehicleView:
    """What this store's archive knows of the vehicle with this plate, and how loyal its customer is
    to the group; also of a vehicle that only other stores know."""
    personal = personal_of(request)
    plate_ref = personal.reference("plate", plate)
    async with transaction(pool_of(request), [store_id]) as connection:
        loyalty = await loyalty_of(request, connection, principal, store_id, plate_ref)
        known = await _known(connection, personal, store_id, plate_ref)
    return VehicleView(**loyalty.model_dump(), **known)


@router.get(
    "/registered-vehicles/{vehicle_ref}", tags=["customers"], openapi_extra=serves("R2", "R19")
)
async def get_registered_vehicle(
    request: Request, store_id: str, vehicle_ref: str, _: Reader
) -> Registered:
    """The references of a vehicle and its customer in this store's archive."""
    async with transaction(pool_of(request), [store_id]) as connection:
        known = await persistence.known_vehicle(connection, store_id, vehicle_ref)
    if known is None:
        raise unknown("vehicle_ref", vehicle_ref)
    return Registered.model_validate(known, from_attributes=True)


class RegisteredCustomer(BaseModel):
    """A customer of this store's archive."""

    customer_ref: str


@router.get("/registered-customers/{customer_ref}", tags=["customers"], openapi_extra=serves("R19"))
async def get_registered_customer(
    request: Request, store_id: str, customer_ref: str, _: Reader
) -> RegisteredCustomer:
    """Whether a customer is in this store's archive, for whoever is about to refer to them."""
    async with transaction(pool_of(request), [store_id]) as connection:
        if not await persistence.encrypted_contacts(connection, store_id, [customer_ref]):
            raise unknown("customer_ref", customer_ref)
    return RegisteredCustomer(customer_ref=customer_ref)


async def _known(
    connection: Connection, personal: PersonalData, store_id: str, plate_ref: str
) -> Mapping[str, str | None]:
    row = await persistence.find_vehicle(connection, store_id, plate_ref)
    if row is None:
        return {}
    (vin,) = await personal.decrypt_all(connection, store_id, [(row["customer_ref"], row["vin"])])
    return {name: row[name] for name in _PLAIN} | {"vin": vin}
