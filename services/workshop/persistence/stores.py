"""Stores of the group, as master data has them."""

from collections.abc import Sequence

from shared.contracts.management import StoreDefined
from shared.db import Connection

# The index on cities is for this topic alone.
_NEAREST = f"""
WITH near AS (
    SELECT key FROM master_data
    WHERE topic = '{StoreDefined.topic}' AND key <> $1
      AND record #> '{{versions,-1,content,city}}' = (
          SELECT record #> '{{versions,-1,content,city}}' FROM master_data
          WHERE topic = '{StoreDefined.topic}' AND key = $1)
    ORDER BY key
    LIMIT $2
), far AS (
    SELECT key FROM master_data
    WHERE topic = '{StoreDefined.topic}' AND key <> $1 AND key NOT IN (SELECT key FROM near)
    ORDER BY key
    LIMIT $2
)
SELECT key FROM (SELECT key, 1 AS rank FROM near UNION ALL SELECT key, 2 FROM far) AS found
ORDER BY rank, key
LIMIT $2
"""

_AFTER = """
SELECT key FROM master_data WHERE topic = $1 AND key > $2 ORDER BY key LIMIT $3
"""


async def nearest_stores(connection: Connection, store_id: str, most: int) -> Sequence[str]:
    """Return other stores by their ids, first those of the same city."""
    rows = await connection.fetch(_NEAREST, store_id, most)
    return [row["key"] for row in rows]


async def stores_after(connection: Connection, store_id: str, most: int) -> Sequence[str]:
    """Return the stores whose ids come next."""
    rows = await connection.fetch(_AFTER, StoreDefined.topic, store_id, most)
    return [row["key"] for row in rows]
