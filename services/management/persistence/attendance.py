"""Working days of the staff, and their corrections."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.management.domain.attendance import Presence, WorkingDay
from services.management.domain.kinds import RULES, STAFF, STORES
from services.management.domain.record import Version
from services.management.domain.timetable import Timetable
from services.management.persistence import records
from shared.contracts.base import GROUP
from shared.db import Connection
from shared.table import Table


@dataclass(frozen=True)
class Correction:
    """Correction of a working day by a manager (更正): its version, and the presences before and
    after.
    """

    version: int
    before: tuple[Presence, ...]
    after: tuple[Presence, ...]
    corrected_by: str
    corrected_at: datetime


_DAYS = Table(
    "attendance_day",
    WorkingDay,
    key=("store_id", "person_id", "day"),
    json=("presences", "figures"),
)

_CORRECTIONS = Table(
    "attendance_correction",
    Correction,
    key=("store_id", "person_id", "day", "version"),
    json=("before", "after"),
    added=("store_id", "person_id", "day", "reason"),
)

# A person who signs in to two stores at once is in the one that comes second.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('attendance/' || $1, 0))"

_ADD = """
INSERT INTO attendance_day (store_id, person_id, day)
SELECT $1, person_id, day
FROM unnest($2::text[], $3::date[]) AS wanted (person_id, day)
ORDER BY person_id, day
ON CONFLICT DO NOTHING
"""

_LOCK = f"""
SELECT {_DAYS.column_list}
FROM attendance_day
JOIN unnest($2::text[], $3::date[]) AS wanted (person_id, day) USING (person_id, day)
WHERE store_id = $1
ORDER BY person_id, day
FOR UPDATE OF attendance_day
"""

_OF_PERSON = (
    _DAYS.select
    + """
WHERE store_id = $1 AND person_id = $2 AND day BETWEEN $3 AND $4 AND version > 0
ORDER BY day
"""
)

_OF_STORE = (
    _DAYS.select
    + """
WHERE store_id = $1 AND day BETWEEN $2 AND $3 AND version > 0
ORDER BY day, length(person_id), person_id
"""
)

_SELECT_CORRECTIONS = f"""
SELECT {_CORRECTIONS.column_list}, reason
FROM attendance_correction
WHERE store_id = $1 AND person_id = $2 AND day = $3
ORDER BY version DESC
"""

Key = tuple[str, date]
"""Person and working day."""


async def timetable(connection: Connection, store_id: str) -> Timetable:
    """Return the timetable of a store, which is in scope with the group."""
    store, own, group, calendar, own_attendance, attendance = await records.find_all(
        connection,
        [
            (GROUP, STORES, store_id),
            (store_id, RULES, "shifts"),
            (GROUP, RULES, "shifts"),
            (GROUP, RULES, "working_calendar"),
            (store_id, RULES, "attendance"),
            (GROUP, RULES, "attendance"),
        ],
    )
    return Timetable(
        store_id,
        store.versions,
        own.versions,
        group.versions,
        calendar.versions,
        own_attendance.versions,
        attendance.versions,
    )


async def staff(
    connection: Connection, store_id: str, person_ids: Iterable[str] | None = None
) -> Mapping[str, Sequence[Version]]:
    """Return persons as they are decided on, or all who ever have a post in the store."""
    if person_ids is None:
        person_ids = await records.staff_ids(connection, store_id)
    found = await records.find_all(connection, [(store_id, STAFF, each) for each in person_ids])
    return {each.code: each.versions for each in found}


async def lock_person(connection: Connection, person_id: str) -> None:
    """Let others that sign the person in or out wait until the transaction ends."""
    await connection.execute(_ONE_AT_A_TIME, person_id)


async def begin(
    connection: Connection, store_id: str, keys: Iterable[Key]
) -> Mapping[Key, WorkingDay]:
    """Return working days as :func:`lock`; new ones are empty."""
    ordered = sorted(keys)
    wanted = [person_id for person_id, _ in ordered], [day for _, day in ordered]
    await connection.execute(_ADD, store_id, *wanted)
    return await lock(connection, store_id, ordered)


async def lock(
    connection: Connection, store_id: str, keys: Iterable[Key]
) -> Mapping[Key, WorkingDay]:
    """Return those of the working days that are known, locked until the transaction ends, in order
    of persons and days.
    """
    ordered = sorted(keys)
    wanted = [person_id for person_id, _ in ordered], [day for _, day in ordered]
    rows = await connection.fetch(_LOCK, store_id, *wanted)
    return {(row["person_id"], row["day"]): _DAYS.read(row) for row in rows}


async def save(connection: Connection, days: Sequence[WorkingDay]) -> None:
    """Store working days that are locked."""
    await connection.executemany(_DAYS.update, [_DAYS.values(each) for each in days])


async def of_person(
    connection: Connection, store_id: str, person_id: str, first: date, last: date
) -> list[WorkingDay]:
    """Return the recorded working days of a person, from the first day to the last."""
    rows = await connection.fetch(_OF_PERSON, store_id, person_id, first, last)
    return [_DAYS.read(row) for row in rows]


async def of_store(
    connection: Connection, store_id: str, first: date, last: date
) -> list[WorkingDay]:
    """Return the recorded working days of a store, from the first day to the last."""
    rows = await connection.fetch(_OF_STORE, store_id, first, last)
    return [_DAYS.read(row) for row in rows]


async def add_correction(
    connection: Connection, day: WorkingDay, correction: Correction, reason: bytes
) -> None:
    """Store a correction of a working day, with its encrypted reason."""
    values = _CORRECTIONS.values(
        correction, store_id=day.store_id, person_id=day.person_id, day=day.day, reason=reason
    )
    await connection.execute(_CORRECTIONS.insert, *values)


async def corrections(
    connection: Connection, store_id: str, person_id: str, day: date
) -> list[tuple[Correction, bytes]]:
    """Return the corrections of a working day, the last one first, with their encrypted reasons."""
    rows = await connection.fetch(_SELECT_CORRECTIONS, store_id, person_id, day)
    return [(_CORRECTIONS.read(row), row["reason"]) for row in rows]
