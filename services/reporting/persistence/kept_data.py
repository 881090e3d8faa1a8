"""What reporting keeps at a person's orders and under their references: figures without a name."""

from collections.abc import Sequence
from typing import Any

from shared.db import Connection

_KEPT = """
WITH own AS (
    SELECT unnest($3::text[]) AS order_id
    UNION
    SELECT order_id FROM order_fact
    WHERE store_id = $1 AND coalesce(customer_ref, linked_customer_ref) = ANY ($2)
      AND delivered_at IS NOT NULL
)
SELECT 'figure' AS kind, order_id, count(*)::integer AS entries, max(at) AS latest,
       false AS is_erased
FROM (
    SELECT order_id, time AS at FROM own JOIN event_log AS log USING (order_id)
    WHERE log.store_id = $1
    UNION ALL
    SELECT NULL, changed_at FROM tier_fact WHERE store_id = $1 AND customer_ref = ANY ($2)
) AS entry
GROUP BY order_id ORDER BY order_id NULLS LAST
"""


async def kept_of_person(
    connection: Connection, store_id: str, customer_refs: Sequence[str], order_ids: Sequence[str]
) -> Sequence[Any]:
    """Return what is kept under these references of a customer, and at these orders."""
    return await connection.fetch(_KEPT, store_id, list(customer_refs), list(order_ids))
