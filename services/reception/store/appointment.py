"""Appointments."""

from datetime import datetime
from typing import Any

from services.reception.domain.appointment import Appointment
from shared.contracts.refusal import Refused
from shared.db import Connection

_APPOINTMENT = """
SELECT appointment_id, store_id, plate_ref, planned_at, operations, hold_id, status
FROM appointment
"""

_SAVE_APPOINTMENT = """
INSERT INTO appointment (appointment_id, store_id, plate_ref, planned_at, operations, hold_id,
                         status)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (store_id, appointment_id) DO UPDATE SET status = excluded.status
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
        raise Refused(
            "unknown_appointment",
            f"There is no appointment {appointment_id}.",
            field="appointment_id",
            kind="not_found",
        )
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
    await connection.execute(
        _SAVE_APPOINTMENT,
        appointment.appointment_id,
        appointment.store_id,
        appointment.plate_ref,
        appointment.planned_at,
        list(appointment.operations),
        appointment.hold_id,
        appointment.status,
    )


def _appointment(row: Any) -> Appointment:
    return Appointment(**dict(row) | {"operations": tuple(row["operations"])})
