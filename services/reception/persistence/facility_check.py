"""Facility checks of customer lounge and service drive."""

from datetime import date

from services.reception.domain.facility_check import FacilityCheck
from shared.db import Connection


async def add_facility_check(connection: Connection, check: FacilityCheck) -> None:
    """Store a check."""
    await connection.execute(
        "INSERT INTO facility_check (store_id, check_id, area, day, results, photo_id, checked_by, "
        "checked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        check.store_id,
        check.check_id,
        check.area,
        check.day,
        dict(check.results),
        check.photo_id,
        check.checked_by,
        check.checked_at,
    )


async def facility_checks(connection: Connection, store_id: str, day: date) -> list[FacilityCheck]:
    """Return the checks of a day, in their order."""
    rows = await connection.fetch(
        "SELECT check_id, store_id, area, day, results, photo_id, checked_by, checked_at "
        "FROM facility_check WHERE store_id = $1 AND day = $2 ORDER BY checked_at, check_id",
        store_id,
        day,
    )
    return [FacilityCheck(**row) for row in rows]
