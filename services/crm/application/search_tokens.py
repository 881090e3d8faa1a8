"""Tokens by which customers and vehicles are found (查找), kept up to date."""

from collections.abc import Collection

from services.crm.application.deps import Deps
from services.crm.application.nightly import BATCH
from services.crm.application.pinyin import readings
from services.crm.domain.search_term import (
    Source,
    Term,
    terms_of_name,
    terms_of_phone,
    terms_of_plate,
    terms_of_vin,
)
from services.crm.persistence import search_token as tokens
from services.crm.persistence.search_token import make_findable
from shared import timers
from shared.db import Connection
from shared.formats import plate_kind
from shared.personal_data import PersonalData
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

MAKE_FINDABLE = "make_findable"

_AFTER = "after"


async def find_by_name(
    connection: Connection, personal: PersonalData, store_id: str, customer_ref: str, name: str
) -> None:
    """Have a customer found by their name, its pinyin and initials."""
    await make_findable(
        connection, personal, store_id, "name", customer_ref, _terms_of("name", name)
    )


async def find_by_vehicle(
    connection: Connection,
    personal: PersonalData,
    store_id: str,
    vehicle_ref: str,
    plate: str,
    vin: str,
) -> None:
    """Have the people of a vehicle found by its VIN, and by its plate unless it has none yet."""
    plated = _terms_of("plate", plate)
    await make_findable(connection, personal, store_id, "plate", vehicle_ref, plated)
    await find_by_vin(connection, personal, store_id, vehicle_ref, vin)


async def find_by_vin(
    connection: Connection, personal: PersonalData, store_id: str, vehicle_ref: str, vin: str
) -> None:
    """Have the people of a vehicle found by its VIN, and by no earlier one."""
    await make_findable(connection, personal, store_id, "vin", vehicle_ref, _terms_of("vin", vin))


async def make_earlier_findable(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Have the next customers found who were registered before there were tokens (补建查找索引).

    What has tokens keeps them. The last batch of a store leaves no timer.
    """
    connection, store_id = uow.connection, timer.store_id
    refs = await tokens.lock_customers_after(
        connection, store_id, timer.data.get(_AFTER, ""), BATCH
    )
    found = await tokens.lock_findable(connection, store_id, refs)
    texts = await deps.personal.decrypt_all(
        connection, store_id, [(each.data_subject_id, each.encrypted) for each in found]
    )
    await tokens.add_tokens(
        connection,
        deps.personal,
        store_id,
        [
            (each.source, each.source_id, _terms_of(each.source, text))
            for each, text in zip(found, texts, strict=True)
            if text is not None
        ],
    )
    if len(refs) == BATCH:
        await timers.schedule(
            uow,
            MAKE_FINDABLE,
            store_id,
            store_id=store_id,
            due_at=uow.now,
            data={_AFTER: refs[-1]},
        )


def _terms_of(source: Source, text: str) -> Collection[Term]:
    """Return what a name, a telephone number, a plate or a VIN is found by."""
    if source == "name":
        return terms_of_name(text, readings(text))
    if source == "phone":
        return terms_of_phone(text)
    if source == "vin":
        return terms_of_vin(text)
    return terms_of_plate(text) if plate_kind(text) != "unregistered" else ()
