"""Vehicles at a counter (到店识别)."""

from collections.abc import Mapping

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.loyalty import Loyalty, loyalty_of
from services.crm.application.registration import RegisterCustomerResponse
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.personal_data import PersonalData
from shared.security import Principal

_PLAIN = ("customer_ref", "vehicle_ref", "brand", "model")


class VehicleView(Loyalty):
    """A vehicle found by its plate, without its customer's name and telephone number.

    Values that this store's customer records do not have are absent.
    """

    customer_ref: str | None = None
    vehicle_ref: str | None = None
    vin: str | None = None
    brand: str | None = None
    model: str | None = None


class RegisteredCustomer(BaseModel):
    """A customer of this store's customer records, by the reference under which they are read.

    ``references`` are all by which facts may name the person: this one, and those of the records
    that are merged into it.
    """

    customer_ref: str
    references: list[str]


async def get_vehicle(store_id: str, plate: str, principal: Principal, deps: Deps) -> VehicleView:
    """Return the store's records of the vehicle with this plate and its customer's loyalty.

    The loyalty is that to the group; a vehicle that only other stores know is found too.
    """
    plate_ref = deps.personal.reference("plate", plate)
    async with deps.uow_factory.read(store_id) as connection:
        loyalty = await loyalty_of(connection, store_id, plate_ref, principal, deps)
        known = await _known(connection, store_id, plate_ref, deps.personal)
    return VehicleView(**loyalty.model_dump(), **known)


async def get_registered_vehicle(
    store_id: str, vehicle_ref: str, deps: Deps
) -> RegisterCustomerResponse:
    """Return the references of a vehicle and its customer in the store's customer records.

    Raises:
        RuleViolation: the store knows no such vehicle.
    """
    async with deps.uow_factory.read(store_id) as connection:
        known = await persistence.known_vehicle(connection, store_id, vehicle_ref)
    if known is None:
        raise unknown("vehicle_ref", vehicle_ref)
    return RegisterCustomerResponse.model_validate(known, from_attributes=True)


async def get_registered_customer(
    store_id: str, customer_ref: str, deps: Deps
) -> RegisteredCustomer:
    """Return a customer who is in the store's customer records.

    Raises:
        RuleViolation: the customer is not in them.
    """
    async with deps.uow_factory.read(store_id) as connection:
        read = await persistence.require_customer(connection, store_id, customer_ref)
        references = await persistence.references_of(connection, store_id, read)
    return RegisteredCustomer(customer_ref=read, references=references)


async def _known(
    connection: Connection, store_id: str, plate_ref: str, personal: PersonalData
) -> Mapping[str, str | None]:
    row = await persistence.find_vehicle(connection, store_id, plate_ref)
    if row is None:
        return {}
    (vin,) = await personal.decrypt_all(
        connection, store_id, [(row["data_subject_id"], row["vin"])]
    )
    return {name: row[name] for name in _PLAIN} | {"vin": vin}
