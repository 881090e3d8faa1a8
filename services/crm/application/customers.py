"""The records of customers and their vehicles (客户档案): finding, reading, correcting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.contact_reads import note_reads
from services.crm.application.deps import Deps
from services.crm.application.duplicates import find_duplicates
from services.crm.application.loyalty import Loyalty, loyalty_by_vehicle, loyalty_of
from services.crm.application.registration import (
    RegisterCustomerResponse,
    name_reference,
    person_reference,
)
from services.crm.application.search_tokens import find_by_name
from services.crm.domain import errors
from services.crm.domain.customer import ContactHolder, ContactKind, CustomerKind, CustomerRecord
from services.crm.persistence import EncryptedContactPoint, EncryptedCustomer, VehiclePerson
from services.crm.persistence.persons import Person, find_person, find_persons
from shared.contracts.base import Identifier
from shared.contracts.crm import Tier, VehicleRole
from shared.contracts.versioned import loaded, require_version
from shared.db import Connection
from shared.formats import Name, PlateKind, has_check_digit, plate_kind
from shared.personal_data import PersonalData
from shared.request_model import RequestModel, Version, VersionedRequest
from shared.security import Principal
from shared.unit_of_work import UnitOfWork

_LARGEST_PAGE = 1000
_MOST_VEHICLES = 200


class ResolveRequest(RequestModel):
    """References whose names and plates a page shows.

    ``tiers_of`` are the plates for which it also shows the customers' tiers.
    """

    customer_refs: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []
    plate_refs: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []
    tiers_of: Annotated[list[Identifier], Field(max_length=_LARGEST_PAGE)] = []


class CorrectCustomerRequest(VersionedRequest):
    """Who a customer is, corrected: the same person or company as before."""

    kind: CustomerKind
    name: Annotated[Name, Field(description="姓名或单位名称")]


class CustomerChanged(BaseModel):
    """A changed record, named without what it says."""

    customer_ref: str
    version: Version


class VehiclePersonView(BaseModel):
    """A person of a vehicle (车辆关系人), until ``until`` if not at present.

    What was erased is absent.
    """

    customer_ref: str
    role: VehicleRole
    name: str | None
    phone: str | None
    since: datetime
    until: datetime | None
    set_by: str


class CustomerView(RegisterCustomerResponse, Loyalty):
    """A vehicle with its owner; what was erased is absent.

    ``plate_kind`` is that of a special plate (特殊号牌); ``vin_unusual``: its check digit is wrong,
    and a person has confirmed it. ``people`` are those of the vehicle at present, the owner first.
    """

    kind: CustomerKind
    name: str | None
    phone: str | None
    plate: str | None
    plate_kind: PlateKind | None
    vin: str | None
    vin_unusual: bool
    brand: str
    model: str
    people: Sequence[VehiclePersonView]


class ResolveResponse(BaseModel):
    """Names by ``customer_ref``, plates and tiers (忠诚度等级) by ``plate_ref``.

    Unknown and erased ones are absent.
    """

    names: dict[str, str]
    plates: dict[str, str]
    tiers: dict[str, Tier]


class ContactPointView(BaseModel):
    """A contact point (联系方式) with whose it is and who has set it."""

    contact_point_id: str
    kind: ContactKind
    holder: ContactHolder
    value: str | None
    declined: bool
    set_by: str
    set_at: datetime


class PlateView(BaseModel):
    """A plate that a vehicle had from ``since`` until ``until``."""

    plate: str | None
    since: datetime
    until: datetime | None


class CorrectedVinView(BaseModel):
    """A VIN that was wrong, until ``corrected_by`` corrected it."""

    vin: str | None
    corrected_by: str
    corrected_at: datetime


class CustomerVehicleView(BaseModel):
    """A vehicle that a customer has or had to do with, its plates and its people by date.

    ``earlier_vins`` were wrong, the latest first.
    """

    vehicle_ref: str
    vin: str | None
    earlier_vins: Sequence[CorrectedVinView]
    brand: str
    model: str
    plates: Sequence[PlateView]
    people: Sequence[VehiclePersonView]


class EarlierVersionView(BaseModel):
    """An earlier version of who a customer is, with who made it."""

    version: Version
    kind: CustomerKind
    name: str | None
    changed_by: str | None
    changed_at: datetime | None


class MergedCustomerView(BaseModel):
    """A record that is read as another customer's, with who has merged them (合并)."""

    customer_ref: str
    name: str | None
    merged_by: str
    merged_at: datetime


