"""Reviews of customers, and the changes of their tiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.crm.domain.customer_review import CustomerReview, PastVisit, VisitRecord
from shared.contracts.crm import LoyaltyChanged, Tier
from shared.contracts.management import StoreDefined
from shared.db import Connection
from shared.table import Table

TierList = Literal["rose", "fell", "near_rise", "near_fall"]
"""Lists of customers by tier (等级名单): 升级、降级、即将升级、即将降级."""

_REVIEWS = Table("customer_review", CustomerReview, key=("store_id", "customer_ref"))

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

_CUSTOMERS_AFTER = """
SELECT customer_ref FROM customer
WHERE store_id = $1 AND customer_ref > $2 AND erased_at IS NULL
  AND NOT EXISTS (SELECT FROM present_alias AS alias
                  WHERE alias.store_id = $1 AND alias.alias_ref = customer.customer_ref)
ORDER BY customer_ref LIMIT $3
"""

_STORES_AFTER = """
SELECT key FROM master_data WHERE topic = $1 AND key > $2 ORDER BY key LIMIT $3
"""

_VISITS = """
SELECT customer_ref, brands, delivered_at, spent_cents, is_own
FROM visits_of_customers_in_group($1, (
    SELECT array_agg(customer_ref) FROM customer
    WHERE store_id = $1 AND customer_ref = ANY ($2) AND erased_at IS NULL))
"""

_ADD_CHANGES = """
INSERT INTO tier_change (store_id, customer_ref, changed_at, old_tier, new_tier, reasons)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""

_AT_RISK = (
    _REVIEWS.select
    + """
WHERE store_id = $1 AND at_risk_at <= $2 AND lapses_at > $2
  AND ($3::text IS NULL OR tier_when_here = $3)
  AND ($4 = '' OR (tier_rank(tier_when_here), lapses_at, customer_ref) > (
        SELECT tier_rank(tier_when_here), lapses_at, customer_ref FROM customer_review
        WHERE store_id = $1 AND customer_ref = $4))
  AND NOT EXISTS (SELECT FROM lapse
                  WHERE lapse.store_id = $1 AND lapse.customer_ref = customer_review.customer_ref
                    AND won_back_at IS NULL)
  AND NOT EXISTS (SELECT FROM present_alias AS alias
                  WHERE alias.store_id = $1 AND alias.alias_ref = customer_review.customer_ref)
ORDER BY tier_rank(tier_when_here), lapses_at, customer_ref LIMIT $5
"""
)

_CHANGED = """
SELECT customer_ref, changed_at, old_tier, new_tier, reasons FROM tier_change
WHERE store_id = $1 AND rose = $2 AND changed_at >= $3
ORDER BY least(tier_rank(old_tier), tier_rank(new_tier)), changed_at DESC, customer_ref LIMIT $4
"""

_ABOUT_TO_FALL = (
    _REVIEWS.select
    + """
WHERE store_id = $1 AND tier IS NOT NULL AND tier_until BETWEEN $2 AND $3
  AND NOT EXISTS (SELECT FROM present_alias AS alias
                  WHERE alias.store_id = $1 AND alias.alias_ref = customer_review.customer_ref)
ORDER BY tier_rank(tier), tier_until, customer_ref LIMIT $4
"""
)

_ABOUT_TO_RISE = (
    _REVIEWS.select
    + """
WHERE store_id = $1 AND next_tier IS NOT NULL AND visits_missing <= 1 AND last_visit_at >= $2
  AND NOT EXISTS (SELECT FROM present_alias AS alias
                  WHERE alias.store_id = $1 AND alias.alias_ref = customer_review.customer_ref)
ORDER BY tier_rank(next_tier), visits_missing, cents_missing, customer_ref LIMIT $3
"""
)

_COUNTS = """
SELECT tier, count(*)::integer AS customers FROM customer_review
WHERE store_id = $1
  AND NOT EXISTS (SELECT FROM present_alias AS alias
                  WHERE alias.store_id = $1 AND alias.alias_ref = customer_review.customer_ref)
GROUP BY tier
"""

_CHANGES_BY_MONTH = """
SELECT to_char(changed_at AT TIME ZONE $3, 'YYYY-MM') AS month, old_tier, new_tier,
       count(*)::integer AS customers
FROM tier_change WHERE store_id = $1 AND changed_at >= $2
GROUP BY month, old_tier, new_tier
"""


@dataclass(frozen=True)
class ListedChange:
    """A change of a customer's tier."""

    customer_ref: str
    changed_at: datetime
    old_tier: Tier | None
    new_tier: Tier | None
    reasons: Sequence[str]


