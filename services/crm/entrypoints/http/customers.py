"""The archive of customers and their vehicles (客户档案)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.domain import customer as customers
from services.crm.domain import errors
from services.crm.domain.customer import References
from services.crm.domain.loyalty import Tier
from services.crm.entrypoints.http.access import (
    FrontOfficeCommand,
    Reader,
    personal_of,
    pool_of,
    store_router,
)
from services.crm.entrypoints.http.loyalty import Loyalty, loyalty_by_vehicle, loyalty_of
from services.crm.persistence import EncryptedCustomer, EncryptedVehicle
from shared.contracts.base import Identifier
from shared.db import Connection, transaction
from shared.duties import serves
from shared.formats import Phone, Plate, PlateKind, Vin, has_check_digit, plate_kind
from shared.ids import new_id
from shared.personal_data import PersonalData
from shared.request_model import RequestModel, RequestWithVin
from shared.unit_of_work import UnitOfWork

router = store_router()

_LARGEST_PAGE = 1000


class RegisterCustomer(RequestWithVin):
    """A person and their vehicle, as taken down at the counter or on the phone; a vehicle without a
    plate goes by its VIN."""

    name: Annotated[str, Field(min_length=1, max_length=80, description="姓名")]
    phone: Annotated[Phone, Field(description="电话")]
    plate: Annotated[Plate, Field(description="车牌号")]
    brand: Annotated[str, Field(min_length=1, max_length=40, description="品牌")]
    model: Annotated[str, Field(min_length=1, max_length=40, description="车型")]


class Resolve(RequestModel):
    """References whose names and plates a page shows; ``tiers_of`` are plates with whose customers'
    tiers it does."""

    customer_refs: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []
    plate_refs: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []
    tiers_of: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []


class Registered(BaseModel):
    """The references by which other services know the customer and the vehicle."""

    customer_ref: str
    vehicle_ref: str
    plate_ref: str


class CustomerView(Registered, Loyalty):
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


class Resolved(BaseModel):
    """Names by ``customer_ref``, plates and tiers (忠诚度等级) by ``plate_ref``; unknown and erased
    ones are absent."""

    names: dict[str, str]
    plates: dict[str, str]
    tiers: dict[str, Tier]


@router.post(
    "/customers",
    status_code=201,
    response_model=Registered,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def register_customer(
    request: Request, body: RegisterCustomer, command: FrontOfficeCommand
) -> JSONResponse:
    """Enter a customer and vehicle into the archive (建档), or bring them up to date.

    A known vehicle keeps its customer, and a known telephone number its owner: the response holds
    the references that they already have.
    """
    personal = personal_of(request)
    vehicle_ref = personal.reference("vin", body.vin)
    phone_ref = personal.reference("phone", body.phone)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection, store_id = uow.connection, command.store_id
        await persistence.lock_archive(connection, store_id)
        known = await persistence.known_vehicle(connection, store_id, vehicle_ref)
        customer_ref = (
            known.customer_ref
            if known
            else await persistence.customer_with_phone(connection, store_id, phone_ref)
            or str(new_id())
        )
        references = References(customer_ref, vehicle_ref, personal.reference("plate", body.plate))
        await _save(
            connection,
            personal,
            store_id,
            body,
            references,
            phone_ref,
            uow.now,
            command.principal.subject,
        )
        uow.publish(customers.register(store_id, references, known, uow.now), command.causation)
        return Registered.model_validate(references, from_attributes=True)

    return await command.run(use_case, status=201)


@router.get("/customers", tags=["customers"], openapi_extra=serves("R19", "R25"))
async def find_customer(
    request: Request,
    store_id: str,
    principal: Reader,
    plate: Annotated[Plate | None, Query()] = None,
    vin: Annotated[Vin | None, Query()] = None,
) -> CustomerView:
    """The customer whose vehicle has this plate, else with this VIN."""
    personal = personal_of(request)
    kind, value = ("plate", plate) if plate is not None else ("vin", vin)
    if value is None:
        raise errors.plate_or_vin()
    reference = personal.reference(kind, value)
    async with transaction(pool_of(request), [store_id]) as connection:
        row = await persistence.find_vehicle(connection, store_id, reference)
        if row is None:
            raise errors.unknown_vehicle(kind)
        loyalty = await loyalty_of(request, connection, principal, store_id, reference)
        secrets = ("name", "phone", "plate", "vin")
        known = [field for field in secrets if row[field] is not None]
        texts = await personal.decrypt_all(
            connection, store_id, [(row["customer_ref"], row[field]) for field in known]
        )
    fields = dict(row) | dict(zip(known, texts, strict=True))
    return CustomerView(
        **fields | loyalty.model_dump(),
        plate_kind=plate_kind(fields["plate"] or ""),
        vin_unusual=bool(fields["vin"]) and not has_check_digit(fields["vin"]),
    )


@router.post("/resolutions", tags=["customers"], openapi_extra=serves("R19", "R25"))
async def resolve(request: Request, store_id: str, body: Resolve, principal: Reader) -> Resolved:
    """Names, plates and tiers behind references, all that a page shows in one call."""
    personal = personal_of(request)
    async with transaction(pool_of(request), [store_id]) as connection:
        names = await persistence.encrypted_names(connection, store_id, body.customer_refs)
        plates = await persistence.encrypted_plates(connection, store_id, body.plate_refs)
        loyalty = await loyalty_by_vehicle(request, connection, principal, store_id, body.tiers_of)
        return Resolved(
            names=await _texts(personal, connection, store_id, names),
            plates=await _texts(personal, connection, store_id, plates),
            tiers={ref: each.tier for ref, each in loyalty.items() if each.tier},
        )


async def _save(
    connection: Connection,
    personal: PersonalData,
    store_id: str,
    body: RegisterCustomer,
    references: References,
    phone_ref: str,
    now: datetime,
    by: str,
) -> None:
    async def encrypted(text: str) -> bytes:
        return await personal.encrypt(connection, store_id, references.customer_ref, text)

    customer = EncryptedCustomer(
        references.customer_ref, phone_ref, await encrypted(body.name), await encrypted(body.phone)
    )
    vehicle = EncryptedVehicle(
        references, await encrypted(body.plate), await encrypted(body.vin), body.brand, body.model
    )
    await persistence.save_customer(connection, store_id, customer, now, by)
    await persistence.save_vehicle(connection, store_id, vehicle)


async def _texts(
    personal: PersonalData, connection: Connection, store_id: str, rows: Sequence[Any]
) -> dict[str, str]:
    texts = await personal.decrypt_all(
        connection, store_id, [(row["subject"], row["encrypted"]) for row in rows]
    )
    return {row["ref"]: text for row, text in zip(rows, texts, strict=True) if text is not None}
