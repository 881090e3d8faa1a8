"""Appointments."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from services.reception.domain.appointment import Appointment
from shared.contracts.reception import RequestedPart
from shared.contracts.versioned import columns, loaded
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.unit_of_work import UnitOfWork

_APPOINTMENT = """
SELECT version, changed_by, changed_at, appointment_id, store_id, plate_ref, appointment_at,
       op_codes,
       hold_id, status, customer_ref, parts, promised_at, reschedule_required
FROM appointment
"""

_SAVE_APPOINTMENT = """
INSERT INTO appointment (version, changed_by, changed_at, appointment_id, store_id, plate_ref,
                         appointment_at, op_codes, hold_id, status, customer_ref, parts,
                         promised_at, reschedule_required)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (store_id, appointment_id) DO UPDATE SET
    appointment_at = excluded.appointment_at, hold_id = excluded.hold_id, status = excluded.status,
    promised_at = excluded.promised_at, reschedule_required = excluded.reschedule_required,
    version = excluded.version,
    changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""


async def lock_appointment(
    connection: Connection, store_id: str, appointment_id: str
) -> Appointment:
    """Return the appointment, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such appointment in the store.
    """
    row = await connection.fetchrow(
        _APPOINTMENT + "WHERE store_id = $1 AND appointment_id = $2 FOR UPDATE",
        store_id,
        appointment_id,
    )
    return _appointment(row, appointment_id)


async def read_appointment(
    connection: Connection, store_id: str, appointment_id: str
) -> Appointment:
    """Return the present appointment."""
    row = await connection.fetchrow(
        _APPOINTMENT + "WHERE store_id = $1 AND appointment_id = $2", store_id, appointment_id
    )
    return _appointment(row, appointment_id)


async def list_appointments(
    connection: Connection, store_id: str, begin: datetime, end: datetime
) -> list[Appointment]:
    """Return the appointments planned from ``begin`` until before ``end``."""
    rows = await connection.fetch(
        _APPOINTMENT + "WHERE store_id = $1 AND appointment_at >= $2 AND appointment_at < $3 "
        "ORDER BY appointment_at, appointment_id",
        store_id,
        begin,
        end,
    )
    return [_appointment(row, row["appointment_id"]) for row in rows]


async def save_appointment(uow: UnitOfWork, appointment: Appointment) -> Appointment:
    """Store the appointment where it has changed, and return it as it is stored."""
    (saved,) = await uow.save([appointment], partial(_write, uow.connection))
    return saved


async def _write(connection: Connection, appointments: Sequence[Appointment]) -> None:
    await connection.executemany(_SAVE_APPOINTMENT, [_row(each) for each in appointments])


def _row(appointment: Appointment) -> list[Any]:
    values = {name: getattr(appointment, name) for name in _COLUMNS} | {
        "op_codes": list(appointment.op_codes),
        "parts": [part.model_dump() for part in appointment.parts],
    }
    return [values[name] for name in _COLUMNS]


_COLUMNS = columns(Appointment)


def _appointment(row: Any, appointment_id: str) -> Appointment:
    if row is None:
        raise unknown("appointment_id", appointment_id)
    parts = tuple(map(RequestedPart.model_validate, row["parts"]))
    values = dict(row) | {"op_codes": tuple(row["op_codes"]), "parts": parts}
    return loaded(Appointment(**values))
