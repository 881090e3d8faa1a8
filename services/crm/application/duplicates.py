"""Duplicates among the customers of a store (重复客户): found by rules, compared, decided."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice, product

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.contact_reads import note_reads
from services.crm.application.deps import Deps
from services.crm.application.nightly import BATCH, FIND_DUPLICATES, schedule_next_batch
from services.crm.application.pinyin import readings
from services.crm.domain import errors
from services.crm.domain.customer import CustomerKind
from services.crm.domain.duplicate import Known, Sign, compared, refs_of
from services.crm.persistence.persons import Person, find_persons
from shared.contracts.base import Identifier
from shared.contracts.crm import VehicleRole
from shared.db import Connection
from shared.personal_data import PersonalData
from shared.request_model import RequestModel
from shared.security import Principal
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

_MOST_COMPARED = 50
_MOST_LISTED = 50
_MOST_READINGS = 16
_AFTER = "after"


class DifferentCustomersRequest(RequestModel):
    """Two customers who are not one."""

    first_ref: Identifier
    second_ref: Identifier


class DifferentCustomers(BaseModel):
    """Two customers who are not one, as a person has decided."""

    first_ref: str
    second_ref: str


class ComparedVehicle(BaseModel):
    """A vehicle that a compared customer has to do with at present."""

    role: VehicleRole
    plate: str | None
    brand: str
    model: str


class ComparedCustomer(BaseModel):
    """A customer as compared with another one; what was erased is absent."""

    customer_ref: str
    kind: CustomerKind
    name: str | None
    phone: str | None
    email: str | None
    registered_at: datetime
    visits: int
    open_calls: int
    vehicles: Sequence[ComparedVehicle]


class DuplicateView(BaseModel):
    """Two customers who look like one, side by side.

    ``score`` says how likely they are one, up to 100; ``signs`` what they have in common.
    """

    score: int = Field(ge=0, le=100)
    signs: Sequence[Sign]
    found_at: datetime
    customers: Sequence[ComparedCustomer]


async def find_duplicates(uow: UnitOfWork, customer_refs: Collection[str], deps: Deps) -> None:
    """Look for the duplicates of these customers of the store (查重).

    Who may be one is found by keyed hashes; only those are decrypted whose names and numbers are
    then compared.
    """
    connection, store_id = uow.connection, uow.store_id
    alike = await persistence.pairs_alike(connection, store_id, customer_refs, _MOST_COMPARED)
    known = await _known(connection, store_id, refs_of(alike), deps.personal)
    pairs = [
        compared(pair, known[pair.first_ref], known[pair.second_ref])
        for pair in alike
        if pair.first_ref in known and pair.second_ref in known
    ]
    found = [pair for pair in pairs if pair.is_shown]
    await persistence.save_duplicates(connection, store_id, customer_refs, found, uow.now)


async def find_duplicates_at_night(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Look for the duplicates of a store's next customers; the last batch ends the night."""
    store = await deps.group.store(uow.connection, timer.store_id)
    customers = await persistence.customers_after(
        uow.connection, store.id, timer.data.get(_AFTER, ""), BATCH
    )
    if customers:
        await persistence.plan_for_batches(uow.connection)
        await find_duplicates(uow, customers, deps)
    more = len(customers) == BATCH
    await schedule_next_batch(
        uow, FIND_DUPLICATES, store, more=more, data={_AFTER: customers[-1]} if more else None
    )


async def list_duplicates(store_id: str, principal: Principal, deps: Deps) -> list[DuplicateView]:
    """List up to 50 pairs that wait for a decision, the most likely first, side by side.

    The read of each contact is recorded.
    """
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_duplicates(connection, store_id, _MOST_LISTED)
        refs = sorted({ref for each in found for ref in (each.first_ref, each.second_ref)})
        customers = await _side_by_side(connection, store_id, refs, deps.personal)
        await note_reads(connection, store_id, refs, principal, "list_duplicates", deps)
    return [
        DuplicateView(
            score=each.score,
            signs=each.signs,
            found_at=each.found_at,
            customers=[customers[each.first_ref], customers[each.second_ref]],
        )
        for each in found
    ]


async def set_different(uow: UnitOfWork, command: DifferentCustomersRequest) -> DifferentCustomers:
    """Record that two customers are not one (非同一人); they are not listed again.

    Raises:
        RuleViolation: it is one customer, or the store knows one of them not.
    """
    if command.first_ref == command.second_ref:
        raise errors.merged_with_itself()
    refs = (command.first_ref, command.second_ref)
    await persistence.lock_mergeable(uow.connection, uow.store_id, refs)
    await persistence.save_difference(uow.connection, uow.store_id, refs, uow.person, uow.now)
    return DifferentCustomers(first_ref=refs[0], second_ref=refs[1])


async def _known(
    connection: Connection, store_id: str, customer_refs: Sequence[str], personal: PersonalData
) -> Mapping[str, Known]:
    persons = await find_persons(connection, personal, store_id, customer_refs)
    return {ref: _compared_as(person) for ref, person in persons.items()}


def _compared_as(person: Person) -> Known:
    said = readings(person.name)
    spoken = islice(map("".join, product(*filter(None, said))), _MOST_READINGS if said else 0)
    return Known(person.name, frozenset(spoken), frozenset([person.phone] if person.phone else []))


async def _side_by_side(
    connection: Connection, store_id: str, customer_refs: Sequence[str], personal: PersonalData
) -> Mapping[str, ComparedCustomer]:
    persons = await find_persons(connection, personal, store_id, customer_refs)
    rows = await persistence.compared_records(connection, store_id, customer_refs)
    vehicles = await _vehicles(connection, store_id, customer_refs, personal)
    return {
        row["customer_ref"]: ComparedCustomer(
            **dict(row),
            **_contact(persons.get(row["customer_ref"])),
            vehicles=vehicles.get(row["customer_ref"], []),
        )
        for row in rows
    }


def _contact(person: Person | None) -> Mapping[str, str | None]:
    return {name: getattr(person, name, None) or None for name in ("name", "phone", "email")}


async def _vehicles(
    connection: Connection, store_id: str, customer_refs: Iterable[str], personal: PersonalData
) -> Mapping[str, Sequence[ComparedVehicle]]:
    rows = await persistence.compared_vehicles(connection, store_id, list(customer_refs))
    plated = [row for row in rows if row["plate"] is not None]
    texts = iter(
        await personal.decrypt_all(
            connection, store_id, [(row["plate_subject"], row["plate"]) for row in plated]
        )
    )
    vehicles: dict[str, list[ComparedVehicle]] = {}
    for row in rows:
        vehicles.setdefault(row["customer_ref"], []).append(
            ComparedVehicle(
                role=row["role"],
                plate=next(texts) if row["plate"] is not None else None,
                brand=row["brand"],
                model=row["model"],
            )
        )
    return vehicles
