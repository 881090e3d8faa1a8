"""Absences of technicians (缺勤)."""

from datetime import datetime

from services.workshop.domain.absence import Absence
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_ABSENCES = Table("absence", Absence, key=("store_id", "absence_id"), added=("store_id",))


async def absences_after(connection: Connection, store_id: str, moment: datetime) -> list[Absence]:
    """Return the absences that end after ``moment``."""
    rows = await connection.fetch(
        _ABSENCES.select + "WHERE store_id = $1 AND ends_at > $2 AND cancelled_at IS NULL "
        "ORDER BY technician_id, starts_at",
        store_id,
        moment,
    )
    return [_ABSENCES.read(row) for row in rows]


async def read_absence(connection: Connection, store_id: str, absence_id: str) -> Absence:
    """Return one absence; the caller locks the store's plan before cancelling it.

    Raises:
        RuleViolation: there is no such absence in the store.
    """
    row = await connection.fetchrow(
        _ABSENCES.select + "WHERE store_id = $1 AND absence_id = $2", store_id, absence_id
    )
    if row is None:
        raise unknown("absence_id", absence_id)
    return _ABSENCES.read(row)


async def add_absence(connection: Connection, store_id: str, absence: Absence) -> None:
    """Record that a technician is away."""
    await connection.execute(_ABSENCES.insert, *_ABSENCES.values(absence, store_id=store_id))


async def cancel_absence(
    connection: Connection, store_id: str, absence_id: str, now: datetime
) -> None:
    """Record that an absence was cancelled."""
    await connection.execute(
        "UPDATE absence SET cancelled_at = $3 WHERE store_id = $1 AND absence_id = $2",
        store_id,
        absence_id,
        now,
    )
