"""Erasures of customers: what is under way, what ends, and what a legal term keeps."""

from dataclasses import dataclass
from datetime import date, datetime

from services.crm.domain.erasure import Erasure, UnderWay
from services.crm.domain.insurance import Policy
from services.crm.domain.service_reminder import Reminder
from services.crm.persistence.insurance import POLICIES
from services.crm.persistence.service_reminder import REMINDERS
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_ERASURES = Table("erasure", Erasure, key=("store_id", "customer_ref"))

_OPEN_ORDERS = """
SELECT order_id FROM service_visit
WHERE store_id = $1 AND customer_ref = $2 AND delivered_at IS NULL AND ended_at IS NULL
ORDER BY order_id
"""

_OPEN_COMPLAINTS = """
SELECT complaint_id FROM complaint
WHERE store_id = $1 AND customer_ref = $2 AND closed_at IS NULL ORDER BY complaint_id
"""

_OPEN_INQUIRIES = """
SELECT inquiry_id FROM inquiry
WHERE store_id = $1 AND customer_ref = $2 AND answered_at IS NULL ORDER BY inquiry_id
"""

_VISITS = """
SELECT order_id, delivered_at FROM service_visit
WHERE store_id = $1 AND customer_ref = $2 ORDER BY order_id
"""

_POSTS = """
SELECT public_post_id FROM public_post JOIN complaint USING (store_id, complaint_id)
WHERE store_id = $1 AND customer_ref = $2
"""

_OPEN_POLICIES = (
    POLICIES.select
    + "WHERE store_id = $1 AND customer_ref = $2 AND result IS NULL ORDER BY policy_id FOR UPDATE"
)

_HANDED_OVER = """
SELECT to_store_id, vehicle_ref, ends_on FROM insurance_policy
WHERE store_id = $1 AND customer_ref = $2 AND to_store_id IS NOT NULL
"""

_TAKEN_OVER = """
SELECT customer_ref FROM insurance_policy
WHERE store_id = $1 AND from_store_id = $2 AND vehicle_ref = $3 AND ends_on = $4
  AND contact IS NOT NULL
"""

_OPEN_REMINDERS = (
    REMINDERS.select
    + "WHERE store_id = $1 AND customer_ref = $2 AND state <> 'closed'"
    + " ORDER BY reminder_id FOR UPDATE"
)

# References by which a customer is found are replaced by ones that find no customer.
_ERASE_CUSTOMER = """
UPDATE customer
SET erased_at = $3, preferred_channel = NULL, name_ref = 'erased:' || customer_ref,
    person_ref = 'erased:' || customer_ref
WHERE store_id = $1 AND customer_ref = $2
"""

_ERASE_POINTS = """
UPDATE contact_point
SET value_ref = 'erased:' || contact_point_id,
    ended_by = coalesce(ended_by, $4), ended_at = coalesce(ended_at, $3)
WHERE store_id = $1 AND customer_ref = $2
"""

_ERASE_PLATES = """
UPDATE vehicle_plate SET plate_ref = 'erased:' || entry, until = coalesce(until, $3)
WHERE store_id = $1 AND customer_ref = $2
"""

_END_ROLES = """
UPDATE vehicle_person SET until = coalesce(until, $3), ended_by = coalesce(ended_by, $4)
WHERE store_id = $1 AND customer_ref = $2
"""

_ERASE_VINS = """
UPDATE vehicle SET vin_ref = 'erased:' || vehicle_ref
WHERE store_id = $1 AND customer_ref = $2
"""

_END_MESSAGES = """
UPDATE message SET state = 'suppressed', link = NULL
WHERE store_id = $1 AND customer_ref = $2 AND state IN ('waiting', 'sending', 'call_required')
"""

_END_CONVERSATIONS = """
UPDATE conversation SET sender_ref = 'erased:' || conversation_id, waiting_since = NULL
WHERE store_id = $1 AND customer_ref = $2
"""

_END_SURVEY_LINKS = """
UPDATE survey SET token_hash = NULL WHERE store_id = $1 AND customer_ref = $2
"""

