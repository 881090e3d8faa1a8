"""The records of vehicles: owner, other people and plates over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crm.persistence.search_token import end_findability
from shared.contracts.crm import VehicleRole
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_KNOWN_VEHICLE = """
SELECT read_as($1, vehicle.customer_ref) AS customer_ref,
       vehicle.customer_ref AS data_subject_id, vehicle.vehicle_ref,
       coalesce(plate_ref, '') AS plate_ref, owned_since
FROM vehicle
JOIN customer USING (store_id, customer_ref)
LEFT JOIN vehicle_plate
    ON vehicle_plate.store_id = vehicle.store_id
   AND vehicle_plate.vehicle_ref = vehicle.vehicle_ref AND until IS NULL
WHERE vehicle.store_id = $1 AND vehicle.vehicle_ref = $2 AND erased_at IS NULL
"""

_IDENTITY = """
SELECT vehicle_ref, vin_ref FROM vehicle_identity_in_group($1, $2)
"""

_FIND = """
SELECT read_as($1, vehicle.customer_ref) AS customer_ref,
       vehicle.customer_ref AS data_subject_id, vehicle.vehicle_ref,
       coalesce(plate_ref, '') AS plate_ref, plate, vin, brand, model, customer.kind
FROM vehicle
JOIN customer USING (store_id, customer_ref)
LEFT JOIN vehicle_plate
    ON vehicle_plate.store_id = vehicle.store_id
   AND vehicle_plate.vehicle_ref = vehicle.vehicle_ref AND until IS NULL
WHERE vehicle.store_id = $1 AND vehicle.vehicle_ref IN (
    SELECT vehicle_ref FROM vehicle WHERE store_id = $1 AND vin_ref = $2
    UNION
    SELECT vehicle_ref FROM vehicle_plate WHERE store_id = $1 AND plate_ref = $2 AND until IS NULL)
"""

_CORRECT_VIN = """
WITH before AS (
    SELECT vehicle_ref, customer_ref, vin FROM vehicle WHERE store_id = $1 AND vehicle_ref = $2
),
kept AS (
    INSERT INTO vin_correction
        (store_id, vehicle_ref, customer_ref, vin, corrected_by, corrected_at)
    SELECT $1, vehicle_ref, customer_ref, vin, $5, $6 FROM before
)
UPDATE vehicle SET vin_ref = $3, vin = $4 WHERE store_id = $1 AND vehicle_ref = $2
"""

_CORRECTIONS = """
SELECT vehicle_ref, customer_ref, vin, corrected_by, corrected_at FROM vin_correction
WHERE store_id = $1 AND vehicle_ref = ANY ($2) ORDER BY vehicle_ref, entry DESC
"""

_END_OTHER_ROLES = """
UPDATE vehicle_person SET until = $4, ended_by = $5
WHERE store_id = $1 AND vehicle_ref = $2 AND until IS NULL AND (role = 'owner' OR customer_ref = $3)
"""

_ADD_PERSON = """
INSERT INTO vehicle_person (store_id, vehicle_ref, customer_ref, role, since, set_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (store_id, vehicle_ref, customer_ref, role) WHERE until IS NULL DO NOTHING
RETURNING true
"""

_END_PERSON = """
UPDATE vehicle_person SET until = $5, ended_by = $6
WHERE store_id = $1 AND vehicle_ref = $2 AND customer_ref = ANY (references_of($1, $3))
  AND role = $4 AND until IS NULL
RETURNING true
"""

_PEOPLE = """
SELECT vehicle_ref, read_as($1, customer_ref) AS customer_ref, role, since, until, set_by
FROM vehicle_person
WHERE store_id = $1 AND vehicle_ref = ANY ($2)
ORDER BY until DESC NULLS FIRST, role = 'owner' DESC, since DESC, entry DESC
LIMIT 1000
"""

_OF_CUSTOMER = """
SELECT vehicle_ref, vehicle.customer_ref, vin, brand, model
FROM vehicle
WHERE store_id = $1 AND vehicle_ref IN (
    SELECT vehicle_ref FROM vehicle_person
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2)))
ORDER BY read_as($1, vehicle.customer_ref) = $2 DESC, owned_since DESC, vehicle_ref
LIMIT $3
"""

_ROW = """
SELECT vehicle_ref, customer_ref, vin, brand, model FROM vehicle
WHERE store_id = $1 AND vehicle_ref = $2
"""

_PLATES_OF = """
SELECT vehicle_ref, customer_ref, plate, since, until FROM vehicle_plate
WHERE store_id = $1 AND vehicle_ref = ANY ($2) ORDER BY since DESC, entry DESC
LIMIT 1000
"""

_TAKE_PLATE_OFF = """
UPDATE vehicle_plate SET until = $5
WHERE store_id = $1 AND until IS NULL
  AND (plate_ref = $3 OR vehicle_ref = $2)
  AND (plate_ref, vehicle_ref, customer_ref) <> ($3, $2, $4)
