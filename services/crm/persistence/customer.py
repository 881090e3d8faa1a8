"""The records of persons and their vehicles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crm.domain.customer import References
from services.crm.domain.message import AddressChange, Channel, Declinable, Language
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_KNOWN_VEHICLE = """
SELECT customer_ref, vehicle_ref, coalesce(plate_ref, '') AS plate_ref
FROM vehicle WHERE store_id = $1 AND vehicle_ref = $2
"""

_KNOWN_PHONE = """
SELECT customer_ref FROM customer
WHERE store_id = $1 AND phone_ref = $2
ORDER BY registered_at, customer_ref LIMIT 1
"""

_SET_PHONE_CHANGE = """
UPDATE customer SET address_changes = address_changes || $4
WHERE store_id = $1 AND customer_ref = $2 AND phone_ref <> $3
"""

_TAKE_PLATE_OFF = """
UPDATE vehicle SET plate_ref = NULL, plate = NULL
WHERE store_id = $1 AND plate_ref = $2 AND vehicle_ref <> $3
"""

_FIND = """
SELECT customer_ref, vehicle_ref, coalesce(plate_ref, '') AS plate_ref, name, phone, plate, vin,
       brand, model
FROM vehicle JOIN customer USING (store_id, customer_ref)
WHERE store_id = $1 AND (plate_ref = $2 OR vehicle_ref = $2)
"""

_NAMES = """
SELECT customer_ref AS ref, customer_ref AS data_subject_id, name AS encrypted
FROM customer WHERE store_id = $1 AND customer_ref = ANY ($2)
"""

_PLATES = """
SELECT plate_ref AS ref, customer_ref AS data_subject_id, plate AS encrypted
FROM vehicle WHERE store_id = $1 AND plate_ref = ANY ($2)
"""


@dataclass(frozen=True)
class EncryptedCustomer:
    """A customer as stored: personal data is encrypted under ``customer_ref``."""

    customer_ref: str
    phone_ref: str
    name: bytes
    phone: bytes
    registered_at: datetime


@dataclass(frozen=True)
class EncryptedVehicle(References):
    """A vehicle as stored: plate and VIN are encrypted under ``customer_ref``."""

    plate: bytes
    vin: bytes
    brand: str
    model: str


@dataclass(frozen=True)
class EncryptedContact:
    """A customer's contact preferences as stored.

    Addresses are encrypted under ``customer_ref``. ``address_changes`` say by channel who has set
    its address, and when.
    """

    customer_ref: str
    email: bytes | None
    wecom_id: bytes | None
    language: Language
    preferred_channel: Channel | None
    declined_channels: Sequence[Declinable]
    contact_version: int
    contact_changed_by: str | None
    contact_changed_at: datetime | None
    address_changes: Mapping[Channel, AddressChange]


CONTACTS = Table(
    "customer",
    EncryptedContact,
    key=("store_id", "customer_ref"),
    json=("address_changes",),
    added=("store_id",),
    separate=("phone_ref", "name", "phone", "registered_at"),
)

_CUSTOMERS = Table(
    "customer",
    EncryptedCustomer,
    key=("store_id", "customer_ref"),
    fixed=("registered_at",),
    added=("store_id",),
    separate=[name for name in CONTACTS.fields if name != "customer_ref"],
)

_VEHICLES = Table(
    "vehicle",
    EncryptedVehicle,
    key=("store_id", "vehicle_ref"),
    fixed=("customer_ref", "vin"),
    added=("store_id",),
)

_SELECT_CONTACTS = f"""
SELECT {CONTACTS.column_list}, name, phone
FROM customer WHERE store_id = $1 AND customer_ref = ANY ($2)
"""


async def lock_customer_records(connection: Connection, store_id: str) -> None:
    """Lock a store's registrations, so that no customer is entered twice."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"customer-records/{store_id}"
    )


async def known_vehicle(
    connection: Connection, store_id: str, vehicle_ref: str
) -> References | None:
    """Return the references under which a vehicle is in customer records."""
    row = await connection.fetchrow(_KNOWN_VEHICLE, store_id, vehicle_ref)
    return References(**row) if row else None


async def customer_with_phone(connection: Connection, store_id: str, phone_ref: str) -> str | None:
    """Return the customer who was first registered with a telephone number."""
    customer_ref: str | None = await connection.fetchval(_KNOWN_PHONE, store_id, phone_ref)
    return customer_ref


async def save_customer(
    connection: Connection, store_id: str, customer: EncryptedCustomer, now: datetime, by: str
) -> None:
    """Enter or update a customer; another telephone number was set ``by`` them."""
    await connection.execute(
        _SET_PHONE_CHANGE,
        store_id,
        customer.customer_ref,
        customer.phone_ref,
        {"sms": {"by": by, "at": now.isoformat()}},
    )
    await connection.execute(_CUSTOMERS.upsert, *_CUSTOMERS.values(customer, store_id=store_id))


async def save_vehicle(connection: Connection, store_id: str, vehicle: EncryptedVehicle) -> None:
    """Enter or update a vehicle, and remove its plate from any other vehicle."""
    await connection.execute(_TAKE_PLATE_OFF, store_id, vehicle.plate_ref, vehicle.vehicle_ref)
    await connection.execute(_VEHICLES.upsert, *_VEHICLES.values(vehicle, store_id=store_id))


async def find_vehicle(connection: Connection, store_id: str, reference: str) -> Any:
    """Return the row of the vehicle with this plate's or VIN's reference and of its customer.

    It is still encrypted; None when the store knows no such vehicle.
    """
    return await connection.fetchrow(_FIND, store_id, reference)


async def lock_customer(connection: Connection, store_id: str, customer_ref: str) -> None:
    """Lock the customer against other changes until the transaction ends.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    found = await connection.fetchval(
        "SELECT true FROM customer WHERE store_id = $1 AND customer_ref = $2 FOR UPDATE",
        store_id,
        customer_ref,
    )
    if not found:
        raise unknown("customer_ref", customer_ref)


async def require_customer(connection: Connection, store_id: str, customer_ref: str) -> None:
    """Refuse a customer who is not in the store's customer records.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    if not await encrypted_contacts(connection, store_id, [customer_ref]):
        raise unknown("customer_ref", customer_ref)


async def encrypted_names(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> Mapping[str, tuple[str, bytes]]:
    """Return the data subject and encrypted name of each known customer, by reference."""
    rows = await connection.fetch(_NAMES, store_id, list(customer_refs))
    return {row["ref"]: (row["data_subject_id"], row["encrypted"]) for row in rows}


async def encrypted_plates(
    connection: Connection, store_id: str, plate_refs: Sequence[str]
) -> Mapping[str, tuple[str, bytes]]:
    """Return the data subject and encrypted plate of each known vehicle, by reference."""
    rows = await connection.fetch(_PLATES, store_id, list(plate_refs))
    return {row["ref"]: (row["data_subject_id"], row["encrypted"]) for row in rows}


async def encrypted_contacts(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> Sequence[Any]:
    """Return name, addresses and preferences of each known customer, still encrypted."""
    return await connection.fetch(_SELECT_CONTACTS, store_id, list(customer_refs))


async def save_contact(connection: Connection, store_id: str, contact: EncryptedContact) -> None:
    """Replace a customer's contact preferences."""
    await connection.execute(CONTACTS.update, *CONTACTS.values(contact, store_id=store_id))
