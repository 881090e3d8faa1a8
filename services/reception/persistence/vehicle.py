"""Visits and appointments of one vehicle in all stores of the group."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.domain.vehicle import OpenVisit, OtherBooking, VehicleIdentity
from shared.db import Connection

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

_IN_GROUP = """
SELECT store_id, order_id, status, arrived_at, advisor_id, odometer_km, symptoms,
       labor_operations AS op_codes
FROM visits_in_group($1, $2, $3, $4)
"""

_OPEN_VISITS = """
SELECT store_id, order_id, status, queue_number, arrived_at FROM open_visits_in_group($1, $2, $3)
"""

_OTHER_BOOKINGS = """
SELECT store_id, appointment_id, appointment_at FROM bookings_in_group($1, $2, $3)
WHERE appointment_id IS DISTINCT FROM $4
"""


@dataclass(frozen=True)
class EarlierVisit:
    """Visit of a vehicle to a store of the group (到店记录), without personal data."""

    store_id: str
    order_id: str
    status: RepairOrderStatus
    arrived_at: datetime
    advisor_id: str | None
    odometer_km: int | None
    symptoms: Sequence[str]
    op_codes: Sequence[str]


async def lock_vehicle(connection: Connection, reference: str) -> None:
    """Lock the vehicle, so that one transaction at a time, in any store, decides where it is.

    ``reference`` is its plate's or its own.
    """
    await connection.execute(_LOCK, f"vehicle/{reference}")


async def visits_in_group(
    connection: Connection, vehicle: VehicleIdentity, limit: int
) -> list[EarlierVisit]:
    """Return the vehicle's orders in every store that were opened, or ended after an estimate.

    Includes those that the transaction does not see otherwise, the last first.
    """
    rows = await connection.fetch(_IN_GROUP, *astuple(vehicle), limit)
    return [
        EarlierVisit(
            **dict(row) | {"op_codes": [operation["op_code"] for operation in row["op_codes"]]}
        )
        for row in rows
    ]


async def open_visits(connection: Connection, vehicle: VehicleIdentity) -> list[OpenVisit]:
    """Return visits of the vehicle, to every store, that have not ended, the oldest first."""
    rows = await connection.fetch(_OPEN_VISITS, *astuple(vehicle))
    return [OpenVisit(**row) for row in rows]


async def other_bookings(
    connection: Connection,
    plate_ref: str,
    begin: datetime,
    end: datetime,
    except_for: str | None,
) -> list[OtherBooking]:
    """Return appointments of the plate in every store from ``begin`` until before ``end``.

    The appointment ``except_for`` is left out.
    """
    rows = await connection.fetch(_OTHER_BOOKINGS, plate_ref, begin, end, except_for)
    return [OtherBooking(**row) for row in rows]


async def vehicle_with_plate(connection: Connection, plate_ref: str) -> str | None:
    """Return the reference of the vehicle that came with a plate last, to any store."""
    seen: str | None = await connection.fetchval(
        "SELECT vehicle_with_plate_in_group($1)", plate_ref
    )
    return seen


async def last_odometer(connection: Connection, vehicle_ref: str) -> int:
    """Return the last reading of the vehicle in any store, in km; 0 when there is none."""
    known = await connection.fetchval("SELECT odometer_in_group($1)", vehicle_ref)
    return known or 0
