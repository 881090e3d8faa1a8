"""Service records of vehicles, and service reminders."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from services.crm.domain.service_history import ServiceRecord
from services.crm.domain.service_reminder import Reminder, State, Vehicle
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_RECORDS = Table("service_record", ServiceRecord, key=("store_id", "record_id"))

REMINDERS = Table("service_reminder", Reminder, key=("store_id", "reminder_id"))

_OF_ORDERS = (
    _RECORDS.select
    + """
WHERE (store_id, record_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
FOR UPDATE
"""
)

_PLAN_AGAIN = """
INSERT INTO service_vehicle (store_id, vehicle_ref)
SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (store_id, vehicle_ref) DO UPDATE SET plan_again = true
"""

_FIRST_REGISTERED = """
INSERT INTO service_vehicle (store_id, vehicle_ref, first_registered_on) VALUES ($1, $2, $3)
ON CONFLICT (store_id, vehicle_ref) DO UPDATE
SET first_registered_on = excluded.first_registered_on, plan_again = true
"""

# Of vehicles in the store's customer records, those whose recalls were others when last planned.
_PLAN_RECALLED = """
INSERT INTO service_vehicle (store_id, vehicle_ref, recalls)
SELECT $1, vehicle_ref, coalesce(open.recalls, '')
FROM vehicle
LEFT JOIN service_vehicle AS planned USING (store_id, vehicle_ref)
LEFT JOIN unnest($2::text[], $3::text[]) AS open (brand, recalls) USING (brand)
WHERE store_id = $1 AND coalesce(planned.recalls, '') <> coalesce(open.recalls, '')
ON CONFLICT (store_id, vehicle_ref) DO UPDATE
SET recalls = excluded.recalls, plan_again = true
"""

_TO_PLAN = """
SELECT vehicle_ref FROM service_vehicle
WHERE store_id = $1 AND plan_again
ORDER BY vehicle_ref LIMIT $2
FOR UPDATE
"""

_VEHICLES = """
SELECT vehicle_ref, customer_ref, brand, model, first_registered_on
FROM vehicle
JOIN customer USING (store_id, customer_ref)
LEFT JOIN service_vehicle USING (store_id, vehicle_ref)
WHERE store_id = $1 AND vehicle_ref = ANY ($2) AND erased_at IS NULL
"""

_TO_RAISE = (
    REMINDERS.select
    + """
WHERE store_id = $1 AND state = 'planned' AND remind_on <= $2
ORDER BY remind_on, reminder_id LIMIT $3
FOR UPDATE
"""
)

_UNANSWERED = (
    REMINDERS.select
    + """
WHERE store_id = $1 AND state = 'due' AND raised_at < $2
ORDER BY raised_at, reminder_id LIMIT $3
FOR UPDATE
"""
)

_LISTED = (
    REMINDERS.select
    + """
WHERE store_id = $1 AND state = $2 AND (due_on, reminder_id) > ($3, $4)
ORDER BY due_on, reminder_id LIMIT $5
"""
)

_ABOUT_WORK = (
    REMINDERS.select
    + """
WHERE kind IN ('declined_work', 'recall') AND state <> 'closed'
  AND (store_id, vehicle_ref) IN (SELECT * FROM unnest($1::text[], $2::text[]))
FOR UPDATE
"""
)


async def lock_records(
    connection: Connection, orders: Collection[tuple[str, str]]
) -> dict[tuple[str, str], ServiceRecord]:
    """Return the records of orders by store and order, locked; unknown ones are absent."""
    rows = await connection.fetch(_OF_ORDERS, *_columns(orders))
    records = map(_RECORDS.read, rows)
    return {(record.store_id, record.record_id): record for record in records}


async def save_records(connection: Connection, records: Sequence[ServiceRecord]) -> None:
    """Store records, and have the reminders of their vehicles planned again."""
    await connection.executemany(_RECORDS.upsert, [_RECORDS.values(each) for each in records])
    await plan_again(connection, sorted({(each.store_id, each.vehicle_ref) for each in records}))


async def plan_again(connection: Connection, vehicles: Collection[tuple[str, str]]) -> None:
    """Have the reminders of vehicles, by store, planned again in the next night."""
    await connection.execute(_PLAN_AGAIN, *_columns(vehicles))


async def set_first_registration(
    connection: Connection, store_id: str, vehicle_ref: str, day: date
) -> None:
    """Store the day of a vehicle's first registration."""
    await connection.execute(_FIRST_REGISTERED, store_id, vehicle_ref, day)


async def lock_vehicles_to_plan(connection: Connection, store_id: str, limit: int) -> list[str]:
    """Return vehicles whose reminders are to be planned again, locked."""
    rows = await connection.fetch(_TO_PLAN, store_id, limit)
    return [row["vehicle_ref"] for row in rows]


async def plan_recalled(connection: Connection, store_id: str, by_brand: Mapping[str, str]) -> None:
    """Have the reminders of vehicles planned again whose brand's open recalls have changed."""
    await connection.execute(_PLAN_RECALLED, store_id, list(by_brand), list(by_brand.values()))


async def vins(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str]
) -> list[tuple[str, str, bytes]]:
    """Return vehicles with their owner's reference and their VIN, encrypted under it."""
    rows = await connection.fetch(
        "SELECT vehicle_ref, customer_ref, vin FROM vehicle"
        " WHERE store_id = $1 AND vehicle_ref = ANY ($2)",
        store_id,
        vehicle_refs,
    )
    return [(row["vehicle_ref"], row["customer_ref"], row["vin"]) for row in rows]


