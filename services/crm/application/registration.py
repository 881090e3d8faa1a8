"""Registration of customers and their vehicles (建档)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from services.crm import persistence
from services.crm.application.assignments import request_agent
from services.crm.application.deps import Deps
from services.crm.application.duplicates import find_duplicates
from services.crm.application.search_tokens import find_by_name, find_by_vehicle
from services.crm.domain import customer as customers
from services.crm.domain.customer import (
    Answer,
    CustomerKind,
    Decision,
    OtherRole,
    Recognition,
)
from services.crm.persistence import EncryptedCustomer, EncryptedVehicle, PlateOnVehicle
from services.crm.persistence.persons import set_own_contact_point
from shared.contracts.base import Identifier
from shared.formats import Name, Phone, Plate, has_check_digit
from shared.ids import new_id
from shared.personal_data import PersonalData
from shared.request_model import RequestModel, RequestWithVin
from shared.unit_of_work import UnitOfWork


class RegistrationDecision(RequestModel):
    """The person with a vehicle or telephone number that is known by another name or number.

    ``same_person``: the customer ``customer_ref``, whose name and telephone number become those of
    the registration. ``another_person``: a person of the household, a driver, a payer or who brings
    it, in a ``role``. ``new_owner``: the vehicle was bought from its owner ``customer_ref`` (过户).
    """

    answer: Answer
    customer_ref: Identifier | None = None
    role: OtherRole = "driver"

    @model_validator(mode="after")
    def _names_the_customer(self) -> Self:
        if self.answer != "another_person" and self.customer_ref is None:
            raise ValueError(f"customer_ref is required for {self.answer}")
        return self


class RegisterCustomerRequest(RequestWithVin):
    """A customer and their vehicle, as taken down at the counter or on the phone.

    A vehicle without a plate is identified by its VIN. ``vehicle_ref`` is the reference that it got
    at first sight, which it keeps unless its VIN already has another.
    """

    kind: CustomerKind = "person"
    name: Annotated[Name, Field(description="姓名或单位名称")]
    phone: Annotated[Phone, Field(description="电话")]
    plate: Annotated[Plate, Field(description="车牌号")]
    brand: Annotated[str, Field(min_length=1, max_length=40, description="品牌")]
    model: Annotated[str, Field(min_length=1, max_length=40, description="车型")]
    vehicle_ref: Identifier | None = None
    decision: RegistrationDecision | None = None


class RegisterCustomerResponse(BaseModel):
    """The references by which other services know the customer who came and the vehicle."""

    customer_ref: str
    vehicle_ref: str
    plate_ref: str


@dataclass(frozen=True)
class _Lookups:
    """Keyed hashes by which a registration is looked up."""

    vin_ref: str
    plate_ref: str
    phone_ref: str
    name_ref: str


async def register_customer(
    uow: UnitOfWork, command: RegisterCustomerRequest, deps: Deps
) -> RegisterCustomerResponse:
    """Enter a customer and vehicle into customer records, or recognize them.

    A customer is recognized by name and telephone number together. Where a known vehicle or number
    comes with another name or number, a decision says who it is; nothing is changed without one.

    Raises:
        RuleViolation: a decision is needed (``person_undecided``), with the possibilities.
    """
    response, _ = await enter_customer(uow, command, deps)
    await find_duplicates(uow, [response.customer_ref], deps)
    return response


async def lock_registrations(
    uow: UnitOfWork, commands: Iterable[RegisterCustomerRequest], deps: Deps
) -> None:
    """Lock the numbers, plates and VINs of registrations against others, all in one order."""
    vehicles: set[str] = set()
    people: set[str] = set()
    for command in commands:
        lookups = _lookups(command, deps.personal)
        vehicles.update([lookups.vin_ref, *filter(None, [command.vehicle_ref])])
        people.update([lookups.phone_ref, lookups.plate_ref])
    await persistence.lock_registration(
        uow.connection, uow.store_id, vehicle=sorted(vehicles), customer=sorted(people)
    )


async def enter_customer(
    uow: UnitOfWork, command: RegisterCustomerRequest, deps: Deps
) -> tuple[RegisterCustomerResponse, bool]:
    """Enter a customer and vehicle, or recognize them; return whether the customer is new.

    Raises:
        RuleViolation: as :func:`register_customer`.
    """
    connection, store_id = uow.connection, uow.store_id
    lookups = _lookups(command, deps.personal)
    await lock_registrations(uow, [command], deps)
    vehicle_ref = await _vehicle_ref(uow, lookups.vin_ref, command.vehicle_ref)
    candidates = await persistence.candidates(
        connection, store_id, vehicle_ref, lookups.phone_ref, lookups.name_ref
    )
    decided = command.decision
    decision = Decision(**decided.model_dump()) if decided else None
    recognition = customers.recognize(candidates, decision)
    customer_ref = await _save_customer(uow, command, recognition, lookups, deps.personal)
    await _save_vehicle(uow, command, vehicle_ref, customer_ref, recognition, lookups, deps)
    await request_agent(uow, customer_ref)
    response = RegisterCustomerResponse(
        customer_ref=customer_ref, vehicle_ref=vehicle_ref, plate_ref=lookups.plate_ref
    )
    return response, recognition.customer_ref is None


def name_reference(name: str, personal: PersonalData) -> str:
    """Return the keyed hash by which two spellings of a name are one."""
    return personal.reference("name", name.casefold())


def person_reference(name: str, phone: str, personal: PersonalData) -> str:
    """Return the keyed hash by which a person is known in other stores of the group."""
    return personal.reference("person", f"{name.casefold()}\n{phone}")


def _lookups(command: RegisterCustomerRequest, personal: PersonalData) -> _Lookups:
    return _Lookups(
        vin_ref=personal.reference("vin", command.vin),
        plate_ref=personal.reference("plate", command.plate),
        phone_ref=personal.reference("phone", command.phone),
        name_ref=name_reference(command.name, personal),
    )


async def _vehicle_ref(uow: UnitOfWork, vin_ref: str, first_sight: str | None) -> str:
    """Return the reference of the vehicle with a VIN, in any store of the group.

    A VIN that is new goes to the reference of the first sight, unless that has another VIN.
    """
    known = await persistence.identities_in_group(uow.connection, vin_ref, first_sight)
    for vehicle_ref, its_vin_ref in known.items():
        if its_vin_ref == vin_ref:
            return vehicle_ref
    return first_sight if first_sight and first_sight not in known else str(new_id())


async def _save_customer(
    uow: UnitOfWork,
    command: RegisterCustomerRequest,
    recognition: Recognition,
    lookups: _Lookups,
    personal: PersonalData,
) -> str:
    """Enter a new customer, or correct one by decision; return the reference."""
    connection, store_id = uow.connection, uow.store_id
    known_ref = recognition.customer_ref
    if known_ref is not None and not recognition.corrects:
        return known_ref
    customer_ref = known_ref or str(new_id())
    version = 1
    if known_ref is not None:
        row = await persistence.find_customer_row(connection, store_id, known_ref)
        version = row["version"] + 1
    customer = EncryptedCustomer(
        customer_ref=customer_ref,
        kind=command.kind,
        name=await personal.encrypt(connection, store_id, customer_ref, command.name),
        name_ref=lookups.name_ref,
        person_ref=person_reference(command.name, command.phone, personal),
        version=version,
        changed_by=uow.person,
        changed_at=uow.now,
    )
    await persistence.save_customer(connection, store_id, customer, uow.now)
    await find_by_name(connection, personal, store_id, customer_ref, command.name)
    if not recognition.same_phone:
        await set_own_contact_point(
            connection,
            personal,
            store_id,
            customer_ref,
            "phone",
            command.phone,
            uow.person,
            uow.now,
            at_registration=known_ref is None,
        )
    return customer_ref


async def _save_vehicle(
    uow: UnitOfWork,
    command: RegisterCustomerRequest,
    vehicle_ref: str,
    customer_ref: str,
    recognition: Recognition,
    lookups: _Lookups,
    deps: Deps,
) -> None:
    """Enter the vehicle or update it, with its plate and the person in their role."""
    connection, store_id = uow.connection, uow.store_id
    known = await persistence.known_vehicle(connection, store_id, vehicle_ref)
    owner_ref = customer_ref if known is None or recognition.role == "owner" else known.customer_ref
    same_owner = known is not None and known.customer_ref == owner_ref
    subject = known.data_subject_id if known and same_owner else owner_ref

    async def encrypted(text: str) -> bytes:
        return await deps.personal.encrypt(connection, store_id, subject, text)

    vehicle = EncryptedVehicle(
        vehicle_ref=vehicle_ref,
        customer_ref=subject,
        owned_since=known.owned_since if known and same_owner else uow.now,
        vin_ref=lookups.vin_ref,
        vin=await encrypted(command.vin),
        brand=command.brand,
        model=command.model,
    )
    await persistence.save_vehicle(connection, store_id, vehicle)
    plate = PlateOnVehicle(
        vehicle_ref=vehicle_ref,
        customer_ref=subject,
        plate_ref=lookups.plate_ref,
        plate=await encrypted(command.plate),
    )
    await persistence.put_plate_on(connection, store_id, plate, uow.now)
    await find_by_vehicle(
        connection, deps.personal, store_id, vehicle_ref, command.plate, command.vin
    )
    if known is None:
        uow.publish(
            customers.identify(store_id, vehicle_ref, not has_check_digit(command.vin), uow.now)
        )
    if same_owner and customer_ref == owner_ref:
        return
    new = await persistence.add_vehicle_person(
        connection, store_id, vehicle_ref, customer_ref, recognition.role, uow.person, uow.now
    )
    if new:
        former = known.customer_ref if known else None
        uow.publish(
            customers.register(
                store_id, vehicle_ref, customer_ref, recognition.role, former, uow.now
            )
        )
