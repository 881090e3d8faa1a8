"""Timelines of customers and of vehicles (往来记录), over the stores that a transaction sees."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from shared.db import Connection

EntryKind = Literal[
    "visit",
    "call",
    "complaint",
    "survey",
    "message",
    "conversation",
    "policy",
    "invitation",
    "campaign",
]
"""到店, 回访, 投诉, 满意度调查, 消息, 来信, 保单, 邀约, 营销活动."""

_ENTRIES = """
SELECT 'visit' AS kind, order_id AS entry_id, store_id,
       coalesce(delivered_at, ended_at, opened_at, ready_at) AS at,
       CASE WHEN delivered_at IS NOT NULL THEN 'delivered'
            WHEN ended_at IS NOT NULL THEN 'cancelled' ELSE 'in_progress' END AS code,
       order_id, customer_ref
FROM service_visit WHERE {visit}
UNION ALL
SELECT 'call', follow_up_id, store_id, completed_at, reason, order_id, customer_ref
FROM follow_up WHERE completed_at IS NOT NULL AND {call}
UNION ALL
SELECT 'complaint', complaint_id, store_id, opened_at, severity, order_id, customer_ref
FROM complaint WHERE {complaint}
UNION ALL
SELECT 'survey', survey_id, store_id, coalesce(answered_at, asked_at),
       CASE WHEN answered_at IS NULL THEN 'asked' ELSE 'answered' END, order_id, customer_ref
FROM survey WHERE {survey}
UNION ALL
SELECT 'message', message_id, store_id, created_at, message_type, order_id, customer_ref
FROM message WHERE message_type <> 'answer' AND {message}
UNION ALL
SELECT 'conversation', conversation_id, store_id, latest_at, channel, NULL, customer_ref
FROM conversation WHERE {conversation}
UNION ALL
SELECT 'policy', policy_id, store_id, recorded_at, insurer, NULL, customer_ref
FROM insurance_policy WHERE {policy}
UNION ALL
SELECT 'invitation', reminder_id, store_id, raised_at, kind, order_id, customer_ref
FROM service_reminder WHERE raised_at IS NOT NULL AND {invitation}
UNION ALL
SELECT 'campaign', campaign_id, store_id, invited_at, 'invited', NULL, customer_ref
FROM campaign_invitation WHERE invited_at IS NOT NULL AND {campaign}
UNION ALL
SELECT 'campaign', campaign_id, store_id, answered_at, answer, order_id, customer_ref
FROM campaign_invitation WHERE answered_at IS NOT NULL AND {campaign}
"""

_PAGE = """
SELECT kind, entry_id, store_id, at, code, order_id, customer_ref FROM entry
WHERE at IS NOT NULL AND ($3::timestamptz IS NULL OR (at, entry_id) < ($3, $4))
ORDER BY at DESC, entry_id DESC
LIMIT $5
"""

_OF_WHO = "(store_id, customer_ref) IN (SELECT store_id, customer_ref FROM who)"
_OF_ORDER = "(store_id, order_id) IN (SELECT store_id, order_id FROM visited)"
_OF_VEHICLE = "store_id = ANY ($1) AND vehicle_ref = $2"

_OF_VEHICLE_OR_ORDER = """(store_id, {key}) IN (
    SELECT store_id, {key} FROM {table} JOIN visited USING (store_id, order_id)
    UNION
    SELECT store_id, {key} FROM {table} WHERE store_id = ANY ($1) AND vehicle_ref = $2)
"""

_OF_CUSTOMER = f"""
WITH who AS MATERIALIZED (
    SELECT DISTINCT other.store_id, one.customer_ref
    FROM customer AS mine
    JOIN customer AS other USING (person_ref)
    CROSS JOIN unnest(references_of(other.store_id, other.customer_ref)) AS one (customer_ref)
    WHERE mine.store_id = $1 AND mine.customer_ref = ANY (references_of($1, $2))
),
entry AS ({_ENTRIES.format(**dict.fromkeys(get_args(EntryKind), _OF_WHO))})
{_PAGE}
"""

_OF_A_VEHICLE = f"""
WITH visited AS MATERIALIZED (
    SELECT store_id, record_id AS order_id FROM service_record WHERE {_OF_VEHICLE}
),
entry AS ({
    _ENTRIES.format(
        visit=_OF_ORDER,
        call=_OF_VEHICLE_OR_ORDER.format(table="follow_up", key="follow_up_id"),
        complaint=_OF_VEHICLE_OR_ORDER.format(table="complaint", key="complaint_id"),
        survey=_OF_ORDER,
        message=_OF_ORDER,
        conversation="false",
        policy=_OF_VEHICLE,
        invitation=_OF_VEHICLE,
        campaign="false",
    )
})
{_PAGE}
"""

Place = tuple[datetime | None, str]
"""Time and id of the entry behind which a page begins; the first page begins at no time."""


@dataclass(frozen=True)
class TimelineRow:
    """An entry of a timeline; ``code`` says of its kind what it is."""

    kind: EntryKind
    entry_id: str
    store_id: str
    at: datetime
    code: str
    order_id: str | None
    customer_ref: str | None


async def timeline_of_customer(
    connection: Connection, store_id: str, customer_ref: str, behind: Place, limit: int
) -> Sequence[TimelineRow]:
    """Return what happened with a customer and the same person elsewhere, newest first."""
    rows = await connection.fetch(_OF_CUSTOMER, store_id, customer_ref, *behind, limit)
    return [TimelineRow(**row) for row in rows]


async def timeline_of_vehicle(
    connection: Connection, stores: Collection[str], vehicle_ref: str, behind: Place, limit: int
) -> Sequence[TimelineRow]:
    """Return what happened with a vehicle in ``stores``, newest first."""
    rows = await connection.fetch(_OF_A_VEHICLE, list(stores), vehicle_ref, *behind, limit)
    return [TimelineRow(**row) for row in rows]
