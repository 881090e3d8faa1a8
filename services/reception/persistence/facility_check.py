"""Facility checks of customer lounge and service drive."""

from datetime import date

from services.reception.domain.facility_check import FacilityCheck
from shared.db import Connection
from shared.table import Table

_CHECKS = Table("facility_check", FacilityCheck, key=("store_id", "check_id"), json=("results",))


async def add_facility_check(connection: Connection, check: FacilityCheck) -> None:
    """Store a check."""
    await connection.execute(_CHECKS.insert, *_CHECKS.values(check))


async def facility_checks(connection: Connection, store_id: str, day: date) -> list[FacilityCheck]:
    """Return the checks of a day, in their order."""
    rows = await connection.fetch(
        _CHECKS.select + "WHERE store_id = $1 AND day = $2 ORDER BY checked_at, check_id",
        store_id,
        day,
    )
    return [_CHECKS.read(row) for row in rows]