RETURNING vehicle_ref
"""

_PUT_PLATE_ON = """
INSERT INTO vehicle_plate (store_id, vehicle_ref, plate_ref, customer_ref, since, plate)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (store_id, plate_ref) WHERE until IS NULL DO NOTHING
"""

_PLATES = """
SELECT DISTINCT ON (plate_ref)
       plate_ref AS ref, customer_ref AS data_subject_id, plate AS encrypted
FROM vehicle_plate WHERE store_id = $1 AND plate_ref = ANY ($2)
ORDER BY plate_ref, since DESC, entry DESC
"""


@dataclass(frozen=True)
class KnownVehicle:
    """References of a vehicle: its owner, and its plate, empty once another vehicle has it.

    Its VIN and plate are encrypted under the key of ``data_subject_id``, the owner or a record that
    is merged into the owner's.
    """

    customer_ref: str
    data_subject_id: str
    vehicle_ref: str
    plate_ref: str
    owned_since: datetime


@dataclass(frozen=True)
class EncryptedVehicle:
    """A vehicle as stored: its VIN is encrypted under its owner's ``customer_ref``."""

    vehicle_ref: str
    customer_ref: str
    owned_since: datetime
    vin_ref: str
    vin: bytes
    brand: str
    model: str


@dataclass(frozen=True)
class PlateOnVehicle:
    """A plate on a vehicle, encrypted under the key of its owner then."""

    vehicle_ref: str
    customer_ref: str
    plate_ref: str
    plate: bytes


@dataclass(frozen=True)
class VehiclePerson:
    """A person of a vehicle from ``since`` until ``until``."""

    vehicle_ref: str
    customer_ref: str
    role: VehicleRole
    since: datetime
    until: datetime | None
    set_by: str


_VEHICLES = Table("vehicle", EncryptedVehicle, key=("store_id", "vehicle_ref"), added=("store_id",))


async def identities_in_group(
    connection: Connection, vin_ref: str, vehicle_ref: str | None
) -> dict[str, str]:
    """Return the references of the VINs of a vehicle and of the vehicle with a VIN, by vehicle."""
    rows = await connection.fetch(_IDENTITY, vin_ref, vehicle_ref)
    return {row["vehicle_ref"]: row["vin_ref"] for row in rows}


async def known_vehicle(
    connection: Connection, store_id: str, vehicle_ref: str
) -> KnownVehicle | None:
    """Return the references under which a vehicle is in customer records; no erased owner's."""
    row = await connection.fetchrow(_KNOWN_VEHICLE, store_id, vehicle_ref)
    return KnownVehicle(**row) if row else None


async def find_vehicle(connection: Connection, store_id: str, reference: str) -> Any:
    """Return the row of the vehicle with this plate's or VIN's reference, and its owner's kind.

    It is still encrypted; None when the store knows no such vehicle.
    """
    return await connection.fetchrow(_FIND, store_id, reference)


