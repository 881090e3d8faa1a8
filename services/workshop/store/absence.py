"""Absences of technicians (缺勤)."""

from dataclasses import dataclass
from datetime import datetime

from shared.db import Connection


@dataclass(frozen=True)
class Absence:
    """A technician is away (缺勤)."""

    technician_id: str
    from_at: datetime
    until_at: datetime


async def absences_after(connection: Connection, store_id: str, moment: datetime) -> list[Absence]:
    """Absences that end after ``moment``."""
    rows = await connection.fetch(
        "SELECT technician_id, from_at, until_at FROM absence "
        "WHERE store_id = $1 AND until_at > $2 ORDER BY technician_id, from_at",
        store_id,
        moment,
    )
    return [Absence(**row) for row in rows]


async def add_absence(connection: Connection, store_id: str, absence: Absence, kind: str) -> None:
    """Record that a technician is away; a second record from the same moment replaces the first."""
    await connection.execute(
        "INSERT INTO absence (store_id, technician_id, from_at, until_at, kind) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (store_id, technician_id, from_at) "
        "DO UPDATE SET until_at = excluded.until_at, kind = excluded.kind",
        store_id,
        absence.technician_id,
        absence.from_at,
        absence.until_at,
        kind,
    )
