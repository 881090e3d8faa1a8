"""Tokens by which customers and vehicles are found (查找), kept up to date."""

from services.crm.application.pinyin import readings
from services.crm.domain.search_term import terms_of_name, terms_of_plate, terms_of_vin
from services.crm.persistence.search_token import make_findable
from shared.db import Connection
from shared.formats import plate_kind
from shared.personal_data import PersonalData


async def find_by_name(
    connection: Connection, personal: PersonalData, store_id: str, customer_ref: str, name: str
) -> None:
    """Have a customer found by their name, its pinyin and initials."""
    terms = terms_of_name(name, readings(name))
    await make_findable(connection, personal, store_id, "name", customer_ref, terms)


async def find_by_vehicle(
    connection: Connection,
    personal: PersonalData,
    store_id: str,
    vehicle_ref: str,
    plate: str,
    vin: str,
) -> None:
    """Have the people of a vehicle found by its VIN, and by its plate unless it has none yet."""
    plated = terms_of_plate(plate) if plate_kind(plate) != "unregistered" else ()
    await make_findable(connection, personal, store_id, "plate", vehicle_ref, plated)
    await make_findable(connection, personal, store_id, "vin", vehicle_ref, terms_of_vin(vin))
