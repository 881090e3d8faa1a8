"""All SQL of customer relations. Every function takes a connection; none commits."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crm.domain import errors
from services.crm.domain.customer import References
from services.crm.domain.follow_up import FollowUp, Status
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
    phone_ref = excluded.phone_ref, name = excluded.name, phone = excluded.phone
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

_BY_PLATE = """
SELECT customer_ref, vehicle_ref, plate_ref, name, phone, plate, vin, brand, model,
       (SELECT count(*) FROM delivery
        WHERE delivery.store_id = vehicle.store_id
          AND delivery.customer_ref = vehicle.customer_ref) AS visits
FROM vehicle JOIN customer USING (store_id, customer_ref)
WHERE store_id = $1 AND plate_ref = $2
"""

_NAMES = """
SELECT customer_ref AS ref, customer_ref AS subject, name AS sealed
FROM customer WHERE store_id = $1 AND customer_ref = ANY ($2)
"""

_PLATES = """
SELECT plate_ref AS ref, customer_ref AS subject, plate AS sealed
FROM vehicle WHERE store_id = $1 AND plate_ref = ANY ($2)
"""

_SAVE_DELIVERY = """
INSERT INTO delivery (store_id, order_id, customer_ref, delivered_at) VALUES ($1, $2, $3, $4)
"""

_LINK_DELIVERY = """
UPDATE delivery SET customer_ref = $3
WHERE store_id = $1 AND order_id = $2 AND customer_ref IS NULL
RETURNING delivered_at
"""

_OPEN_CALLS = """
SELECT agent_id, count(*) AS calls FROM follow_up
WHERE store_id = $1 AND completed_at IS NULL
GROUP BY agent_id
"""

_FOLLOW_UP = """
SELECT follow_up_id, store_id, order_id, customer_ref, agent_id, due_at, completed_at,
       completed_by, reached, satisfaction, channel
FROM follow_up
"""

_LISTED = (
    _FOLLOW_UP
    + """
WHERE store_id = $1
  AND ('completed' = ANY ($2) AND completed_at >= $4
    OR 'due' = ANY ($2) AND completed_at IS NULL AND due_at <= $3
    OR 'scheduled' = ANY ($2) AND completed_at IS NULL AND due_at > $3)
ORDER BY due_at, follow_up_id
LIMIT 1000
"""
)

_SAVE_FOLLOW_UP = """
INSERT INTO follow_up (follow_up_id, store_id, order_id, customer_ref, agent_id, due_at,
                       completed_at, completed_by, reached, satisfaction, channel)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (store_id, follow_up_id) DO UPDATE SET
    completed_at = excluded.completed_at, completed_by = excluded.completed_by,
    reached = excluded.reached, satisfaction = excluded.satisfaction, channel = excluded.channel
"""


@dataclass(frozen=True)
class SealedCustomer:
    """A customer as stored: what is personal is encrypted under ``customer_ref``."""

    customer_ref: str
    phone_ref: str
    name: bytes
    phone: bytes


@dataclass(frozen=True)
class SealedVehicle:
    """A vehicle as stored: plate and VIN are encrypted under ``customer_ref``."""

    references: References
    plate: bytes
    vin: bytes
    brand: str
    model: str


async def lock_archive(connection: Connection, store_id: str) -> None:
    """One registration at a time in a store, so that nobody is entered twice."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"archive/{store_id}"
    )


async def known_vehicle(
    connection: Connection, store_id: str, vehicle_ref: str
) -> References | None:
    """The references under which a vehicle is in the archive."""
    row = await connection.fetchrow(_KNOWN_VEHICLE, store_id, vehicle_ref)
    return References(**row) if row else None


async def customer_with_phone(connection: Connection, store_id: str, phone_ref: str) -> str | None:
    """The customer who was first registered with a telephone number."""
    customer_ref: str | None = await connection.fetchval(_KNOWN_PHONE, store_id, phone_ref)
    return customer_ref


