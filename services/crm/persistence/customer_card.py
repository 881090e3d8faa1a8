"""What a store knows of one customer at a glance (客户卡片)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.db import Connection

_VEHICLES = """
WITH driven AS (
    SELECT vehicle_ref, array_agg(role ORDER BY role) AS roles, max(since) AS since
    FROM vehicle_person
    WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2)) AND until IS NULL
    GROUP BY vehicle_ref
)
SELECT driven.vehicle_ref, driven.roles, vehicle.brand, vehicle.model, plate.plate,
       plate.customer_ref AS plate_subject,
       (SELECT max(ends_on) FROM insurance_policy AS policy
        WHERE policy.store_id = $1 AND policy.vehicle_ref = driven.vehicle_ref) AS insured_until,
       (SELECT min(due_on) FROM service_reminder AS reminder
        WHERE reminder.store_id = $1 AND reminder.vehicle_ref = driven.vehicle_ref
          AND reminder.kind IN ('maintenance', 'first_service')
          AND reminder.state <> 'closed') AS next_service_on
FROM driven
JOIN vehicle ON vehicle.store_id = $1 AND vehicle.vehicle_ref = driven.vehicle_ref
LEFT JOIN vehicle_plate AS plate
    ON plate.store_id = $1 AND plate.vehicle_ref = driven.vehicle_ref AND plate.until IS NULL
ORDER BY 'owner' = ANY (driven.roles) DESC, driven.since DESC, driven.vehicle_ref
LIMIT $3
"""

_INVITATIONS = """
SELECT reminder_id, vehicle_ref, kind, due_on, op_codes, state
FROM service_reminder
WHERE store_id = $1 AND vehicle_ref = ANY ($2)
  AND (state = 'due' OR state = 'planned' AND kind = 'declined_work')
ORDER BY due_on, reminder_id
LIMIT $3
"""

_CAMPAIGNS = """
SELECT campaign_id, invitation_id, title, ends_on, invited_at, answer, answered_at
FROM campaign_invitation JOIN campaign USING (store_id, campaign_id)
WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
  AND state = 'invited' AND status = 'running'
ORDER BY ends_on, campaign_id
LIMIT $3
"""

_COMPLAINTS = """
SELECT complaint_id, severity, opened_at, due_at, escalated_to
FROM complaint
WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2)) AND closed_at IS NULL
ORDER BY due_at, complaint_id
LIMIT $3
"""

_SURVEYS = """
SELECT survey_id, order_id, channel, asked_at, expires_at
FROM survey
WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
  AND answered_at IS NULL AND expires_at > $3
ORDER BY asked_at DESC
LIMIT $4
"""

_VISITS = """
SELECT order_id, delivered_at
FROM service_visit
WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2)) AND delivered_at IS NOT NULL
ORDER BY delivered_at DESC
LIMIT $3
"""

_CONSENTS = """
SELECT DISTINCT ON (purpose) purpose, is_given, changed_at FROM consent
WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))
ORDER BY purpose, changed_at DESC
"""


async def present_vehicles(
    connection: Connection, store_id: str, customer_ref: str, most: int
) -> Sequence[Any]:
    """Return the vehicles of a customer at present, their own first, with what they need next.

    Plates are still encrypted.
    """
    return await connection.fetch(_VEHICLES, store_id, customer_ref, most)


async def open_invitations(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str], most: int
) -> Sequence[Any]:
    """Return what the customers of vehicles are invited for, and the work they have declined."""
    return await connection.fetch(_INVITATIONS, store_id, list(vehicle_refs), most)


async def running_campaigns(
    connection: Connection, store_id: str, customer_ref: str, most: int
) -> Sequence[Any]:
    """Return the campaigns that run and a customer is invited to, with the last answers."""
    return await connection.fetch(_CAMPAIGNS, store_id, customer_ref, most)


async def open_complaints(
    connection: Connection, store_id: str, customer_ref: str, most: int
) -> Sequence[Any]:
    """Return the complaints of a customer that are not closed, the most urgent first."""
    return await connection.fetch(_COMPLAINTS, store_id, customer_ref, most)


async def open_surveys(
    connection: Connection, store_id: str, customer_ref: str, now: datetime, most: int
) -> Sequence[Any]:
    """Return the surveys that a customer may still answer."""
    return await connection.fetch(_SURVEYS, store_id, customer_ref, now, most)


async def last_visits(
    connection: Connection, store_id: str, customer_ref: str, most: int
) -> Sequence[Any]:
    """Return the last visits of a customer, the latest first."""
    return await connection.fetch(_VISITS, store_id, customer_ref, most)


async def consents_of(connection: Connection, store_id: str, customer_ref: str) -> Sequence[Any]:
    """Return what a customer has said about the purposes of contacts."""
    return await connection.fetch(_CONSENTS, store_id, customer_ref)
