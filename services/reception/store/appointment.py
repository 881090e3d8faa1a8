"""Appointments."""

import dataclasses
from collections.abc import Collection
from datetime import datetime
from typing import Any

from services.reception.domain.appointment import Appointment
from shared.contracts.reception import WantedPart
from shared.contracts.refusal import unknown
from shared.db import Connection

_APPOINTMENT = """
SELECT appointment_id, store_id, plate_ref, planned_at, operations, hold_id, status, customer_ref,
       parts, promised_at, unplaced, booked_by, booked_at
FROM appointment
"""

_SAVE_APPOINTMENT = """
INSERT INTO appointment (appointment_id, store_id, plate_ref, planned_at, operations, hold_id,
                         status, customer_ref, parts, promised_at, unplaced, booked_by,
                         booked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (store_id, appointment_id) DO UPDATE SET
    planned_at = excluded.planned_at, hold_id = excluded.hold_id, status = excluded.status,
    promised_at = excluded.promised_at, unplaced = excluded.unplaced,
    booked_by = excluded.booked_by, booked_at = excluded.booked_at
"""

_LAST_BOOKED = """
SELECT booked_by, booked_at FROM appointment
WHERE store_id = $1 AND status = 'booked' AND planned_at BETWEEN $2 AND $3 AND operations ?| $4
  AND booked_at IS NOT NULL
ORDER BY booked_at DESC LIMIT 1
"""


async def lock_appointment(
    connection: Connection, store_id: str, appointment_id: str
) -> Appointment:
    """The appointment, locked until the transaction ends.

    Raises:
        Refused: there is no such appointment in the store.
    """
    row = await connection.fetchrow(
        _APPOINTMENT + "WHERE store_id = $1 AND appointment_id = $2 FOR UPDATE",
        store_id,
        appointment_id,
    )
    if row is None:
        raise unknown("appointment_id", appointment_id)
    return _appointment(row)


async def list_appointments(
    connection: Connection, store_id: str, begin: datetime, end: datetime
) -> list[Appointment]:
    """Appointments planned from ``begin`` until before ``end``."""
    rows = await connection.fetch(
        _APPOINTMENT + "WHERE store_id = $1 AND planned_at >= $2 AND planned_at < $3 "
        "ORDER BY planned_at, appointment_id",
        store_id,
        begin,
        end,
    )
    return [_appointment(row) for row in rows]


async def last_booked(
    connection: Connection,
    store_id: str,
    begin: datetime,
    end: datetime,
    operations: Collection[str],
) -> tuple[str, datetime] | None:
    """Who was the last to book one of ``operations`` for a time from ``begin`` to ``end``, and
    when."""
    row = await connection.fetchrow(_LAST_BOOKED, store_id, begin, end, list(operations))
    return (row["booked_by"], row["booked_at"]) if row else None


async def save_appointment(connection: Connection, appointment: Appointment) -> None:
    """Store the appointment."""
    values = {name: getattr(appointment, name) for name in _FIELDS} | {
        "operations": list(appointment.operations),
        "parts": [part.model_dump() for part in appointment.parts],
    }
    await connection.execute(_SAVE_APPOINTMENT, *(values[name] for name in _FIELDS))


_FIELDS = [field.name for field in dataclasses.fields(Appointment)]


def _appointment(row: Any) -> Appointment:
    parts = tuple(map(WantedPart.model_validate, row["parts"]))
    return Appointment(**dict(row) | {"operations": tuple(row["operations"]), "parts": parts})
