"""What there is of customers' records, in numbers alone."""

from collections.abc import Sequence
from datetime import datetime

from services.crm.domain.completeness import RecordState
from shared.db import Connection

_LATELY = """
SELECT read_as($1, customer_ref) AS customer_ref FROM customer
WHERE store_id = $1 AND registered_at >= $2
UNION
SELECT read_as($1, customer_ref) FROM service_visit
WHERE store_id = $1 AND delivered_at >= $2 AND customer_ref IS NOT NULL
LIMIT $3
"""

_STATES = """
SELECT ref AS customer_ref,
       EXISTS (SELECT FROM contact_point AS point
               WHERE point.store_id = $1 AND point.customer_ref = ANY (refs)
                 AND point.kind = 'phone' AND point.ended_at IS NULL) AS has_phone,
       (SELECT count(DISTINCT value_ref) FROM contact_point AS point
        WHERE point.store_id = $1 AND point.customer_ref = ANY (refs)
          AND point.ended_at IS NULL) > 1 AS has_second_contact,
       customer.contact_version > 0 AS has_preferences,
       EXISTS (SELECT FROM vehicle_person AS person
               WHERE person.store_id = $1 AND person.customer_ref = ANY (refs)
                 AND person.until IS NULL) AS has_vehicle,
       NOT EXISTS (SELECT FROM vehicle_person AS person
                   WHERE person.store_id = $1 AND person.customer_ref = ANY (refs)
                     AND person.until IS NULL AND person.role = 'owner'
                     AND NOT EXISTS (
                         SELECT FROM vehicle_plate AS plate
                         WHERE plate.store_id = $1 AND plate.vehicle_ref = person.vehicle_ref
                           AND plate.until IS NULL)) AS has_plates,
       greatest(customer.registered_at, customer.changed_at, customer.contact_changed_at,
                (SELECT max(set_at) FROM contact_point AS point
                 WHERE point.store_id = $1 AND point.customer_ref = ANY (refs))) AS checked_at
FROM unnest($2::text[]) AS ref
CROSS JOIN LATERAL (SELECT references_of($1, ref) AS refs) AS merged
JOIN customer ON customer.store_id = $1 AND customer.customer_ref = ref
"""


async def customers_of_late(
    connection: Connection, store_id: str, since: datetime, most: int
) -> list[str]:
    """Return customers who were registered or had a vehicle delivered since then."""
    rows = await connection.fetch(_LATELY, store_id, since, most)
    return [row["customer_ref"] for row in rows]


async def record_states(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> list[RecordState]:
    """Return what there is of these customers' records."""
    rows = await connection.fetch(_STATES, store_id, list(customer_refs))
    return [RecordState(**row) for row in rows]
