"""What is kept about one customer in all tables: by class, and the texts, still encrypted."""

from dataclasses import dataclass
from datetime import datetime

from services.crm.domain.kept_data import DataClass
from shared.db import Connection

_CLASSES = """
SELECT data_class, count(*)::integer AS entries, min(at) AS since, max(at) AS latest
FROM (
    SELECT 'customer_record' AS data_class, coalesce(changed_at, registered_at) AS at
    FROM customer
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'customer_record', changed_at FROM customer_version
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'customer_record', set_at FROM birthday
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'contact_points', set_at FROM contact_point
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'vehicles', since FROM vehicle_person
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'vehicles', corrected_at FROM vin_correction
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'plates', since FROM vehicle_plate
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'consents', changed_at FROM consent
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'visits', coalesce(delivered_at, ended_at) FROM service_visit
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'messages', created_at FROM message
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'messages', written_at
    FROM conversation_message JOIN conversation USING (store_id, conversation_id)
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'calls', coalesce(completed_at, cancelled_at, due_at) FROM follow_up
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'complaints', opened_at FROM complaint
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'inquiries', recorded_at FROM inquiry
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'surveys', asked_at FROM survey
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'insurance', recorded_at FROM insurance_policy
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'service_reminders', coalesce(raised_at, remind_on::timestamptz) FROM service_reminder
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'loyalty', changed_at FROM tier_change
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'absences', lapsed_at FROM lapse
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'campaigns', coalesce(invited_at, started_at)
    FROM campaign_invitation JOIN campaign USING (store_id, campaign_id)
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT 'leads', handed_over_at FROM lead
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
) AS entry
GROUP BY data_class ORDER BY data_class
"""

_ORDERS = """
SELECT order_id FROM service_visit
WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
ORDER BY coalesce(delivered_at, opened_at) DESC NULLS FIRST, order_id LIMIT $3
"""

_TEXTS = """
SELECT customer_ref, data_class, entry_id, at, encrypted
FROM (
    SELECT customer_ref, 'calls' AS data_class, follow_up_id AS entry_id,
           coalesce(completed_at, cancelled_at, due_at) AS at, record AS encrypted
    FROM follow_up
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'complaints', entry_id, recorded_at, words
    FROM complaint_entry JOIN complaint USING (store_id, complaint_id)
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'inquiries', inquiry_id, recorded_at, question
    FROM inquiry
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'inquiries', inquiry_id, answered_at, answer
    FROM inquiry
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'surveys', survey_id, answered_at, words
    FROM survey
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'insurance', policy_id, recorded_at, policy_number
    FROM insurance_policy
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'messages', message_id, written_at, words
    FROM conversation_message JOIN conversation USING (store_id, conversation_id)
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'customer_record', 'birthday', set_at, month_day
    FROM birthday
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'absences', lapse_id, cause_at, note
    FROM lapse
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
    UNION ALL
    SELECT customer_ref, 'leads', lead_id, handed_over_at, note
    FROM lead
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
) AS text
WHERE encrypted IS NOT NULL
ORDER BY at NULLS LAST, entry_id
LIMIT $3
"""


@dataclass(frozen=True)
class KeptClass:
    """Entries of one class about a customer, and the times of the first and the latest."""

    data_class: DataClass
    entries: int
    since: datetime | None
    latest: datetime | None


@dataclass(frozen=True)
class KeptText:
    """A text about a customer, still encrypted under the key of ``customer_ref``."""

    customer_ref: str
    data_class: DataClass
    entry_id: str
    at: datetime | None
    encrypted: bytes


async def kept_classes(connection: Connection, store_id: str, customer_ref: str) -> list[KeptClass]:
    """Return what is kept about a customer, by class."""
    rows = await connection.fetch(_CLASSES, store_id, customer_ref)
    return [KeptClass(**row) for row in rows]


async def orders_of_customer(
    connection: Connection, store_id: str, customer_ref: str, most: int
) -> list[str]:
    """Return the orders of a customer, the latest first."""
    rows = await connection.fetch(_ORDERS, store_id, customer_ref, most)
    return [row["order_id"] for row in rows]


async def kept_texts(
    connection: Connection, store_id: str, customer_ref: str, most: int
) -> list[KeptText]:
    """Return what was written down about a customer, in the order of time."""
    rows = await connection.fetch(_TEXTS, store_id, customer_ref, most)
    return [KeptText(**row) for row in rows]