class CustomerDetail(BaseModel):
    """A customer with contact points, vehicles and earlier versions; what was erased is absent.

    ``merged`` are the records that are read as this customer's.
    """

    customer_ref: str
    kind: CustomerKind
    name: str | None
    registered_at: datetime
    version: Version
    changed_by: str | None
    changed_at: datetime | None
    earlier: Sequence[EarlierVersionView]
    merged: Sequence[MergedCustomerView]
    contact_points: Sequence[ContactPointView]
    vehicles: Sequence[CustomerVehicleView]


async def find_customer(
    store_id: str, plate: str | None, vin: str | None, principal: Principal, deps: Deps
) -> CustomerView:
    """Find the vehicle with this plate, else with this VIN, its owner and its other people.

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
        vehicle_ref = row["vehicle_ref"]
        loyalty = await loyalty_of(connection, store_id, vehicle_ref, principal, deps)
        people = await persistence.people_of_vehicles(connection, store_id, [vehicle_ref])
        present = [each for each in people if each.until is None]
        refs = [each.customer_ref for each in present]
        persons = await find_persons(connection, deps.personal, store_id, refs)
        await note_reads(connection, store_id, refs, principal, "find_customer", deps)
        number, vin_text = await _texts(
            connection,
            store_id,
            [(row["data_subject_id"], row["plate"]), (row["data_subject_id"], row["vin"])],
            deps.personal,
        )
    owner = persons.get(row["customer_ref"])
    return CustomerView(
        **{name: row[name] for name in ("customer_ref", "vehicle_ref", "plate_ref", "kind")},
        **loyalty.model_dump(),
        name=owner and owner.name,
        phone=owner and owner.phone,
        plate=number,
        plate_kind=plate_kind(number or ""),
        vin=vin_text,
        vin_unusual=bool(vin_text) and not has_check_digit(vin_text or ""),
        brand=row["brand"],
        model=row["model"],
        people=[_vehicle_person(each, persons) for each in present],
    )


async def get_customer(
    store_id: str, customer_ref: str, principal: Principal, deps: Deps
) -> CustomerDetail:
    """Read all that is recorded of a customer: contact points, vehicles, earlier versions.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    async with deps.uow_factory.read(store_id) as connection:
        row = await persistence.find_customer_row(connection, store_id, customer_ref)
        customer_ref = row["customer_ref"]
        await note_reads(connection, store_id, [customer_ref], principal, "get_customer", deps)
        earlier = await persistence.earlier_versions(connection, store_id, customer_ref)
        merged = await persistence.merged_into(connection, store_id, customer_ref)
        points = _distinct(await persistence.contact_points_of(connection, store_id, customer_ref))
        encrypted = [(customer_ref, each["name"]) for each in (row, *earlier)]
        encrypted += [(each["customer_ref"], each["name"]) for each in merged]
        encrypted += [(each.customer_ref, each.value) for each in points]
        texts = iter(await _texts(connection, store_id, encrypted, deps.personal))
        vehicles = await _vehicles(connection, store_id, customer_ref, deps)
    record = ("customer_ref", "kind", "registered_at", "version", "changed_by", "changed_at")
    return CustomerDetail(
        **{name: row[name] for name in record},
        name=next(texts),
        earlier=[EarlierVersionView(**dict(each) | {"name": next(texts)}) for each in earlier],
        merged=[MergedCustomerView(**dict(each) | {"name": next(texts)}) for each in merged],
        contact_points=[
            ContactPointView(
                contact_point_id=each.contact_point_id,
                kind=each.kind,
                holder=each.holder,
                value=next(texts),
                declined=each.declined,
                set_by=each.set_by,
                set_at=each.set_at,
            )
            for each in points
        ],
        vehicles=vehicles,
    )


