"""Contact points of customers (联系方式)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.crm.domain.customer import ContactHolder, ContactKind
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table


@dataclass(frozen=True)
class EncryptedContactPoint:
    """A contact point as stored: its value is encrypted under ``customer_ref``."""

    contact_point_id: str
    customer_ref: str
    kind: ContactKind
    holder: ContactHolder
    value: bytes
    value_ref: str
    set_by: str
    set_at: datetime
    at_registration: bool = False
    declined: bool = False
    ended_by: str | None = None
    ended_at: datetime | None = None


_POINTS = Table(
    "contact_point",
    EncryptedContactPoint,
    key=("store_id", "contact_point_id"),
    fixed=("customer_ref", "kind", "value", "value_ref", "set_by", "set_at", "at_registration"),
    added=("store_id",),
)

_OF_CUSTOMER = (
    _POINTS.select
    + """WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2)) AND ended_at IS NULL
ORDER BY kind DESC, customer_ref = $2 DESC, set_at, contact_point_id
"""
)

_END_OWN = """
UPDATE contact_point SET ended_by = $4, ended_at = $5
WHERE store_id = $1 AND customer_ref = $2 AND kind = $3 AND holder = 'own' AND ended_at IS NULL
RETURNING contact_point_id
"""


async def contact_points_of(
    connection: Connection, store_id: str, customer_ref: str
) -> list[EncryptedContactPoint]:
    """Return the contact points of a customer that have not ended, telephone numbers first."""
    rows = await connection.fetch(_OF_CUSTOMER, store_id, customer_ref)
    return [_POINTS.read(row) for row in rows]


async def lock_contact_point(
    connection: Connection, store_id: str, customer_ref: str, contact_point_id: str
) -> EncryptedContactPoint:
    """Return a contact point, locked until the transaction ends.

    Raises:
        RuleViolation: the customer has no such contact point.
    """
    row = await connection.fetchrow(
        _POINTS.select
        + "WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2))"
        + " AND contact_point_id = $3 FOR UPDATE",
        store_id,
        customer_ref,
        contact_point_id,
    )
    if row is None:
        raise unknown("contact_point_id", contact_point_id)
    return _POINTS.read(row)


async def save_contact_points(
    connection: Connection, store_id: str, points: Sequence[EncryptedContactPoint]
) -> None:
    """Add contact points, or store whose they are, whether they are declined, and their end."""
    rows = [_POINTS.values(each, store_id=store_id) for each in points]
    await connection.executemany(_POINTS.upsert, rows)


async def end_own_contact_points(
    connection: Connection,
    store_id: str,
    customer_ref: str,
    kind: ContactKind,
    by: str,
    at: datetime,
) -> list[str]:
    """End the customer's own contact points of a kind, which another one replaces.

    Returns their ids.
    """
    rows = await connection.fetch(_END_OWN, store_id, customer_ref, kind, by, at)
    return [row["contact_point_id"] for row in rows]
