"""The records of customers and their vehicles (客户档案)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.loyalty import Loyalty, loyalty_by_vehicle, loyalty_of
from services.crm.domain import customer as customers
from services.crm.domain import errors
from services.crm.domain.customer import References
from services.crm.domain.loyalty import Tier
from services.crm.persistence import EncryptedCustomer, EncryptedVehicle
from shared.contracts.base import Identifier
from shared.db import Connection
from shared.formats import Phone, Plate, PlateKind, has_check_digit, plate_kind
from shared.ids import new_id
from shared.personal_data import PersonalData
from shared.request_model import RequestModel, RequestWithVin
from shared.security import Principal
from shared.unit_of_work import UnitOfWork

_LARGEST_PAGE = 1000


class RegisterCustomerRequest(RequestWithVin):
    """A person and their vehicle, as taken down at the counter or on the phone.

    A vehicle without a plate is identified by its VIN.
    """

    name: Annotated[str, Field(min_length=1, max_length=80, description="姓名")]
    phone: Annotated[Phone, Field(description="电话")]
    plate: Annotated[Plate, Field(description="车牌号")]
    brand: Annotated[str, Field(min_length=1, max_length=40, description="品牌")]
    model: Annotated[str, Field(min_length=1, max_length=40, description="车型")]


class ResolveRequest(RequestModel):
    """References whose names and plates a page shows.

    ``tiers_of`` are the plates for which it also shows the customers' tiers.
    """

    customer_refs: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []
    plate_refs: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []
    tiers_of: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []


class RegisterCustomerResponse(BaseModel):
    """The references by which other services know the customer and the vehicle."""

    customer_ref: str
    vehicle_ref: str
    plate_ref: str


class CustomerView(RegisterCustomerResponse, Loyalty):
    """A customer with one vehicle; what was erased is absent.

    ``plate_kind`` is that of a special plate (特殊号牌); ``vin_unusual``: its check digit is wrong,
    and a person has confirmed it.
    """

    name: str | None
    phone: str | None
    plate: str | None
    plate_kind: PlateKind | None
    vin: str | None
    vin_unusual: bool
    brand: str
    model: str


class ResolveResponse(BaseModel):
    """Names by ``customer_ref``, plates and tiers (忠诚度等级) by ``plate_ref``.

    Unknown and erased ones are absent.
    """

    names: dict[str, str]
    plates: dict[str, str]
    tiers: dict[str, Tier]


async def register_customer(
    uow: UnitOfWork, command: RegisterCustomerRequest, deps: Deps
) -> RegisterCustomerResponse:
    """Enter a customer and vehicle into customer records, or update them.

    A known vehicle keeps its customer, and a known telephone number its owner.
    """
    connection, store_id, personal = uow.connection, uow.store_id, deps.personal
    vehicle_ref = personal.reference("vin", command.vin)
    phone_ref = personal.reference("phone", command.phone)
    await persistence.lock_customer_records(connection, store_id)
    known = await persistence.known_vehicle(connection, store_id, vehicle_ref)
    customer_ref = (
        known.customer_ref
        if known
        else await persistence.customer_with_phone(connection, store_id, phone_ref) or str(new_id())
    )
    references = References(customer_ref, vehicle_ref, personal.reference("plate", command.plate))

    async def encrypted(text: str) -> bytes:
        return await personal.encrypt(connection, store_id, customer_ref, text)

    customer = EncryptedCustomer(
        customer_ref=customer_ref,
        phone_ref=phone_ref,
        name=await encrypted(command.name),
        phone=await encrypted(command.phone),
        registered_at=uow.now,
    )
    vehicle = EncryptedVehicle(
        **asdict(references),
        plate=await encrypted(command.plate),
        vin=await encrypted(command.vin),
        brand=command.brand,
        model=command.model,
    )
    await persistence.save_customer(connection, store_id, customer, uow.now, uow.person)
    await persistence.save_vehicle(connection, store_id, vehicle)
    uow.publish(customers.register(store_id, references, known, uow.now))
    return RegisterCustomerResponse.model_validate(references, from_attributes=True)


async def find_customer(
    store_id: str, plate: str | None, vin: str | None, principal: Principal, deps: Deps
) -> CustomerView:
    """Find the customer whose vehicle has this plate, else with this VIN.

    Raises:
        RuleViolation: neither is named, or no vehicle of the store has it.
    """
    kind, value = ("plate", plate) if plate is not None else ("vin", vin)
    if value is None:
        raise errors.plate_or_vin()
    reference = deps.personal.reference(kind, value)
    async with deps.uow_factory.read(store_id) as connection:
        row = await persistence.find_vehicle(connection, store_id, reference)
        if row is None:
            raise errors.unknown_customer(kind)
        loyalty = await loyalty_of(connection, store_id, reference, principal, deps)
        secrets = ("name", "phone", "plate", "vin")
        known = [field for field in secrets if row[field] is not None]
        texts = await deps.personal.decrypt_all(
            connection, store_id, [(row["customer_ref"], row[field]) for field in known]
        )
    fields = dict(row) | dict(zip(known, texts, strict=True))
    return CustomerView(
        **fields | loyalty.model_dump(),
        plate_kind=plate_kind(fields["plate"] or ""),
        vin_unusual=bool(fields["vin"]) and not has_check_digit(fields["vin"]),
    )


async def resolve(
    store_id: str, query: ResolveRequest, principal: Principal, deps: Deps
) -> ResolveResponse:
    """Return the names, plates and tiers of the references on a page."""
    async with deps.uow_factory.read(store_id) as connection:
        names = await persistence.encrypted_names(connection, store_id, query.customer_refs)
        plates = await persistence.encrypted_plates(connection, store_id, query.plate_refs)
        loyalty = await loyalty_by_vehicle(connection, store_id, query.tiers_of, principal, deps)
        return ResolveResponse(
            names=await _texts(connection, store_id, names, deps.personal),
            plates=await _texts(connection, store_id, plates, deps.personal),
            tiers={ref: each.tier for ref, each in loyalty.items() if each.tier},
        )


async def _texts(
    connection: Connection,
    store_id: str,
    encrypted: Mapping[str, tuple[str, bytes]],
    personal: PersonalData,
) -> dict[str, str]:
    texts = await personal.decrypt_all(connection, store_id, list(encrypted.values()))
    return {ref: text for ref, text in zip(encrypted, texts, strict=True) if text is not None}