async def get_vehicle_record(
    store_id: str, vehicle_ref: str, principal: Principal, deps: Deps
) -> CustomerVehicleView:
    """Read what is recorded of a vehicle (车辆档案): its plates and its people by date.

    Raises:
        RuleViolation: the store knows no such vehicle.
    """
    async with deps.uow_factory.read(store_id) as connection:
        row = await persistence.find_vehicle_row(connection, store_id, vehicle_ref)
        (vehicle,) = await vehicle_views(connection, store_id, [row], deps)
        refs = sorted({each.customer_ref for each in vehicle.people})
        await note_reads(connection, store_id, refs, principal, "get_vehicle_record", deps)
    return vehicle


async def correct_customer(
    uow: UnitOfWork, customer_ref: str, command: CorrectCustomerRequest, deps: Deps
) -> CustomerChanged:
    """Correct the name or kind of a customer (更正客户档案); the earlier version is kept.

    Raises:
        RuleViolation: the store knows no such customer, or the record has changed since it was
            seen.
    """
    connection, store_id, personal = uow.connection, uow.store_id, deps.personal
    await persistence.lock_customer(connection, store_id, customer_ref)
    row = await persistence.find_customer_row(connection, store_id, customer_ref)
    person = await find_person(connection, personal, store_id, customer_ref)
    record = loaded(
        CustomerRecord(
            customer_ref=customer_ref,
            kind=person.kind,
            name=person.name,
            version=row["version"],
            changed_by=row["changed_by"],
            changed_at=row["changed_at"],
        )
    )
    require_version(record, command.version)

    async def write(records: Sequence[CustomerRecord]) -> None:
        for each in records:
            encrypted = EncryptedCustomer(
                customer_ref=customer_ref,
                kind=each.kind,
                name=await personal.encrypt(connection, store_id, customer_ref, each.name),
                name_ref=name_reference(each.name, personal),
                person_ref=person_reference(each.name, person.phone, personal),
                version=each.version,
                changed_by=each.changed_by,
                changed_at=each.changed_at,
            )
            await persistence.save_customer(connection, store_id, encrypted, uow.now)
            await find_by_name(connection, personal, store_id, customer_ref, each.name)

    wanted = replace(record, kind=command.kind, name=command.name)
    (saved,) = await uow.save([wanted], write)
    await find_duplicates(uow, [customer_ref], deps)
    return CustomerChanged(customer_ref=customer_ref, version=str(saved.version))


async def resolve(
    store_id: str, query: ResolveRequest, principal: Principal, deps: Deps
) -> ResolveResponse:
    """Return the names, plates and tiers of the references on a page."""
    async with deps.uow_factory.read(store_id) as connection:
        names = await persistence.encrypted_names(connection, store_id, query.customer_refs)
        plates = await persistence.encrypted_plates(connection, store_id, query.plate_refs)
        loyalty = await loyalty_by_vehicle(connection, store_id, query.tiers_of, principal, deps)
        return ResolveResponse(
            names=await _by_reference(connection, store_id, names, deps.personal),
            plates=await _by_reference(connection, store_id, plates, deps.personal),
            tiers={ref: each.tier for ref, each in loyalty.items() if each.tier},
        )


def _distinct(points: Iterable[EncryptedContactPoint]) -> list[EncryptedContactPoint]:
    """Return each number or address once, though merged records have it too.

    It is declined if it is in any of them.
    """
    found: dict[tuple[str, str], EncryptedContactPoint] = {}
    for each in points:
        known = found.setdefault((each.kind, each.value_ref), each)
        if each.declined and not known.declined:
            found[each.kind, each.value_ref] = replace(known, declined=True)
    return list(found.values())