async def save_vehicle(connection: Connection, store_id: str, vehicle: EncryptedVehicle) -> None:
    """Enter or update a vehicle."""
    await connection.execute(_VEHICLES.upsert, *_VEHICLES.values(vehicle, store_id=store_id))


async def correct_vin(
    connection: Connection,
    store_id: str,
    vehicle_ref: str,
    vin_ref: str,
    vin: bytes,
    by: str,
    now: datetime,
) -> None:
    """Replace the VIN of a vehicle, and keep the earlier one with who corrected it."""
    await connection.execute(_CORRECT_VIN, store_id, vehicle_ref, vin_ref, vin, by, now)


async def vin_corrections(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str]
) -> Sequence[Any]:
    """Return the corrected VINs of vehicles, still encrypted, the latest first."""
    return await connection.fetch(_CORRECTIONS, store_id, list(vehicle_refs))


async def put_plate_on(
    connection: Connection, store_id: str, plate: PlateOnVehicle, now: datetime
) -> None:
    """Record the plate that a vehicle has from now on; it leaves any other vehicle."""
    key = (store_id, plate.vehicle_ref, plate.plate_ref, plate.customer_ref, now)
    rows = await connection.fetch(_TAKE_PLATE_OFF, *key)
    bare = [row["vehicle_ref"] for row in rows]
    await end_findability(connection, store_id, "plate", bare)
    await connection.execute(_PUT_PLATE_ON, *key, plate.plate)


async def add_vehicle_person(
    connection: Connection,
    store_id: str,
    vehicle_ref: str,
    customer_ref: str,
    role: VehicleRole,
    by: str,
    now: datetime,
) -> bool:
    """Record a person of the vehicle from now on; return whether they are new in that role.

    An owner replaces the one before, and needs no other role.
    """
    if role == "owner":
        await connection.execute(_END_OTHER_ROLES, store_id, vehicle_ref, customer_ref, now, by)
    added = await connection.fetchval(
        _ADD_PERSON, store_id, vehicle_ref, customer_ref, role, now, by
    )
    return bool(added)


async def end_vehicle_person(
    connection: Connection,
    store_id: str,
    vehicle_ref: str,
    customer_ref: str,
    role: VehicleRole,
    by: str,
    now: datetime,
) -> bool:
    """End the role of a person for the vehicle; return whether they had it."""
    ended = await connection.fetchval(
        _END_PERSON, store_id, vehicle_ref, customer_ref, role, now, by
    )
    return bool(ended)


async def people_of_vehicles(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str]
) -> list[VehiclePerson]:
    """Return the people of vehicles, those of the present first."""
    rows = await connection.fetch(_PEOPLE, store_id, list(vehicle_refs))
    return [VehiclePerson(**row) for row in rows]


async def vehicles_of_customer(
    connection: Connection, store_id: str, customer_ref: str, limit: int
) -> Sequence[Any]:
    """Return the vehicles that a customer has or had to do with, their own first."""
    return await connection.fetch(_OF_CUSTOMER, store_id, customer_ref, limit)


async def find_vehicle_row(connection: Connection, store_id: str, vehicle_ref: str) -> Any:
    """Return the row of a vehicle, still encrypted.

    Raises:
        RuleViolation: the store knows no such vehicle.
    """
    row = await connection.fetchrow(_ROW, store_id, vehicle_ref)
    if row is None:
        raise unknown("vehicle_ref", vehicle_ref)
    return row


async def plates_of_vehicles(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str]
) -> Sequence[Any]:
    """Return the plates of vehicles by date, still encrypted, the latest first."""
    return await connection.fetch(_PLATES_OF, store_id, list(vehicle_refs))


async def encrypted_plates(
    connection: Connection, store_id: str, plate_refs: Sequence[str]
) -> Mapping[str, tuple[str, bytes]]:
    """Return the data subject and encrypted plate of each known plate, by reference."""
    rows = await connection.fetch(_PLATES, store_id, list(plate_refs))
    return {row["ref"]: (row["data_subject_id"], row["encrypted"]) for row in rows}
