"""Reads of customers' names and contact points (查阅记录)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from shared.db import Connection

_ADD = """
INSERT INTO contact_read (store_id, customer_ref, read_at, read_by, operation)
SELECT $1, unnest($2::text[]), $3, $4, $5
ON CONFLICT DO NOTHING
"""

_LATEST = """
SELECT read_at, read_by, operation FROM contact_read
WHERE store_id = $1 AND customer_ref = $2
ORDER BY read_at DESC, read_by, operation LIMIT $3
"""


@dataclass(frozen=True)
class ContactRead:
    """Who has read a contact by which operation: within the hour that began at ``read_at``."""

    read_at: datetime
    read_by: str
    operation: str


async def add_contact_reads(
    connection: Connection, store_id: str, customer_refs: Collection[str], read: ContactRead
) -> None:
    """Record that a person has read these contacts."""
    await connection.execute(
        _ADD,
        store_id,
        sorted(set(customer_refs)),
        read.read_at,
        read.read_by,
        read.operation,
    )


async def latest_contact_reads(
    connection: Connection, store_id: str, customer_ref: str, most: int
) -> list[ContactRead]:
    """Return the last reads of a customer's contact, the latest first."""
    rows = await connection.fetch(_LATEST, store_id, customer_ref, most)
    return [ContactRead(**row) for row in rows]
