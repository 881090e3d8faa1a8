"""Birthdays of customers, encrypted, and found by a keyed hash of month and day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from shared.db import Connection
from shared.table import Table


@dataclass(frozen=True)
class Birthday:
    """Birthday of a customer: ``month_day`` is encrypted under ``customer_ref``."""

    store_id: str
    customer_ref: str
    month_day: bytes
    month_day_ref: str
    set_by: str
    set_at: datetime


_BIRTHDAYS = Table("birthday", Birthday, key=("store_id", "customer_ref"))

_OF_CUSTOMER = (
    _BIRTHDAYS.select
    + """
WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
ORDER BY customer_ref = read_as($1, $2) DESC, set_at DESC LIMIT 1
"""
)

_KNOWN = """
SELECT ref FROM unnest($2::text[]) AS asked (ref)
WHERE EXISTS (SELECT FROM birthday
              WHERE store_id = $1 AND customer_ref = ANY (references_of($1, asked.ref)))
"""

_ON_DAYS = """
SELECT DISTINCT read_as($1, customer_ref) AS customer_ref FROM birthday
WHERE store_id = $1 AND month_day_ref = ANY ($2)
ORDER BY 1
"""


async def find_birthday(
    connection: Connection, store_id: str, customer_ref: str
) -> Birthday | None:
    """Return the birthday of a customer, and of one who is merged into them, where one is known."""
    row = await connection.fetchrow(_OF_CUSTOMER, store_id, customer_ref)
    return _BIRTHDAYS.read(row) if row else None


async def customers_with_birthday(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> set[str]:
    """Return those of the customers whose birthday is known, or that of one merged into them."""
    rows = await connection.fetch(_KNOWN, store_id, list(customer_refs))
    return {row["ref"] for row in rows}


async def save_birthdays(connection: Connection, birthdays: Collection[Birthday]) -> None:
    """Store birthdays of customers in the place of earlier ones."""
    await connection.executemany(_BIRTHDAYS.upsert, [_BIRTHDAYS.values(each) for each in birthdays])


async def delete_birthday(connection: Connection, store_id: str, customer_ref: str) -> None:
    """Delete the birthday of a customer, and of those who are merged into them."""
    await connection.execute(
        "DELETE FROM birthday WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))",
        store_id,
        customer_ref,
    )


async def customers_born_on(
    connection: Connection, store_id: str, month_day_refs: Collection[str]
) -> list[str]:
    """Return the customers of a store whose birthday is on one of these days."""
    rows = await connection.fetch(_ON_DAYS, store_id, list(month_day_refs))
    return [row["customer_ref"] for row in rows]
