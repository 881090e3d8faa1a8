"""Lost customers (流失客户)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.crm.domain import errors
from services.crm.domain.defection import Lapse
from shared.contracts.crm import Tier
from shared.db import Connection
from shared.table import Table

_LAPSES = Table("lapse", Lapse, key=("store_id", "lapse_id"), separate=("note",))

_OPEN = _LAPSES.select + "WHERE store_id = $1 AND customer_ref = ANY ($2) AND won_back_at IS NULL"

_LOST = (
    _LAPSES.select
    + """
WHERE store_id = $1 AND won_back_at IS NULL AND ($2::text IS NULL OR tier = $2)
  AND NOT EXISTS (SELECT FROM present_alias AS alias
                  WHERE alias.store_id = $1 AND alias.alias_ref = lapse.customer_ref)
  AND NOT EXISTS (SELECT FROM customer
                  WHERE customer.store_id = $1 AND customer.customer_ref = lapse.customer_ref
                    AND erased_at IS NOT NULL)
  AND ($3 = '' OR (tier_rank(tier), -extract(epoch FROM lapsed_at), lapse_id) > (
        SELECT tier_rank(tier), -extract(epoch FROM lapsed_at), lapse_id FROM lapse
        WHERE store_id = $1 AND lapse_id = $3))
ORDER BY tier_rank(tier), lapsed_at DESC, lapse_id LIMIT $4
"""
)

_WON_BACK = (
    _LAPSES.select
    + """
WHERE store_id = $1 AND won_back_at IS NOT NULL AND ($2::text IS NULL OR tier = $2)
  AND ($3 = '' OR (tier_rank(tier), -extract(epoch FROM won_back_at), lapse_id) > (
        SELECT tier_rank(tier), -extract(epoch FROM won_back_at), lapse_id FROM lapse
        WHERE store_id = $1 AND lapse_id = $3))
ORDER BY tier_rank(tier), won_back_at DESC, lapse_id LIMIT $4
"""
)

_MONTHS = """
SELECT month, sum(lapsed)::integer AS lapsed, sum(loyal)::integer AS loyal_lapsed,
       sum(won_back)::integer AS won_back
FROM (SELECT to_char(lapsed_at AT TIME ZONE $3, 'YYYY-MM') AS month, 1 AS lapsed,
             (tier IS NOT NULL)::integer AS loyal, 0 AS won_back
      FROM lapse WHERE store_id = $1 AND lapsed_at >= $2
      UNION ALL
      SELECT to_char(won_back_at AT TIME ZONE $3, 'YYYY-MM'), 0, 0, 1
      FROM lapse WHERE store_id = $1 AND won_back_at >= $2) AS change
GROUP BY month ORDER BY month
"""

_CAUSES = """
SELECT cause, count(*)::integer AS customers, count(won_back_at)::integer AS won_back
FROM lapse WHERE store_id = $1 AND lapsed_at >= $2 AND cause IS NOT NULL
GROUP BY cause ORDER BY customers DESC, cause
"""


@dataclass(frozen=True)
class LapseMonth:
    """Customers who were lost, and won back, in a month; ``loyal_lapsed`` had a tier."""

    month: str
    lapsed: int
    loyal_lapsed: int
    won_back: int


@dataclass(frozen=True)
class CauseCount:
    """Customers lost for one cause, and how many of them came again."""

    cause: str
    customers: int
    won_back: int


async def open_lapses(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> Mapping[str, Lapse]:
    """Return the open lapses of those of the customers who are lost."""
    rows = await connection.fetch(_OPEN, store_id, list(customer_refs))
    return {row["customer_ref"]: _LAPSES.read(row) for row in rows}


async def lock_lapse(connection: Connection, store_id: str, customer_ref: str) -> Lapse:
    """Return the customer's open lapse, locked until the transaction ends.

    Raises:
        RuleViolation: the customer is not lost.
    """
    row = await connection.fetchrow(_OPEN + " FOR UPDATE", store_id, [customer_ref])
    if row is None:
        raise errors.not_lapsed(customer_ref)
    return _LAPSES.read(row)


async def save_lapses(connection: Connection, lapses: Sequence[Lapse]) -> None:
    """Store every field of lapses."""
    await connection.executemany(_LAPSES.upsert, [_LAPSES.values(each) for each in lapses])


async def save_lapse_note(
    connection: Connection, store_id: str, lapse_id: str, note: bytes
) -> None:
    """Store what the customer said, encrypted."""
    await connection.execute(
        "UPDATE lapse SET note = $3 WHERE store_id = $1 AND lapse_id = $2",
        store_id,
        lapse_id,
        note,
    )


async def encrypted_lapse_notes(
    connection: Connection, store_id: str, lapse_ids: Sequence[str]
) -> Mapping[str, bytes]:
    """Return what customers said, still encrypted, by lapse."""
    rows = await connection.fetch(
        "SELECT lapse_id, note FROM lapse"
        " WHERE store_id = $1 AND lapse_id = ANY ($2) AND note IS NOT NULL",
        store_id,
        list(lapse_ids),
    )
    return {row["lapse_id"]: row["note"] for row in rows}


async def lost_customers(
    connection: Connection, store_id: str, tier: Tier | None, after: str, most: int
) -> list[Lapse]:
    """Return lost customers, loyal ones first, of each tier the last first."""
    rows = await connection.fetch(_LOST, store_id, tier, after, most)
    return [_LAPSES.read(row) for row in rows]


async def won_back_customers(
    connection: Connection, store_id: str, tier: Tier | None, after: str, most: int
) -> list[Lapse]:
    """Return lost customers who came again, loyal ones first, of each tier the last first."""
    rows = await connection.fetch(_WON_BACK, store_id, tier, after, most)
    return [_LAPSES.read(row) for row in rows]


async def lapse_months(
    connection: Connection, store_id: str, since: datetime, zone: str
) -> list[LapseMonth]:
    """Return the numbers of the store's calendar months since then."""
    rows = await connection.fetch(_MONTHS, store_id, since, zone)
    return [LapseMonth(**row) for row in rows]


async def lapse_causes(connection: Connection, store_id: str, since: datetime) -> list[CauseCount]:
    """Return how many customers were lost since then for each cause, the most frequent first."""
    rows = await connection.fetch(_CAUSES, store_id, since)
    return [CauseCount(**row) for row in rows]