@dataclass(frozen=True)
class MonthlyChange:
    """Number of customers who went from one tier to another in a month."""

    month: str
    old_tier: Tier | None
    new_tier: Tier | None
    customers: int


async def lock_reviews(connection: Connection, store_id: str) -> None:
    """Lock the reviews of a store, so that no change of a customer is found twice."""
    await connection.execute(_LOCK, f"customer-reviews/{store_id}")


async def customers_after(
    connection: Connection, store_id: str, customer_ref: str, most: int
) -> list[str]:
    """Return the customers of a store whose references come next."""
    rows = await connection.fetch(_CUSTOMERS_AFTER, store_id, customer_ref, most)
    return [row["customer_ref"] for row in rows]


async def stores_after(connection: Connection, store_id: str, most: int) -> list[str]:
    """Return the stores of the group whose ids come next."""
    rows = await connection.fetch(_STORES_AFTER, StoreDefined.topic, store_id, most)
    return [row["key"] for row in rows]


async def visit_records(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> list[VisitRecord]:
    """Return the visits of those customers of a store who have any, in all stores of the group."""
    rows = await connection.fetch(_VISITS, store_id, list(customer_refs))
    return [
        VisitRecord(
            store_id,
            row["customer_ref"],
            row["brands"],
            [
                PastVisit(*visit)
                for visit in zip(
                    row["delivered_at"], row["spent_cents"], row["is_own"], strict=True
                )
            ],
        )
        for row in rows
    ]


async def find_reviews(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> Mapping[str, CustomerReview]:
    """Return the last reviews of those of the customers who have one."""
    rows = await connection.fetch(
        _REVIEWS.select + "WHERE store_id = $1 AND customer_ref = ANY ($2)",
        store_id,
        list(customer_refs),
    )
    return {row["customer_ref"]: _REVIEWS.read(row) for row in rows}


async def save_reviews(connection: Connection, reviews: Sequence[CustomerReview]) -> None:
    """Store reviews, each in the place of the customer's last one."""
    await connection.executemany(_REVIEWS.upsert, [_REVIEWS.values(each) for each in reviews])


async def add_tier_changes(connection: Connection, changes: Sequence[LoyaltyChanged]) -> None:
    """Add changes of tiers to those of the store."""
    await connection.executemany(
        _ADD_CHANGES,
        [
            (
                each.store_id,
                each.customer_ref,
                each.changed_at,
                each.old_tier,
                each.new_tier,
                list(each.reasons),
            )
            for each in changes
        ],
    )


async def customers_at_risk(
    connection: Connection, store_id: str, now: datetime, tier: Tier | None, after: str, most: int
) -> list[CustomerReview]:
    """Return customers who are not lost yet but will be, loyal ones first, then the most urgent."""
    rows = await connection.fetch(_AT_RISK, store_id, now, tier, after, most)
    return [_REVIEWS.read(row) for row in rows]


async def changed_tiers(
    connection: Connection, store_id: str, since: datetime, most: int, *, rose: bool
) -> list[ListedChange]:
    """Return the customers who rose, or fell, since then, loyal ones first."""
    rows = await connection.fetch(_CHANGED, store_id, rose, since, most)
    return [ListedChange(**row) for row in rows]


async def about_to_fall(
    connection: Connection, store_id: str, now: datetime, until: datetime, most: int
) -> list[CustomerReview]:
    """Return customers whose tier ends from ``now`` to ``until`` if they do not come."""
    rows = await connection.fetch(_ABOUT_TO_FALL, store_id, now, until, most)
    return [_REVIEWS.read(row) for row in rows]


async def about_to_rise(
    connection: Connection, store_id: str, visited_since: datetime, most: int
) -> list[CustomerReview]:
    """Return customers whom one visit more, at most, brings into a better tier."""
    rows = await connection.fetch(_ABOUT_TO_RISE, store_id, visited_since, most)
    return [_REVIEWS.read(row) for row in rows]


async def customers_by_tier(connection: Connection, store_id: str) -> Mapping[Tier | None, int]:
    """Return how many customers each tier has."""
    rows = await connection.fetch(_COUNTS, store_id)
    return {row["tier"]: row["customers"] for row in rows}


async def changes_by_month(
    connection: Connection, store_id: str, since: datetime, zone: str
) -> list[MonthlyChange]:
    """Return the changes of tiers since then by the store's calendar months."""
    rows = await connection.fetch(_CHANGES_BY_MONTH, store_id, since, zone)
    return [MonthlyChange(**row) for row in rows]