async def save_customer(
    connection: Connection, store_id: str, customer: SealedCustomer, now: datetime
) -> None:
    """Enter a customer, or bring one up to date."""
    await connection.execute(
        _SAVE_CUSTOMER,
        store_id,
        customer.customer_ref,
        customer.phone_ref,
        customer.name,
        customer.phone,
        now,
    )


async def save_vehicle(connection: Connection, store_id: str, vehicle: SealedVehicle) -> None:
    """Enter a vehicle, or bring one up to date; its plate is on no other vehicle any more."""
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


async def find_by_plate(connection: Connection, store_id: str, plate_ref: str) -> Any:
    """The row of the vehicle with this plate and of its customer, still encrypted.

    Raises:
        Refused: the store knows no such plate.
    """
    row = await connection.fetchrow(_BY_PLATE, store_id, plate_ref)
    if row is None:
        raise errors.unknown_plate()
    return row


async def sealed_names(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> Sequence[Any]:
    """Reference, subject and encrypted name of each known customer."""
    return await connection.fetch(_NAMES, store_id, list(customer_refs))


async def sealed_plates(
    connection: Connection, store_id: str, plate_refs: Sequence[str]
) -> Sequence[Any]:
    """Reference, subject and encrypted plate of each known vehicle."""
    return await connection.fetch(_PLATES, store_id, list(plate_refs))


async def save_delivery(
    connection: Connection,
    store_id: str,
    order_id: str,
    customer_ref: str | None,
    delivered_at: datetime,
) -> None:
    """Remember a delivery, with its customer where that is known."""
    await connection.execute(_SAVE_DELIVERY, store_id, order_id, customer_ref, delivered_at)


async def link_delivery(
    connection: Connection, store_id: str, order_id: str, customer_ref: str
) -> datetime | None:
    """Give a delivery its customer; answers when it was, or ``None`` if none was waiting."""
    delivered_at: datetime | None = await connection.fetchval(
        _LINK_DELIVERY, store_id, order_id, customer_ref
    )
    return delivered_at


async def open_calls(connection: Connection, store_id: str) -> Mapping[str, int]:
    """How many calls each agent still owes."""
    rows = await connection.fetch(_OPEN_CALLS, store_id)
    return {row["agent_id"]: row["calls"] for row in rows}


async def lock_follow_up(connection: Connection, store_id: str, follow_up_id: str) -> FollowUp:
    """The follow-up, locked until the transaction ends.

    Raises:
        Refused: there is no such follow-up in the store.
    """
    row = await connection.fetchrow(
        _FOLLOW_UP + "WHERE store_id = $1 AND follow_up_id = $2 FOR UPDATE", store_id, follow_up_id
    )
    if row is None:
        raise errors.unknown_follow_up(follow_up_id)
    return FollowUp(**row)


async def list_follow_ups(
    connection: Connection,
    store_id: str,
    statuses: Sequence[Status],
    now: datetime,
    completed_since: datetime,
) -> list[FollowUp]:
    """Follow-ups with one of ``statuses``, in the order in which they are due."""
    rows = await connection.fetch(_LISTED, store_id, list(statuses), now, completed_since)
    return [FollowUp(**row) for row in rows]


async def save_follow_up(connection: Connection, follow_up: FollowUp) -> None:
    """Store every field of the follow-up."""
    await connection.execute(
        _SAVE_FOLLOW_UP, *(getattr(follow_up, name) for name in _FOLLOW_UP_FIELDS)
    )


async def save_record(
    connection: Connection, store_id: str, follow_up_id: str, record: bytes
) -> None:
    """Keep what was said in a call, encrypted."""
    await connection.execute(
        "UPDATE follow_up SET record = $3 WHERE store_id = $1 AND follow_up_id = $2",
        store_id,
        follow_up_id,
        record,
    )


_FOLLOW_UP_FIELDS = [field.name for field in dataclasses.fields(FollowUp)]
