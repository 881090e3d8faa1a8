"""What management keeps at a person's orders: corrective actions that rest on them."""

from collections.abc import Sequence
from typing import Any

from shared.db import Connection

_KEPT = """
SELECT 'corrective_action' AS kind, order_id, count(*)::integer AS entries,
       max(opened_at) AS latest, false AS is_erased
FROM corrective_action WHERE store_id = $1 AND order_id = ANY ($2)
GROUP BY order_id ORDER BY order_id
"""


async def kept_at_orders(
    connection: Connection, store_id: str, order_ids: Sequence[str]
) -> Sequence[Any]:
    """Return what is kept at these orders."""
    return await connection.fetch(_KEPT, store_id, list(order_ids))
