"""Stores of the group, as master data has them."""

from collections.abc import Sequence

from shared.contracts.management import StoreDefined
from shared.db import Connection

_NEAREST = """
SELECT other.key
FROM master_data AS other
LEFT JOIN master_data AS own ON own.topic = other.topic AND own.key = $2
WHERE other.topic = $1 AND other.key <> $2
ORDER BY coalesce(
        other.record #> '{versions,-1,content,city}' = own.record #> '{versions,-1,content,city}',
        false) DESC,
    length(other.key), other.key
LIMIT $3
"""

_AFTER = """
SELECT key FROM master_data WHERE topic = $1 AND key > $2 ORDER BY key LIMIT $3
"""


async def nearest_stores(connection: Connection, store_id: str, most: int) -> Sequence[str]:
    """Return other stores by their ids, first those of the same city."""
    rows = await connection.fetch(_NEAREST, StoreDefined.topic, store_id, most)
    return [row["key"] for row in rows]


async def stores_after(connection: Connection, store_id: str, most: int) -> Sequence[str]:
    """Return the stores whose ids come next."""
    rows = await connection.fetch(_AFTER, StoreDefined.topic, store_id, most)
    return [row["key"] for row in rows]
