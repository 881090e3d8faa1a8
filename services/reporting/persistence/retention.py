"""Defection and retention of customers by month, computed from the facts.

Customers who are merged are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.db import Connection

# As whom the customers of the store $1 are read who were ever merged.
ALIAS = """
alias AS (
    SELECT DISTINCT ON (customer_ref) customer_ref, read_as FROM alias_fact
    WHERE store_id = $1 ORDER BY customer_ref, changed_at DESC
)"""

# Deliveries to customers of the store $1.
VISIT = f"""
{ALIAS},
visit AS (
    SELECT coalesce(alias.read_as, named.customer) AS customer, delivered_at
    FROM (
        SELECT coalesce(customer_ref, linked_customer_ref) AS customer, delivered_at
        FROM order_fact
        WHERE store_id = $1 AND delivered_at IS NOT NULL
          AND coalesce(customer_ref, linked_customer_ref) IS NOT NULL
    ) AS named
    LEFT JOIN alias ON alias.customer_ref = named.customer
)"""

_LAPSE = f"""
WITH {VISIT},
base AS (
    SELECT customer, max(delivered_at) AS last_at
    FROM visit WHERE delivered_at >= $2 AND delivered_at < $3 GROUP BY customer
),
returned AS (
    SELECT DISTINCT customer FROM visit WHERE delivered_at >= $3 AND delivered_at < $4
)
SELECT (SELECT tier FROM tier_fact
        WHERE store_id = $1 AND tier_fact.customer_ref = base.customer AND changed_at < $3
        ORDER BY changed_at DESC LIMIT 1) AS tier,
       count(*)::integer AS visited, count(returned.customer)::integer AS returned
FROM base LEFT JOIN returned USING (customer)
GROUP BY 1
"""

_RETENTION = f"""
WITH {VISIT},
customer AS (
    SELECT customer, min(delivered_at) AS first_at,
           bool_or(delivered_at >= $2 AND delivered_at < $4) AS active_at_start,
           bool_or(delivered_at >= $3 AND delivered_at < $5) AS active_at_end
    FROM visit WHERE delivered_at < $5 GROUP BY customer
)
SELECT count(*) FILTER (WHERE active_at_start)::integer AS active_at_start,
       count(*) FILTER (WHERE active_at_end)::integer AS active_at_end,
       count(*) FILTER (WHERE first_at >= $4)::integer AS new_customers
FROM customer
"""


@dataclass(frozen=True)
class TierVisitors:
    """Customers of a tier who visited in a month, and how many of them came again since."""

    tier: str | None
    visited: int
    returned: int


@dataclass(frozen=True)
class ActiveCustomers:
    """Active customers at the start and at the end of a month, and those new in it."""

    active_at_start: int
    active_at_end: int
    new_customers: int


async def visitors_by_tier(
    connection: Connection, store_id: str, begin: datetime, end: datetime, until: datetime
) -> Sequence[TierVisitors]:
    """Return who visited from ``begin`` until before ``end``, and came again before ``until``.

    Customers are counted under the tier that they had at ``end``.
    """
    rows = await connection.fetch(_LAPSE, store_id, begin, end, until)
    return [TierVisitors(**row) for row in rows]


async def active_customers(
    connection: Connection,
    store_id: str,
    begin: datetime,
    end: datetime,
    active_since: tuple[datetime, datetime],
) -> ActiveCustomers:
    """Return who is active at the ``begin`` and at the ``end`` of a month.

    ``active_since`` are the moments from which a visit makes a customer active at either.
    """
    at_begin, at_end = active_since
    row: Any = await connection.fetchrow(_RETENTION, store_id, at_begin, at_end, begin, end)
    return ActiveCustomers(**row)
