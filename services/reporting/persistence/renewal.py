"""Policies and visitors by month, by which renewal is counted."""

from datetime import date, time

from services.reporting.domain.renewal import PoliciesSold
from services.reporting.persistence.retention import VISIT
from shared.db import Connection
from shared.group import Store

_SOLD = """
SELECT to_char(begins_on, 'YYYY-MM') AS month,
       (count(*) FILTER (WHERE NOT is_renewal))::integer AS new,
       (count(*) FILTER (WHERE is_renewal))::integer AS renewals,
       (count(*) FILTER (WHERE is_renewal AND NOT renews_renewal))::integer AS renewals_of_new,
       (count(*) FILTER (WHERE is_renewal AND renews_renewal))::integer AS renewals_again
FROM policy_fact WHERE store_id = $1 AND begins_on >= $2 AND begins_on < $3
GROUP BY 1
"""

_VISITORS = f"""
WITH {VISIT}
SELECT to_char(delivered_at AT TIME ZONE $4, 'YYYY-MM') AS month,
       count(DISTINCT customer)::integer AS visitors
FROM visit WHERE delivered_at >= $2 AND delivered_at < $3
GROUP BY 1
"""


async def policies_sold(
    connection: Connection, store_id: str, first_day: date, end: date
) -> dict[str, PoliciesSold]:
    """Return by month what the store sold that begins from ``first_day`` until before ``end``."""
    rows = await connection.fetch(_SOLD, store_id, first_day, end)
    return {
        row["month"]: PoliciesSold(
            row["new"], row["renewals"], row["renewals_of_new"], row["renewals_again"]
        )
        for row in rows
    }


async def visitors(
    connection: Connection, store: Store, first_day: date, end: date
) -> dict[str, int]:
    """Return by month how many customers visited the store in these days."""
    begin, until = (store.at(day, time.min) for day in (first_day, end))
    rows = await connection.fetch(_VISITORS, store.id, begin, until, store.zone)
    return {row["month"]: row["visitors"] for row in rows}
