"""What the workshop keeps at a person's orders, by kind and order."""

from collections.abc import Sequence
from typing import Any

from shared.db import Connection

_KEPT = """
SELECT kind, order_id, count(*)::integer AS entries, max(at) AS latest,
       kind = 'work_note' AS is_erased
FROM (
    SELECT 'job' AS kind, order_id, coalesce(finished_at, opened_at) AS at FROM job
    WHERE store_id = $1 AND order_id = ANY ($2)
    UNION ALL
    SELECT 'work_note', order_id, recommended_at FROM additional_work
    WHERE store_id = $1 AND order_id = ANY ($2) AND note IS NOT NULL
    UNION ALL
    SELECT 'work_note', order_id, made_at FROM override
    WHERE store_id = $1 AND order_id = ANY ($2) AND note IS NOT NULL
) AS entry
GROUP BY kind, order_id ORDER BY order_id, kind
"""


async def kept_at_orders(
    connection: Connection, store_id: str, order_ids: Sequence[str]
) -> Sequence[Any]:
    """Return what is kept at these orders."""
    return await connection.fetch(_KEPT, store_id, list(order_ids))
