"""Appointments."""

import dataclasses
from datetime import datetime
from typing import Any

from services.reception.domain.appointment import Appointment
from shared.contracts.reception import WantedPart
from shared.contracts.refusal import unknown
from shared.db import Connection

_APPOINTMENT = """
SELECT appointment_id, store_id, plate_ref, planned_at, operations, hold_id, status, customer_ref,
       parts, promised_at, unplaced
FROM appointment
"""

_SAVE_APPOINTMENT = """
INSERT INTO appointment (appointment_id, store_id, plate_ref, planned_at, operations, hold_id,
                         status, customer_ref, parts, promised_at, unplaced)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (store_id, appointment_id) DO UPDATE SET
    planned_at = excluded.planned_at, hold_id = excluded.hold_id, status = excluded.status,
    promised_at = excluded.promised_at, unplaced = excluded.unplaced
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
