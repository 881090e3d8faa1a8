"""People of a vehicle besides its owner (车辆关系人): drivers, payers, who brings it."""

from pydantic import BaseModel

from services.crm import persistence
from services.crm.domain import customer as customers
from services.crm.domain import errors
from services.crm.domain.customer import OtherRole
from shared.contracts.base import Identifier
from shared.contracts.crm import VehicleRole
from shared.contracts.violations import unknown
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class AddVehiclePersonRequest(RequestModel):
    """A customer of the store who drives, pays for or brings a vehicle from now on."""

    customer_ref: Identifier
    role: OtherRole


class EndVehiclePersonRequest(RequestModel):
    """The role of a person for the vehicle ends now."""

    customer_ref: Identifier
    role: VehicleRole


class VehiclePersonChanged(BaseModel):
    vehicle_ref: str
    customer_ref: str
    role: VehicleRole


async def add_vehicle_person(
    uow: UnitOfWork, vehicle_ref: str, command: AddVehiclePersonRequest
) -> VehiclePersonChanged:
    """Add a person to the vehicle (添加驾驶人、付款人、送修人).

    Raises:
        RuleViolation: the store knows no such vehicle or customer.
    """
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_customer(connection, store_id, command.customer_ref)
    if await persistence.known_vehicle(connection, store_id, vehicle_ref) is None:
        raise unknown("vehicle_ref", vehicle_ref)
    person = (vehicle_ref, command.customer_ref, command.role)
    if await persistence.add_vehicle_person(connection, store_id, *person, uow.person, uow.now):
        uow.publish(customers.register(store_id, *person, None, uow.now))
    return VehiclePersonChanged(**command.model_dump(), vehicle_ref=vehicle_ref)


async def end_vehicle_person(
    uow: UnitOfWork, vehicle_ref: str, command: EndVehiclePersonRequest
) -> VehiclePersonChanged:
    """End the role of a person for the vehicle; nothing is deleted.

    Raises:
        RuleViolation: the person has no such role, or is the owner, whom only another one replaces.
    """
    if command.role == "owner":
        raise errors.owner_without_successor()
    person = (vehicle_ref, command.customer_ref, command.role)
    if not await persistence.end_vehicle_person(
        uow.connection, uow.store_id, *person, uow.person, uow.now
    ):
        raise unknown("customer_ref", command.customer_ref)
    return VehiclePersonChanged(**command.model_dump(), vehicle_ref=vehicle_ref)
