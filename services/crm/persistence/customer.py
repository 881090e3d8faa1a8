"""The records of persons and their vehicles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crm.domain.customer import References
from services.crm.domain.message import Channel, Declinable, Language
from shared.contracts.violations import unknown
from shared.db import Connection

_KNOWN_VEHICLE = """
SELECT customer_ref, vehicle_ref, coalesce(plate_ref, '') AS plate_ref
FROM vehicle WHERE store_id = $1 AND vehicle_ref = $2
"""

_KNOWN_PHONE = """
SELECT customer_ref FROM customer
WHERE store_id = $1 AND phone_ref = $2
ORDER BY registered_at, customer_ref LIMIT 1
"""

_SAVE_CUSTOMER = """
INSERT INTO customer (store_id, customer_ref, phone_ref, name, phone, registered_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (store_id, customer_ref) DO UPDATE SET
    phone_ref = excluded.phone_ref, name = excluded.name, phone = excluded.phone,
    contact_points = CASE WHEN customer.phone_ref IS DISTINCT FROM excluded.phone_ref
                          THEN customer.contact_points || $7
                          ELSE customer.contact_points END
"""

_TAKE_PLATE_OFF = """
UPDATE vehicle SET plate_ref = NULL, plate = NULL
WHERE store_id = $1 AND plate_ref = $2 AND vehicle_ref <> $3
"""

_SAVE_VEHICLE = """
INSERT INTO vehicle (store_id, vehicle_ref, customer_ref, plate_ref, plate, vin, brand, model)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (store_id, vehicle_ref) DO UPDATE SET
    plate_ref = excluded.plate_ref, plate = excluded.plate, brand = excluded.brand,
    model = excluded.model
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

_CONTACTS = """
SELECT customer_ref, name, phone, email, wecom_id, language, preferred_channel, declined_channels,
       contact_points, contact_version AS version, contact_changed_by AS changed_by,
       contact_changed_at AS changed_at
FROM customer WHERE store_id = $1 AND customer_ref = ANY ($2)
"""

_SAVE_CONTACT = """
UPDATE customer
SET email = $3, wecom_id = $4, language = $5, preferred_channel = $6, declined_channels = $7,
    contact_version = $8, contact_changed_by = $9, contact_changed_at = $10, contact_points = $11
WHERE store_id = $1 AND customer_ref = $2
"""


@dataclass(frozen=True)
class EncryptedCustomer:
    """A customer as stored: personal data is encrypted under ``customer_ref``."""

    customer_ref: str
    phone_ref: str
    name: bytes
    phone: bytes


@dataclass(frozen=True)
class EncryptedVehicle:
    """A vehicle as stored: plate and VIN are encrypted under ``customer_ref``."""

    references: References
    plate: bytes
    vin: bytes
    brand: str
    model: str


@dataclass(frozen=True)
class EncryptedContact:
    """A customer's contact preferences as stored.

    Addresses are encrypted under ``customer_ref``. ``contact_points`` say by channel who has set
    its address, and when.
    """

    customer_ref: str
    email: bytes | None
    wecom_id: bytes | None
    language: Language
    preferred_channel: Channel | None
    declined_channels: Sequence[Declinable]
    version: int
    changed_by: str | None
    changed_at: datetime | None
    contact_points: Mapping[str, Any]


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
        _SAVE_CUSTOMER,
        store_id,
        customer.customer_ref,
        customer.phone_ref,
        customer.name,
        customer.phone,
        now,
        {"sms": {"by": by, "at": now.isoformat()}},
    )


async def save_vehicle(connection: Connection, store_id: str, vehicle: EncryptedVehicle) -> None:
    """Enter or update a vehicle, and remove its plate from any other vehicle."""
    references = vehicle.references
    await connection.execute(
        _TAKE_PLATE_OFF, store_id, references.plate_ref, references.vehicle_ref
    )
    await connection.execute(
        _SAVE_VEHICLE,
        store_id,
        references.vehicle_ref,
        references.customer_ref,
        references.plate_ref,
        vehicle.plate,
        vehicle.vin,
        vehicle.brand,
        vehicle.model,
    )


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
    return await connection.fetch(_CONTACTS, store_id, list(customer_refs))


async def save_contact(connection: Connection, store_id: str, contact: EncryptedContact) -> None:
    """Replace a customer's contact preferences."""
    await connection.execute(
        _SAVE_CONTACT,
        store_id,
        contact.customer_ref,
        contact.email,
        contact.wecom_id,
        contact.language,
        contact.preferred_channel,
        list(contact.declined_channels),
        contact.version,
        contact.changed_by,
        contact.changed_at,
        contact.contact_points,
    )
