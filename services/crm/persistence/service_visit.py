"""Visits: records of orders."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.crm.domain.loyalty import CustomerHistory
from services.crm.domain.service_visit import ServiceVisit
from shared.db import Connection
from shared.table import Table

_VISITS = Table(
    "service_visit", ServiceVisit, key=("store_id", "order_id"), separate=("spent_cents",)
)

_FIND = _VISITS.select + "WHERE store_id = $1 AND order_id = $2"

_FIND_READ = f"""
SELECT {_VISITS.column_list}, read_as($1, customer_ref) AS read FROM service_visit
WHERE store_id = $1 AND order_id = $2
"""

_BEGIN = """
INSERT INTO service_visit (store_id, order_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""

_ADD_SPEND = """
INSERT INTO service_visit (store_id, order_id, spent_cents)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (store_id, order_id) DO UPDATE SET
    spent_cents = service_visit.spent_cents + excluded.spent_cents
"""

_SILENT = """
SELECT customer_ref, order_id, delivered_at FROM service_visit AS visit
WHERE store_id = $1 AND (delivered_at, order_id) > ($2, $3) AND delivered_at < $4
  AND customer_ref IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM service_visit AS later
      WHERE later.customer_ref = visit.customer_ref AND later.store_id = visit.store_id
        AND (later.delivered_at > visit.delivered_at OR later.ended_at IS NULL))
  AND NOT EXISTS (
      SELECT FROM present_alias AS alias
      JOIN service_visit AS later
          ON later.store_id = $1
         AND later.customer_ref = ANY (references_of($1, visit.customer_ref))
      WHERE alias.store_id = $1 AND visit.customer_ref IN (alias.alias_ref, alias.customer_ref)
        AND (later.delivered_at > visit.delivered_at OR later.ended_at IS NULL))
ORDER BY delivered_at, order_id
LIMIT $5
"""

_CUSTOM = """
SELECT reference, brand, visits, recent_visits, recent_cents, last_visit_at, stores
FROM unnest($1::text[]) AS reference, customer_history_in_group(reference, $2)
"""

_OF_DELIVERIES = """
SELECT customer, brand, visits, recent_visits, recent_cents, last_visit_at, stores
FROM histories_of_deliveries_in_group($1, $2, $3)
"""


async def lock_service_visit(connection: Connection, store_id: str, order_id: str) -> ServiceVisit:
    """Return the visit of an order, empty at first, locked until the transaction ends."""
    await connection.execute(_BEGIN, store_id, order_id)
    (row,) = await connection.fetch(_FIND + " FOR UPDATE", store_id, order_id)
    return _VISITS.read(row)


async def find_service_visit(
    connection: Connection, store_id: str, order_id: str | None
) -> ServiceVisit | None:
    """Return the visit of an order, if there is one, with the customer as whom they are read."""
    row = await connection.fetchrow(_FIND_READ, store_id, order_id)
    return replace(_VISITS.read(row), customer_ref=row["read"]) if row else None


async def customer_of_visit(connection: Connection, store_id: str, order_id: str) -> str | None:
    """Return the customer of a visit that ended with a delivery, where it is known."""
    customer_ref: str | None = await connection.fetchval(
        "SELECT customer_ref FROM service_visit"
        " WHERE store_id = $1 AND order_id = $2 AND delivered_at IS NOT NULL",
        store_id,
        order_id,
    )
    return customer_ref


async def save_service_visit(connection: Connection, visit: ServiceVisit) -> None:
    """Store every field of the visit."""
    await connection.execute(_VISITS.update, *_VISITS.values(visit))


async def add_spend(connection: Connection, spend: Mapping[tuple[str, str], int]) -> None:
    """Add payments of customers, in cents, to the visits of these stores and orders."""
    rows = sorted((*visit, cents) for visit, cents in spend.items())
    await connection.execute(_ADD_SPEND, *map(list, zip(*rows, strict=True)))


async def silent_customers(
    connection: Connection,
    store_id: str,
    since: datetime,
    after_order_id: str,
    until: datetime,
    limit: int,
) -> Sequence[tuple[str, str, datetime]]:
    """Return customers whose last visit ended between two times, with its order and its end.

    They begin behind the order ``after_order_id`` of the time ``since``, in the order of the ends.
    """
    rows = await connection.fetch(_SILENT, store_id, since, after_order_id, until, limit)
    return [(row["customer_ref"], row["order_id"], row["delivered_at"]) for row in rows]


async def customer_history_in_group(
    connection: Connection, references: Collection[str], since: datetime
) -> dict[str, CustomerHistory]:
    """Return visits and spend of each vehicle's customer at every store of the group.

    Vehicles are known by their VIN's or plate's reference; stores include those that the
    transaction does not see otherwise.
    """
    rows = map(dict, await connection.fetch(_CUSTOM, list(references), since))
    return {row.pop("reference"): CustomerHistory(**row) for row in rows}


async def histories_of_deliveries(
    connection: Connection, delivered_from: datetime, delivered_until: datetime, since: datetime
) -> dict[str, list[CustomerHistory]]:
    """Return the histories of all customers of the group's deliveries of that time.

    A customer has one for each brand of their vehicles, all with the same visits and spend.
    """
    rows = await connection.fetch(_OF_DELIVERIES, delivered_from, delivered_until, since)
    histories: dict[str, list[CustomerHistory]] = defaultdict(list)
    for row in map(dict, rows):
        histories[row.pop("customer")].append(CustomerHistory(**row))
    return histories
