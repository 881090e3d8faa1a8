"""Owners by the month in which they became such, and what they brought by year of ownership.

Customers who are merged are one.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.reporting.domain.lifetime_value import YEARS, Contribution
from services.reporting.persistence.retention import ALIAS
from shared.contracts.management import CatalogItemDefined
from shared.db import Connection
from shared.group import Store

_PART = "part:"

# Who owns which vehicle from which day until which: from when the vehicle was sold to them, else
# from its first registration, or where that is not known, from when they were registered.
_OWNERSHIP = f"""
{ALIAS},
owned AS (
    SELECT coalesce(alias.read_as, owner_fact.customer_ref) AS customer, vehicle_ref,
           min(coalesce(
               (bought_at AT TIME ZONE $2)::date,
               least((first_registered_month || '-01')::date,
                     (registered_at AT TIME ZONE $2)::date)
           )) AS since
    FROM owner_fact
    LEFT JOIN vehicle_fact USING (store_id, vehicle_ref)
    LEFT JOIN alias USING (customer_ref)
    WHERE store_id = $1
    GROUP BY 1, 2
),
ownership AS (
    SELECT customer, vehicle_ref, since,
           lead(since) OVER (PARTITION BY vehicle_ref ORDER BY since, customer) AS until
    FROM owned
),
owner AS (
    SELECT customer, min(since) AS since FROM owned GROUP BY customer
)"""

_OWNERS = f"""
WITH {_OWNERSHIP}
SELECT to_char(since, 'YYYY-MM') AS month, count(*)::integer AS customers
FROM owner WHERE since >= $3 AND since < $4
GROUP BY 1
"""

# An invoice counts for the customer of its order; where they own no vehicle, for the owner of its
# vehicle on the day.
_BROUGHT = f"""
WITH {_OWNERSHIP},
part_cost AS MATERIALIZED (
    SELECT substr(key, length($5::text) + 1) AS part_number, (held ->> 'valid_from')::date AS since,
           lead((held ->> 'valid_from')::date)
               OVER (PARTITION BY key ORDER BY held ->> 'valid_from') AS until,
           (held -> 'content' ->> 'cost_cents')::bigint AS cost_cents
    FROM master_data, jsonb_array_elements(record -> 'versions') AS each_version (held)
    WHERE topic = $6 AND key ^@ $5 AND jsonb_typeof(held -> 'content') = 'object'
),
invoice AS (
    SELECT invoice_id, (issued_at AT TIME ZONE $2)::date AS day, receivable_cents, parts,
           10000::numeric / (10000 + tax_rate_bp) AS without_tax,
           coalesce(customer_ref, linked_customer_ref) AS customer_ref,
           coalesce(linked_vehicle_ref, vehicle_ref) AS vehicle_ref
    FROM invoice_fact JOIN order_fact USING (store_id, order_id)
    WHERE store_id = $1
),
credited AS (
    SELECT invoice_id, sum(receivable_cents) AS cents
    FROM credit_note_fact WHERE store_id = $1 GROUP BY invoice_id
),
parts AS (
    SELECT invoice_id, sum((part.value ->> 'quantity')::bigint * cost_cents) AS cost_cents,
           sum((part.value ->> 'amount_cents')::bigint)
               FILTER (WHERE cost_cents IS NULL) AS uncosted_cents
    FROM invoice
    CROSS JOIN jsonb_each(parts) AS part
    LEFT JOIN part_cost ON part_number = part.key AND day >= part_cost.since
        AND (part_cost.until IS NULL OR day < part_cost.until)
    GROUP BY invoice_id
),
brought AS (
    SELECT coalesce(owner.customer, ownership.customer) AS customer, day,
           round((receivable_cents - coalesce(credited.cents, 0) - coalesce(cost_cents, 0))
                 * without_tax)::bigint AS contribution_cents,
           round(coalesce(uncosted_cents, 0) * without_tax)::bigint AS uncosted_cents
    FROM invoice
    LEFT JOIN credited USING (invoice_id)
    LEFT JOIN parts USING (invoice_id)
    LEFT JOIN alias USING (customer_ref)
    LEFT JOIN owner ON owner.customer = coalesce(alias.read_as, customer_ref)
    LEFT JOIN ownership ON owner.customer IS NULL AND ownership.vehicle_ref = invoice.vehicle_ref
        AND day >= ownership.since AND (ownership.until IS NULL OR day < ownership.until)
),
by_year AS (
    SELECT to_char(since, 'YYYY-MM') AS month, since,
           extract(year FROM age(day, since))::integer + 1 AS year, contribution_cents,
           uncosted_cents
    FROM brought LEFT JOIN owner ON owner.customer = brought.customer AND day >= owner.since
)
SELECT month, year, sum(contribution_cents)::bigint AS contribution_cents,
       sum(uncosted_cents)::bigint AS uncosted_cents
FROM by_year WHERE since IS NULL OR (since >= $3 AND since < $4 AND year <= $7)
GROUP BY month, year
"""


@dataclass(frozen=True)
class Brought:
    """What customers brought by the month in which they became owners and the year of ownership.

    ``of_no_owner_cents`` is the contribution of invoices that belong to no owner.
    """

    by_month: Mapping[str, Mapping[int, Contribution]]
    of_no_owner_cents: int


async def owners_by_month(
    connection: Connection, store: Store, first_day: date, end: date
) -> dict[str, int]:
    """Return how many customers became owners in each month from a day until before another."""
    rows = await connection.fetch(_OWNERS, store.id, store.zone, first_day, end)
    return {row["month"]: row["customers"] for row in rows}


async def brought(connection: Connection, store: Store, first_day: date, end: date) -> Brought:
    """Return what customers who became owners in these days brought in the first five years."""
    rows = await connection.fetch(
        _BROUGHT,
        store.id,
        store.zone,
        first_day,
        end,
        _PART,
        CatalogItemDefined.topic,
        YEARS,
    )
    by_month: dict[str, dict[int, Contribution]] = defaultdict(dict)
    of_no_owner = 0
    for row in rows:
        if row["month"] is None:
            of_no_owner += row["contribution_cents"]
        else:
            by_month[row["month"]][row["year"]] = Contribution(
                row["contribution_cents"], row["uncosted_cents"]
            )
    return Brought(by_month, of_no_owner)