async def _vehicles(
    connection: Connection, store_id: str, customer_ref: str, deps: Deps
) -> list[CustomerVehicleView]:
    rows = await persistence.vehicles_of_customer(
        connection, store_id, customer_ref, _MOST_VEHICLES
    )
    return await vehicle_views(connection, store_id, rows, deps)


async def vehicle_views(
    connection: Connection, store_id: str, rows: Sequence[Any], deps: Deps
) -> list[CustomerVehicleView]:
    """Return vehicles with their plates and people by date, given their rows."""
    refs = [row["vehicle_ref"] for row in rows]
    plates = await persistence.plates_of_vehicles(connection, store_id, refs)
    people = await persistence.people_of_vehicles(connection, store_id, refs)
    persons = await find_persons(
        connection, deps.personal, store_id, sorted({each.customer_ref for each in people})
    )
    secrets = [(row["customer_ref"], row["vin"]) for row in rows]
    secrets += [(row["customer_ref"], row["plate"]) for row in plates]
    corrections = await persistence.vin_corrections(connection, store_id, refs)
    secrets += [(row["customer_ref"], row["vin"]) for row in corrections]
    texts = await _texts(connection, store_id, secrets, deps.personal)
    numbers = list(zip(plates, texts[len(rows) : len(rows) + len(plates)], strict=True))
    corrected = list(zip(corrections, texts[len(rows) + len(plates) :], strict=True))
    return [
        CustomerVehicleView(
            vehicle_ref=row["vehicle_ref"],
            vin=vin,
            earlier_vins=[
                CorrectedVinView(
                    vin=earlier,
                    corrected_by=each["corrected_by"],
                    corrected_at=each["corrected_at"],
                )
                for each, earlier in corrected
                if each["vehicle_ref"] == row["vehicle_ref"]
            ],
            brand=row["brand"],
            model=row["model"],
            plates=_over_time(
                PlateView(plate=number, since=plate["since"], until=plate["until"])
                for plate, number in numbers
                if plate["vehicle_ref"] == row["vehicle_ref"]
            ),
            people=[
                _vehicle_person(each, persons)
                for each in people
                if each.vehicle_ref == row["vehicle_ref"]
            ],
        )
        for row, vin in zip(rows, texts[: len(rows)], strict=True)
    ]


def _over_time(newest_first: Iterable[PlateView]) -> list[PlateView]:
    """Return plates, one that stays on a vehicle which changes its owner once."""
    found: list[PlateView] = []
    for each in newest_first:
        if found and (found[-1].plate, found[-1].since) == (each.plate, each.until):
            found[-1] = found[-1].model_copy(update={"since": each.since})
        else:
            found.append(each)
    return found


def _vehicle_person(each: VehiclePerson, persons: Mapping[str, Person]) -> VehiclePersonView:
    person = persons.get(each.customer_ref)
    return VehiclePersonView(
        customer_ref=each.customer_ref,
        role=each.role,
        name=person and person.name,
        phone=person and person.phone,
        since=each.since,
        until=each.until,
        set_by=each.set_by,
    )


async def _texts(
    connection: Connection,
    store_id: str,
    encrypted: Iterable[tuple[str, Any]],
    personal: PersonalData,
) -> list[str | None]:
    """Return the texts of (subject, encrypted) pairs, in their order; absent ones stay absent."""
    pairs = list(encrypted)
    known = [pair for pair in pairs if pair[1] is not None]
    texts = iter(await personal.decrypt_all(connection, store_id, known))
    return [next(texts) if content is not None else None for _, content in pairs]


async def _by_reference(
    connection: Connection,
    store_id: str,
    encrypted: Mapping[str, tuple[str, bytes]],
    personal: PersonalData,
) -> dict[str, str]:
    texts = await personal.decrypt_all(connection, store_id, list(encrypted.values()))
    return {ref: text for ref, text in zip(encrypted, texts, strict=True) if text is not None}