_FORGET = (
    "DELETE FROM birthday WHERE store_id = $1 AND customer_ref = $2",
    "DELETE FROM customer_review WHERE store_id = $1 AND customer_ref = $2",
    "DELETE FROM customer_assignment WHERE store_id = $1 AND customer_ref = $2",
    "DELETE FROM duplicate WHERE store_id = $1 AND (first_ref = $2 OR second_ref = $2)",
    "DELETE FROM search_token WHERE store_id = $1 AND source_id IN ("
    " SELECT $2 UNION ALL"
    " SELECT contact_point_id FROM contact_point WHERE store_id = $1 AND customer_ref = $2"
    " UNION ALL SELECT vehicle_ref FROM vehicle WHERE store_id = $1 AND customer_ref = $2)",
)

_BLOCK = """
INSERT INTO blocked_record (store_id, customer_ref, content, kept_until) VALUES ($1, $2, $3, $4)
"""

_LISTED = """
SELECT customer_ref, reason, erased_by, erased_at, kept_until
FROM erasure LEFT JOIN blocked_record USING (store_id, customer_ref)
WHERE store_id = $1 AND (erased_at, customer_ref) < ($2, $3)
ORDER BY erased_at DESC, customer_ref DESC LIMIT $4
"""


@dataclass(frozen=True)
class VisitOfErased:
    """An order of an erased customer, and when its vehicle was delivered."""

    order_id: str
    delivered_at: datetime | None


@dataclass(frozen=True)
class HandedOverPolicy:
    """A policy whose renewal another store has taken over."""

    to_store_id: str
    vehicle_ref: str
    ends_on: date


@dataclass(frozen=True)
class BlockedRecord:
    """What a legal term keeps of an erased customer, still encrypted."""

    content: bytes
    kept_until: datetime


@dataclass(frozen=True)
class ListedErasure:
    """An erasure, and until when a legal term keeps who was invoiced."""

    customer_ref: str
    reason: str
    erased_by: str
    erased_at: datetime
    kept_until: datetime | None


async def find_under_way(connection: Connection, store_id: str, customer_ref: str) -> UnderWay:
    """Return the orders, complaints and inquiries of a customer that have not ended."""
    orders, complaints, inquiries = [
        [row[0] for row in await connection.fetch(query, store_id, customer_ref)]
        for query in (_OPEN_ORDERS, _OPEN_COMPLAINTS, _OPEN_INQUIRIES)
    ]
    return UnderWay(orders, complaints, inquiries)


async def references_of(connection: Connection, store_id: str, customer_ref: str) -> list[str]:
    """Return all references of a customer, with those that are merged into it."""
    refs: list[str] = await connection.fetchval(
        "SELECT references_of($1, $2)", store_id, customer_ref
    )
    return refs


