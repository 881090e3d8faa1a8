"""Visits: what is known of orders."""

import dataclasses

from services.crm.domain.message import Visit
from shared.db import Connection

_BEGIN = """
INSERT INTO visit (store_id, order_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""

_VISIT = """
SELECT store_id, order_id, customer_ref, waiting, ready_at, delivered_at, ended_at
FROM visit WHERE store_id = $1 AND order_id = $2
"""

_SAVE = """
UPDATE visit
SET customer_ref = $3, waiting = $4, ready_at = $5, delivered_at = $6, ended_at = $7
WHERE store_id = $1 AND order_id = $2
"""


async def lock_visit(connection: Connection, store_id: str, order_id: str) -> Visit:
    """The visit of an order, empty at first, locked until the transaction ends."""
    await connection.execute(_BEGIN, store_id, order_id)
    (row,) = await connection.fetch(_VISIT + "FOR UPDATE", store_id, order_id)
    return Visit(**row)


async def find_visit(connection: Connection, store_id: str, order_id: str | None) -> Visit | None:
    """The visit of an order that has been heard of."""
    row = await connection.fetchrow(_VISIT, store_id, order_id)
    return Visit(**row) if row else None


async def save_visit(connection: Connection, visit: Visit) -> None:
    """Store every field of the visit."""
    await connection.execute(_SAVE, *(getattr(visit, name) for name in _FIELDS))


_FIELDS = [field.name for field in dataclasses.fields(Visit)]
