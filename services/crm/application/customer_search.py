"""Finding a person or a vehicle (查找客户) by name, telephone number, plate or VIN."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.crm.application.contact_reads import note_reads
from services.crm.application.deps import Deps
from services.crm.application.pinyin import without_tones
from services.crm.domain.customer import CustomerKind
from services.crm.domain.search_term import RANKS, Match, Term, asked_terms
from services.crm.persistence import search_token
from services.crm.persistence.search_token import FoundRow
from shared.contracts.crm import Tier, VehicleRole
from shared.db import Connection
from shared.formats import valid_name, valid_phone, valid_plate, valid_vin
from shared.personal_data import PersonalData
from shared.request_model import RequestModel
from shared.security import Principal

_MOST_FOUND = 20
_MOST_VEHICLES = 3

_MATCHES = {rank: match for match, rank in RANKS.items()}
_WHOLE: Sequence[tuple[Match, Callable[[str], str]]] = (
    ("vin", valid_vin),
    ("plate", valid_plate),
    ("phone", valid_phone),
)


class SearchCustomersRequest(RequestModel):
    """What is known of a person or a vehicle.

    It is compared with whole names, telephone numbers, plates and VINs, with the pinyin of names
    and its initials, with the last 4 digits of a telephone number, the last 3 to 5 signs of a plate
    and the last 6 or 8 of a VIN. Nothing else within them is found.
    """

    text: Annotated[str, Field(min_length=2, max_length=80, description="姓名、电话、车牌、车架号")]


class FoundVehicle(BaseModel):
    """A vehicle of a person who was found, and their role for it; an erased plate is absent."""

    vehicle_ref: str
    role: VehicleRole
    plate: str | None
    brand: str
    model: str


class FoundCustomer(BaseModel):
    """A customer of one of the reader's stores, and what of them or of their vehicle matched."""

    store_id: str
    customer_ref: str
    kind: CustomerKind
    name: str | None
    tier: Tier | None
    matched: Match
    vehicles: list[FoundVehicle]


async def search_customers(
    store_id: str,
    query: SearchCustomersRequest,
    stores: Collection[str],
    principal: Principal,
    deps: Deps,
) -> list[FoundCustomer]:
    """Find up to 20 customers of the reader's ``stores`` (查找客户), the closest matches first.

    Who has seen them is recorded, without what was typed.
    """
    terms = set(_terms(query.text))
    if not terms:
        return []
    async with deps.uow_factory.read(*stores) as connection:
        found = await search_token.find_by_terms(
            connection, deps.personal, terms, stores, store_id, _MOST_FOUND
        )
        customers = await _named(connection, found, deps.personal)
        vehicles = await _vehicles(connection, found, deps.personal)
        for store in {each.store_id for each in found}:
            refs = [each.customer_ref for each in found if each.store_id == store]
            await note_reads(connection, store, refs, principal, "search_customers", deps)
    matches = {(each.store_id, each.customer_ref): _MATCHES[each.place] for each in found}
    return [
        FoundCustomer(**customers[key], matched=match, vehicles=vehicles.get(key, []))
        for key, match in matches.items()
        if key in customers
    ]


def _terms(text: str) -> Iterator[Term]:
    """Yield by what a text may be found, whole values first."""
    for match, valid in _WHOLE:
        try:
            yield Term(match, valid(text))
        except ValueError:
            continue
    try:
        yield from asked_terms(without_tones(valid_name(text)))
    except ValueError:
        return


async def _named(
    connection: Connection, found: Sequence[FoundRow], personal: PersonalData
) -> Mapping[tuple[str, str], dict[str, Any]]:
    rows = await search_token.found_customers(connection, found)
    names = await personal.decrypt_of_stores(
        connection, [(row["store_id"], row["customer_ref"], row["name"]) for row in rows]
    )
    return {
        (row["store_id"], row["customer_ref"]): {**row, "name": name}
        for row, name in zip(rows, names, strict=True)
    }


async def _vehicles(
    connection: Connection, found: Sequence[FoundRow], personal: PersonalData
) -> Mapping[tuple[str, str], list[FoundVehicle]]:
    rows = await search_token.vehicles_of_found(connection, found, _MOST_VEHICLES)
    plated = [row for row in rows if row["plate"] is not None]
    texts = await personal.decrypt_of_stores(
        connection, [(row["store_id"], row["plate_subject"], row["plate"]) for row in plated]
    )
    plates = {
        (row["store_id"], row["vehicle_ref"]): text for row, text in zip(plated, texts, strict=True)
    }
    vehicles: dict[tuple[str, str], list[FoundVehicle]] = {}
    for row in rows:
        vehicles.setdefault((row["store_id"], row["customer_ref"]), []).append(
            FoundVehicle(
                vehicle_ref=row["vehicle_ref"],
                role=row["role"],
                plate=plates.get((row["store_id"], row["vehicle_ref"])),
                brand=row["brand"],
                model=row["model"],
            )
        )
    return vehicles
