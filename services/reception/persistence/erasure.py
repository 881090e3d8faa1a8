"""Orders and appointments of erased persons."""

from collections.abc import Collection, Sequence

from services.reception.domain.appointment import Appointment
from services.reception.domain.claim import Claim
from services.reception.domain.lifecycle import ENDED
from services.reception.persistence.appointment import APPOINTMENTS
from services.reception.persistence.claim import CLAIMS
from shared.db import Connection

_ORDERS = """
SELECT order_id FROM visit JOIN repair_order USING (store_id, order_id)
WHERE store_id = $1 AND (visit.customer_ref = $2 OR order_id = ANY ($3))
  AND repair_order.status = ANY ($4)
ORDER BY order_id FOR UPDATE OF repair_order
"""

_APPOINTMENTS = (
    APPOINTMENTS.select
    + "WHERE store_id = $1 AND customer_ref = $2 ORDER BY appointment_id FOR UPDATE"
)

_CLAIMS = CLAIMS.select + "WHERE store_id = $1 AND order_id = ANY ($2) ORDER BY claim_id"

# What is encrypted is emptied too, for a legal term may keep the key of an order. A plate that is
# erased finds nothing.
_EMPTY_ORDERS = (
    """
UPDATE visit
SET plate_ref = 'erased:' || order_id, customer_details = NULL, belongings = NULL
WHERE store_id = $1 AND order_id = ANY ($2)
""",
    """
UPDATE repair_order SET customer_concern = NULL, signature = NULL
WHERE store_id = $1 AND order_id = ANY ($2)
""",
    "UPDATE feedback SET comment = NULL WHERE store_id = $1 AND order_id = ANY ($2)",
    "UPDATE cancellation SET note = NULL WHERE store_id = $1 AND entity_id = ANY ($2)",
)

_EMPTY_APPOINTMENTS = (
    """
UPDATE appointment SET plate_ref = 'erased:' || appointment_id
WHERE store_id = $1 AND appointment_id = ANY ($2)
""",
    "UPDATE cancellation SET note = NULL WHERE store_id = $1 AND entity_id = ANY ($2)",
)

_DELETE_PHOTOS = """
DELETE FROM photo
WHERE store_id = $1 AND order_id = ANY ($2) AND photo_id <> ALL ($3)
RETURNING photo_id
"""


async def lock_ended_orders(
    connection: Connection, store_id: str, customer_ref: str, order_ids: Sequence[str]
) -> list[str]:
    """Return the orders of a customer, and of ``order_ids``, that have ended, locked."""
    rows = await connection.fetch(_ORDERS, store_id, customer_ref, list(order_ids), list(ENDED))
    return [row["order_id"] for row in rows]


async def lock_appointments_of(
    connection: Connection, store_id: str, customer_ref: str
) -> list[Appointment]:
    """Return the appointments of a customer, locked."""
    rows = await connection.fetch(_APPOINTMENTS, store_id, customer_ref)
    return [APPOINTMENTS.read(row) for row in rows]


async def claims_of_orders(
    connection: Connection, store_id: str, order_ids: Sequence[str]
) -> list[Claim]:
    """Return the claims on the invoices of orders."""
    rows = await connection.fetch(_CLAIMS, store_id, list(order_ids))
    return [CLAIMS.read(row) for row in rows]


async def empty_orders(connection: Connection, store_id: str, order_ids: Sequence[str]) -> None:
    """Empty what customers said and drew at their orders, and forget their plates."""
    for query in _EMPTY_ORDERS:
        await connection.execute(query, store_id, list(order_ids))


async def empty_appointments(
    connection: Connection, store_id: str, appointment_ids: Sequence[str]
) -> None:
    """Forget the plates of appointments, and why they were cancelled."""
    for query in _EMPTY_APPOINTMENTS:
        await connection.execute(query, store_id, list(appointment_ids))


async def delete_photos(
    connection: Connection, store_id: str, order_ids: Sequence[str], keep: Collection[str]
) -> list[str]:
    """Delete the photos of orders but those to ``keep``; return which they were."""
    rows = await connection.fetch(_DELETE_PHOTOS, store_id, list(order_ids), list(keep))
    return [row["photo_id"] for row in rows]
