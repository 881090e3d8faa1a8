"""Appointments."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from services.reception.domain.appointment import Appointment
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork

APPOINTMENTS = Table(
    "appointment",
    Appointment,
    key=("store_id", "appointment_id"),
    fixed=("plate_ref", "op_codes", "customer_ref", "parts"),
    json=("op_codes", "parts"),
)


async def lock_appointment(
    connection: Connection, store_id: str, appointment_id: str
) -> Appointment:
    """Return the appointment, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such appointment in the store.
    """
    row = await connection.fetchrow(
        APPOINTMENTS.select + "WHERE store_id = $1 AND appointment_id = $2 FOR UPDATE",
        store_id,
        appointment_id,
    )
    return _appointment(row, appointment_id)


async def read_appointment(
    connection: Connection, store_id: str, appointment_id: str
) -> Appointment:
    """Return the present appointment."""
    row = await connection.fetchrow(
        APPOINTMENTS.select + "WHERE store_id = $1 AND appointment_id = $2",
        store_id,
        appointment_id,
    )
    return _appointment(row, appointment_id)


async def list_appointments(
    connection: Connection, store_id: str, begin: datetime, end: datetime
) -> list[Appointment]:
    """Return the appointments planned from ``begin`` until before ``end``."""
    rows = await connection.fetch(
        APPOINTMENTS.select
        + "WHERE store_id = $1 AND appointment_at >= $2 AND appointment_at < $3 "
        "ORDER BY appointment_at, appointment_id",
        store_id,
        begin,
        end,
    )
    return [APPOINTMENTS.read(row) for row in rows]


async def save_appointment(uow: UnitOfWork, appointment: Appointment) -> Appointment:
    """Store the appointment where it has changed, and return it as it is stored."""
    (saved,) = await uow.save([appointment], partial(_write, uow.connection))
    return saved


async def _write(connection: Connection, appointments: Sequence[Appointment]) -> None:
    await connection.executemany(APPOINTMENTS.upsert, map(APPOINTMENTS.values, appointments))


def _appointment(row: Any, appointment_id: str) -> Appointment:
    if row is None:
        raise unknown("appointment_id", appointment_id)
    return APPOINTMENTS.read(row)