async def is_kept(connection: Connection, store_id: str, customer_ref: str) -> bool:
    """Return whether the customer is in customer records and was not erased."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM customer"
            " WHERE store_id = $1 AND customer_ref = $2 AND erased_at IS NULL FOR UPDATE",
            store_id,
            customer_ref,
        )
    )


async def visits_of_customer(
    connection: Connection, store_id: str, customer_ref: str
) -> list[VisitOfErased]:
    """Return the orders of a customer."""
    rows = await connection.fetch(_VISITS, store_id, customer_ref)
    return [VisitOfErased(**row) for row in rows]


async def public_posts_of(connection: Connection, store_id: str, customer_ref: str) -> list[str]:
    """Return the ids of the public posts that belong to complaints of a customer."""
    rows = await connection.fetch(_POSTS, store_id, customer_ref)
    return [row["public_post_id"] for row in rows]


async def lock_open_policies_of(
    connection: Connection, store_id: str, customer_ref: str
) -> list[Policy]:
    """Return the policies of a customer whose renewals have no result, locked."""
    rows = await connection.fetch(_OPEN_POLICIES, store_id, customer_ref)
    return [POLICIES.read(row) for row in rows]


async def handed_over_policies(
    connection: Connection, store_id: str, customer_ref: str
) -> list[HandedOverPolicy]:
    """Return the policies of a customer whose renewals other stores have taken over."""
    rows = await connection.fetch(_HANDED_OVER, store_id, customer_ref)
    return [HandedOverPolicy(**row) for row in rows]


async def customers_taken_over(
    connection: Connection, from_store_id: str, policy: HandedOverPolicy
) -> list[str]:
    """Return the references under which the other store has the customer of the policy."""
    rows = await connection.fetch(
        _TAKEN_OVER, policy.to_store_id, from_store_id, policy.vehicle_ref, policy.ends_on
    )
    return [row["customer_ref"] for row in rows]


async def lock_open_reminders_of(
    connection: Connection, store_id: str, customer_ref: str
) -> list[Reminder]:
    """Return the service reminders of a customer that are not closed, locked."""
    rows = await connection.fetch(_OPEN_REMINDERS, store_id, customer_ref)
    return [REMINDERS.read(row) for row in rows]


async def save_erasure(connection: Connection, erasure: Erasure) -> None:
    """Record an erasure; end messages and links, and what finds the customer."""
    store_id, customer_ref = erasure.store_id, erasure.customer_ref
    await connection.execute(_ERASURES.insert, *_ERASURES.values(erasure))
    at, by = erasure.erased_at, erasure.erased_by
    for query in (_ERASE_CUSTOMER, _ERASE_PLATES):
        await connection.execute(query, store_id, customer_ref, at)
    for query in (_ERASE_POINTS, _END_ROLES):
        await connection.execute(query, store_id, customer_ref, at, by)
    for query in (_ERASE_VINS, _END_MESSAGES, _END_CONVERSATIONS, _END_SURVEY_LINKS, *_FORGET):
        await connection.execute(query, store_id, customer_ref)


async def find_erasure(connection: Connection, store_id: str, customer_ref: str) -> Erasure | None:
    """Return the erasure of a customer, if they are erased."""
    row = await connection.fetchrow(
        _ERASURES.select + "WHERE store_id = $1 AND customer_ref = $2", store_id, customer_ref
    )
    return _ERASURES.read(row) if row else None


async def add_blocked_record(
    connection: Connection, store_id: str, customer_ref: str, record: BlockedRecord
) -> None:
    """Store what a legal term keeps of a customer."""
    await connection.execute(_BLOCK, store_id, customer_ref, record.content, record.kept_until)


async def find_blocked_record(
    connection: Connection, store_id: str, customer_ref: str
) -> BlockedRecord:
    """Return what a legal term keeps of an erased customer.

    Raises:
        RuleViolation: nothing is kept, or the term has ended.
    """
    row = await connection.fetchrow(
        "SELECT content, kept_until FROM blocked_record WHERE store_id = $1 AND customer_ref = $2",
        store_id,
        customer_ref,
    )
    if row is None:
        raise unknown("customer_ref", customer_ref)
    return BlockedRecord(**row)


async def delete_blocked_record(connection: Connection, store_id: str, customer_ref: str) -> None:
    """Delete what a legal term has kept, once the term has ended."""
    await connection.execute(
        "DELETE FROM blocked_record WHERE store_id = $1 AND customer_ref = $2",
        store_id,
        customer_ref,
    )


async def place_of_erasure(
    connection: Connection, store_id: str, customer_ref: str
) -> tuple[datetime, str]:
    """Return the place of a customer's erasure in the list.

    Raises:
        RuleViolation: the store has erased no such customer.
    """
    erased_at = await connection.fetchval(
        "SELECT erased_at FROM erasure WHERE store_id = $1 AND customer_ref = $2",
        store_id,
        customer_ref,
    )
    if erased_at is None:
        raise unknown("customer_ref", customer_ref)
    return erased_at, customer_ref


async def list_erasures(
    connection: Connection, store_id: str, before: tuple[datetime, str], most: int
) -> list[ListedErasure]:
    """Return erasures before a place, the latest first."""
    rows = await connection.fetch(_LISTED, store_id, *before, most)
    return [ListedErasure(**row) for row in rows]
