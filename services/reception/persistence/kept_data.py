"""What reception keeps about a person, by kind and order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.db import Connection
from shared.kept_data import KeptKind

_KEPT = """
WITH own AS (
    SELECT order_id, arrived_at FROM visit
    WHERE store_id = $1 AND (customer_ref = ANY ($2) OR order_id = ANY ($3))
)
SELECT kind, order_id, count(*)::integer AS entries, max(at) AS latest
FROM (
    SELECT 'order' AS kind, order_id, arrived_at AS at FROM own
    UNION ALL
    SELECT 'concern', order_id, arrived_at FROM own JOIN repair_order AS work USING (order_id)
    WHERE work.store_id = $1 AND customer_concern IS NOT NULL
    UNION ALL
    SELECT 'signature', order_id, arrived_at FROM own JOIN repair_order AS work USING (order_id)
    WHERE work.store_id = $1 AND signature IS NOT NULL
    UNION ALL
    SELECT 'estimate', order_id, presented_at FROM own JOIN estimate USING (order_id)
    WHERE estimate.store_id = $1
    UNION ALL
    SELECT 'photo', order_id, taken_at FROM own JOIN photo USING (order_id)
    WHERE photo.store_id = $1
    UNION ALL
    SELECT 'feedback', order_id, submitted_at FROM own JOIN feedback USING (order_id)
    WHERE feedback.store_id = $1
    UNION ALL
    SELECT 'invoice', order_id, issued_at FROM own JOIN invoice USING (order_id)
    WHERE invoice.store_id = $1
    UNION ALL
    SELECT 'warranty_claim', order_id, coalesce(decided_at, due_at)
    FROM own JOIN warranty_claim AS claim USING (order_id)
    WHERE claim.store_id = $1
    UNION ALL
    SELECT 'entitlement', order_id, granted_at FROM granted_entitlement
    WHERE store_id = $1 AND customer_ref = ANY ($2)
    UNION ALL
    SELECT 'voucher', NULL, issued_at FROM voucher
    WHERE store_id = $1 AND customer_ref = ANY ($2)
    UNION ALL
    SELECT 'appointment', NULL, appointment_at FROM appointment
    WHERE store_id = $1 AND customer_ref = ANY ($2)
) AS entry
GROUP BY kind, order_id ORDER BY order_id NULLS LAST, kind
"""


@dataclass(frozen=True)
class KeptOfKind:
    """Entries of one kind, of one order where they belong to one, and the latest of them."""

    kind: KeptKind
    order_id: str | None
    entries: int
    latest: datetime | None


async def kept_of_person(
    connection: Connection, store_id: str, customer_refs: Sequence[str], order_ids: Sequence[str]
) -> list[KeptOfKind]:
    """Return what is kept about the customer of these references, and at these orders."""
    rows = await connection.fetch(_KEPT, store_id, list(customer_refs), list(order_ids))
    return [KeptOfKind(**row) for row in rows]
