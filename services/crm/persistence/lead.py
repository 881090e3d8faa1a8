"""Leads for the sales department."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.crm.domain.lead import RUNNING, Lead, LeadStatus
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_LEADS = Table(
    "lead",
    Lead,
    key=("store_id", "lead_id"),
    fixed=("customer_ref", "order_id", "handed_over_by", "handed_over_at"),
    separate=("note",),
)

_LISTED = (
    _LEADS.select
    + """
WHERE store_id = $1 AND status = ANY ($2) AND ($3::text IS NULL
       OR customer_ref = ANY ((SELECT references_of($1, $3))::text[]))
  AND ($4 = '' OR (answer_due_at, lead_id) > (
        SELECT answer_due_at, lead_id FROM lead WHERE store_id = $1 AND lead_id = $4))
ORDER BY answer_due_at, lead_id LIMIT $5
"""
)

_COUNTED = """
SELECT to_char(handed_over_at AT TIME ZONE $3, 'YYYY-MM') AS month, lead_kind,
       count(*)::integer AS handed_over,
       count(*) FILTER (WHERE status IN ('accepted', 'sold', 'lost'))::integer AS accepted,
       count(*) FILTER (WHERE status = 'refused')::integer AS refused,
       count(*) FILTER (WHERE status = 'sold')::integer AS sold,
       count(*) FILTER (WHERE status = 'lost')::integer AS lost,
       count(*) FILTER (WHERE reminders > 0)::integer AS overdue
FROM lead WHERE store_id = $1 AND handed_over_at >= $2
GROUP BY month, lead_kind ORDER BY month, lead_kind
"""


@dataclass(frozen=True)
class LeadCount:
    """Leads of one kind that were handed over in a month, by what came of them."""

    month: str
    lead_kind: str
    handed_over: int
    accepted: int
    refused: int
    sold: int
    lost: int
    overdue: int


async def lock_lead(connection: Connection, store_id: str, lead_id: str) -> Lead:
    """Return the lead, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such lead in the store.
    """
    row = await connection.fetchrow(
        _LEADS.select + "WHERE store_id = $1 AND lead_id = $2 FOR UPDATE", store_id, lead_id
    )
    if row is None:
        raise unknown("lead_id", lead_id)
    return _LEADS.read(row)


async def lock_running_leads(
    connection: Connection, store_id: str, customer_ref: str
) -> list[Lead]:
    """Return the leads of a customer that have not ended, locked until the transaction ends."""
    rows = await connection.fetch(
        _LEADS.select
        + "WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))"
        + " AND status = ANY ($3)"
        + " ORDER BY lead_id FOR UPDATE",
        store_id,
        customer_ref,
        list(RUNNING),
    )
    return [_LEADS.read(row) for row in rows]


async def save_leads(connection: Connection, leads: Sequence[Lead]) -> None:
    """Store every field of leads."""
    await connection.executemany(_LEADS.upsert, [_LEADS.values(each) for each in leads])


async def save_lead_note(connection: Connection, store_id: str, lead_id: str, note: bytes) -> None:
    """Store what the customer said, encrypted."""
    await connection.execute(
        "UPDATE lead SET note = $3 WHERE store_id = $1 AND lead_id = $2", store_id, lead_id, note
    )


async def encrypted_lead_notes(
    connection: Connection, store_id: str, lead_ids: Sequence[str]
) -> Mapping[str, bytes]:
    """Return what customers said, still encrypted, by lead."""
    rows = await connection.fetch(
        "SELECT lead_id, note FROM lead"
        " WHERE store_id = $1 AND lead_id = ANY ($2) AND note IS NOT NULL",
        store_id,
        list(lead_ids),
    )
    return {row["lead_id"]: row["note"] for row in rows}


async def list_leads(
    connection: Connection,
    store_id: str,
    statuses: Sequence[LeadStatus],
    customer_ref: str | None,
    after: str,
    most: int,
) -> list[Lead]:
    """Return leads with one of ``statuses`` in the order in which their answers are due."""
    rows = await connection.fetch(_LISTED, store_id, list(statuses), customer_ref, after, most)
    return [_LEADS.read(row) for row in rows]


async def count_leads(
    connection: Connection, store_id: str, since: datetime, zone: str
) -> list[LeadCount]:
    """Return the numbers of leads since then by the store's calendar months and by kind."""
    rows = await connection.fetch(_COUNTED, store_id, since, zone)
    return [LeadCount(**row) for row in rows]