async def mark_planned(connection: Connection, store_id: str, vehicle_refs: Sequence[str]) -> None:
    """Record that the reminders of vehicles are planned."""
    await connection.execute(
        "UPDATE service_vehicle SET plan_again = false"
        " WHERE store_id = $1 AND vehicle_ref = ANY ($2)",
        store_id,
        vehicle_refs,
    )


async def service_vehicles(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str]
) -> Mapping[str, Vehicle]:
    """Return those of the vehicles that are in the store's customer records, by reference."""
    rows = await connection.fetch(_VEHICLES, store_id, vehicle_refs)
    return {row["vehicle_ref"]: Vehicle(**row) for row in rows}


async def service_records(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str]
) -> list[ServiceRecord]:
    """Return the records of vehicles by the day on which the odometer was read."""
    rows = await connection.fetch(
        _RECORDS.select
        + "WHERE store_id = $1 AND vehicle_ref = ANY ($2) ORDER BY read_on, odometer_km, record_id",
        store_id,
        vehicle_refs,
    )
    return [_RECORDS.read(row) for row in rows]


async def lock_reminders_of(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str]
) -> list[Reminder]:
    """Return all reminders of vehicles, locked."""
    rows = await connection.fetch(
        REMINDERS.select + "WHERE store_id = $1 AND vehicle_ref = ANY ($2) FOR UPDATE",
        store_id,
        vehicle_refs,
    )
    return [REMINDERS.read(row) for row in rows]


async def lock_reminders_about_work(
    connection: Connection, vehicles: Collection[tuple[str, str]]
) -> list[Reminder]:
    """Return the open reminders of declined work and recalls of vehicles by store, locked."""
    rows = await connection.fetch(_ABOUT_WORK, *_columns(vehicles))
    return [REMINDERS.read(row) for row in rows]


async def lock_reminders_to_raise(
    connection: Connection, store_id: str, today: date, limit: int
) -> list[Reminder]:
    """Return planned reminders whose customers are to be invited, locked."""
    rows = await connection.fetch(_TO_RAISE, store_id, today, limit)
    return [REMINDERS.read(row) for row in rows]


async def lock_unanswered_reminders(
    connection: Connection, store_id: str, raised_before: datetime, limit: int
) -> list[Reminder]:
    """Return reminders that were raised before a time and have no answer, locked."""
    rows = await connection.fetch(_UNANSWERED, store_id, raised_before, limit)
    return [REMINDERS.read(row) for row in rows]


async def save_reminders(connection: Connection, reminders: Sequence[Reminder]) -> None:
    """Store every field of reminders."""
    await connection.executemany(REMINDERS.upsert, [REMINDERS.values(each) for each in reminders])


async def find_reminder(connection: Connection, store_id: str, reminder_id: str) -> Reminder:
    """Return a reminder.

    Raises:
        RuleViolation: the store has no such reminder.
    """
    return await _reminder(connection, store_id, reminder_id, "")


async def lock_reminder(connection: Connection, store_id: str, reminder_id: str) -> Reminder:
    """Return a reminder, locked until the transaction ends.

    Raises:
        RuleViolation: the store has no such reminder.
    """
    return await _reminder(connection, store_id, reminder_id, "FOR UPDATE")


async def list_reminders(
    connection: Connection, store_id: str, state: State, after: tuple[date, str], limit: int
) -> list[Reminder]:
    """Return reminders by when they are due, ``after`` a place."""
    rows = await connection.fetch(_LISTED, store_id, state, *after, limit)
    return [REMINDERS.read(row) for row in rows]


def _columns(pairs: Collection[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [first for first, _ in pairs], [second for _, second in pairs]


async def _reminder(connection: Connection, store_id: str, reminder_id: str, lock: str) -> Reminder:
    row = await connection.fetchrow(
        f"{REMINDERS.select}WHERE store_id = $1 AND reminder_id = $2 {lock}",
        store_id,
        reminder_id,
    )
    if row is None:
        raise unknown("reminder_id", reminder_id)
    return REMINDERS.read(row)
