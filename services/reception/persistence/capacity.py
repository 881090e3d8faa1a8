"""Last published free time of the workshop."""

from collections.abc import Sequence

from shared.contracts.workshop import FreeCapacity
from shared.db import Connection

_SAVE_CAPACITY = """
INSERT INTO store_capacity (store_id, free) VALUES ($1, $2)
ON CONFLICT (store_id) DO UPDATE SET free = excluded.free
"""


async def save_capacity(
    connection: Connection, store_id: str, free: Sequence[FreeCapacity]
) -> None:
    """Store the workshop's last published free time."""
    await connection.execute(
        _SAVE_CAPACITY, store_id, [slot.model_dump(mode="json") for slot in free]
    )


async def last_capacity(connection: Connection, store_id: str) -> list[FreeCapacity]:
    """Return the workshop's last published free time."""
    free = await connection.fetchval(
        "SELECT free FROM store_capacity WHERE store_id = $1", store_id
    )
    return [FreeCapacity.model_validate(slot) for slot in free or []]
