"""Customers who are merged (客户合并), and pairs that look like one customer (重复客户)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crm.domain import errors
from services.crm.domain.duplicate import Pair
from services.crm.domain.merging import Mergeable
from shared.contracts.crm import CustomerMerged, CustomerUnmerged
from shared.db import Connection

_LOCK = """
SELECT customer_ref, kind,
       (SELECT alias.customer_ref FROM present_alias AS alias
        WHERE alias.store_id = $1 AND alias.alias_ref = customer.customer_ref) AS merged_into,
       ARRAY(SELECT alias.alias_ref FROM present_alias AS alias
             WHERE alias.store_id = $1 AND alias.customer_ref = customer.customer_ref
             ORDER BY alias.alias_ref) AS merged
FROM customer WHERE store_id = $1 AND customer_ref = ANY ($2) AND erased_at IS NULL
ORDER BY customer_ref FOR UPDATE
"""

_MERGE = """
INSERT INTO customer_alias (store_id, alias_ref, customer_ref, merged_by, merged_at)
VALUES ($1, $2, $3, $4, $5)
"""

_UNMERGE = """
UPDATE customer_alias SET unmerged_by = $3, unmerged_at = $4
WHERE store_id = $1 AND alias_ref = $2 AND unmerged_at IS NULL
"""

_READ_AS = """
SELECT alias_ref, customer_ref FROM present_alias WHERE store_id = $1 AND alias_ref = ANY ($2)
"""

_MERGED = """
SELECT alias.alias_ref AS customer_ref, customer.name, alias.merged_by, alias.merged_at
FROM customer_alias AS alias
JOIN customer ON customer.store_id = alias.store_id AND customer.customer_ref = alias.alias_ref
WHERE alias.store_id = $1 AND alias.customer_ref = $2 AND alias.unmerged_at IS NULL
ORDER BY alias.merged_at
"""

# Of many who share a number, a vehicle, a plate or a name, the first are compared.
_LIKE = """
WITH sign AS (
    SELECT mine.customer_ref AS mine, other.customer_ref AS other,
           CASE mine.kind WHEN 'phone' THEN 'same_phone' ELSE 'same_address' END AS sign
    FROM contact_point AS mine
    CROSS JOIN LATERAL (
        SELECT customer_ref FROM contact_point AS other
        WHERE other.store_id = $1 AND other.kind = mine.kind AND other.value_ref = mine.value_ref
          AND other.ended_at IS NULL AND other.customer_ref <> mine.customer_ref
        ORDER BY customer_ref LIMIT $3) AS other
    WHERE mine.store_id = $1 AND mine.customer_ref = ANY ($2) AND mine.ended_at IS NULL
    UNION
    SELECT mine.customer_ref, other.customer_ref, 'same_vehicle'
    FROM vehicle_person AS mine
    CROSS JOIN LATERAL (
        SELECT customer_ref FROM vehicle_person AS other
        WHERE other.store_id = $1 AND other.vehicle_ref = mine.vehicle_ref
          AND other.customer_ref <> mine.customer_ref
        ORDER BY customer_ref LIMIT $3) AS other
    WHERE mine.store_id = $1 AND mine.customer_ref = ANY ($2)
    UNION
    SELECT mine.customer_ref, other.customer_ref, 'same_plate'
    FROM vehicle_plate AS mine
    CROSS JOIN LATERAL (
        SELECT customer_ref FROM vehicle_plate AS other
        WHERE other.store_id = $1 AND other.plate_ref = mine.plate_ref
          AND other.customer_ref <> mine.customer_ref
        ORDER BY customer_ref LIMIT $3) AS other
    WHERE mine.store_id = $1 AND mine.customer_ref = ANY ($2)
    UNION
    SELECT mine.customer_ref, other.customer_ref, 'same_name'
    FROM customer AS mine
    CROSS JOIN LATERAL (
        SELECT customer_ref FROM customer AS other
        WHERE other.store_id = $1 AND other.name_ref = mine.name_ref
          AND other.customer_ref <> mine.customer_ref
        ORDER BY customer_ref LIMIT $3) AS other
    WHERE mine.store_id = $1 AND mine.customer_ref = ANY ($2)
),
pair AS (
    SELECT coalesce(mine_alias.customer_ref, mine) AS mine,
           coalesce(other_alias.customer_ref, other) AS other, sign
    FROM sign
    LEFT JOIN present_alias AS mine_alias
        ON mine_alias.store_id = $1 AND mine_alias.alias_ref = mine
    LEFT JOIN present_alias AS other_alias
        ON other_alias.store_id = $1 AND other_alias.alias_ref = other
)
SELECT least(mine COLLATE "C", other COLLATE "C") AS first_ref,
       greatest(mine COLLATE "C", other COLLATE "C") AS second_ref,
       array_agg(DISTINCT sign) AS signs
FROM pair
JOIN customer AS first ON first.store_id = $1 AND first.customer_ref = mine
JOIN customer AS second ON second.store_id = $1 AND second.customer_ref = other
WHERE mine <> other AND first.kind = second.kind
  AND first.erased_at IS NULL AND second.erased_at IS NULL
GROUP BY 1, 2
"""

_SAVE = """
INSERT INTO duplicate (store_id, first_ref, second_ref, score, signs, found_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (store_id, first_ref, second_ref) DO UPDATE
SET score = excluded.score, signs = excluded.signs
WHERE (duplicate.score, duplicate.signs) <> (excluded.score, excluded.signs)
"""

_DELETE_OTHERS = """
DELETE FROM duplicate
WHERE store_id = $1 AND different_at IS NULL
  AND (first_ref = ANY ($2) OR second_ref = ANY ($2))
  AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS found (first_ref, second_ref)
                  WHERE (found.first_ref, found.second_ref)
                      = (duplicate.first_ref, duplicate.second_ref))
"""

_SET_DIFFERENT = """
INSERT INTO duplicate (store_id, first_ref, second_ref, score, signs, found_at, different_by,
                       different_at)
VALUES ($1, least($2 COLLATE "C", $3 COLLATE "C"), greatest($2 COLLATE "C", $3 COLLATE "C"),
        0, '{}', $5, $4, $5)
ON CONFLICT (store_id, first_ref, second_ref) DO UPDATE
SET different_by = excluded.different_by, different_at = excluded.different_at
"""

_LISTED = """
SELECT first_ref, second_ref, score, signs, found_at FROM duplicate
WHERE store_id = $1 AND different_at IS NULL
ORDER BY score DESC, first_ref, second_ref LIMIT $2
"""

_RECORDS = """
SELECT customer_ref, kind, registered_at,
       (SELECT count(*)::integer FROM service_visit AS visit
        WHERE visit.store_id = $1
          AND visit.customer_ref = ANY (references_of($1, customer.customer_ref))
          AND delivered_at IS NOT NULL) AS visits,
       (SELECT count(*)::integer FROM follow_up
        WHERE follow_up.store_id = $1
          AND follow_up.customer_ref = ANY (references_of($1, customer.customer_ref))
          AND completed_at IS NULL AND cancelled_at IS NULL) AS open_calls
FROM customer WHERE store_id = $1 AND customer_ref = ANY ($2)
"""

_VEHICLES = """
SELECT person.customer_ref, person.role, vehicle.brand, vehicle.model,
       plate.customer_ref AS plate_subject, plate.plate
FROM (SELECT DISTINCT read_as($1, customer_ref) AS customer_ref, vehicle_ref, role
      FROM vehicle_person
      WHERE store_id = $1 AND until IS NULL
        AND customer_ref IN (SELECT unnest(references_of($1, ref)) FROM unnest($2::text[]) AS ref)
     ) AS person
JOIN vehicle ON vehicle.store_id = $1 AND vehicle.vehicle_ref = person.vehicle_ref
LEFT JOIN vehicle_plate AS plate
    ON plate.store_id = $1 AND plate.vehicle_ref = person.vehicle_ref AND plate.until IS NULL
ORDER BY person.customer_ref, person.role = 'owner' DESC, vehicle.vehicle_ref
"""


@dataclass(frozen=True)
class FoundDuplicate:
    """A pair that looks like one customer, as it was found."""

    first_ref: str
    second_ref: str
    score: int
    signs: Sequence[str]
    found_at: datetime


async def lock_mergeable(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> Mapping[str, Mergeable]:
    """Return customers with those they are merged with, locked until the transaction ends.

    Raises:
        RuleViolation: the store knows one of them not.
    """
    rows = await connection.fetch(_LOCK, store_id, list(customer_refs))
    found = {row["customer_ref"]: Mergeable(**row) for row in rows}
    for ref in customer_refs:
        if ref not in found:
            raise errors.not_of_this_store(ref)
    return found


async def save_merge(connection: Connection, merged: CustomerMerged) -> None:
    """Have a customer read as another one from now on."""
    await connection.execute(
        _MERGE,
        merged.store_id,
        merged.customer_ref,
        merged.into_customer_ref,
        merged.merged_by,
        merged.merged_at,
    )


async def end_merge(connection: Connection, unmerged: CustomerUnmerged) -> None:
    """Have a customer read as themselves again."""
    await connection.execute(
        _UNMERGE,
        unmerged.store_id,
        unmerged.customer_ref,
        unmerged.unmerged_by,
        unmerged.unmerged_at,
    )


async def read_as(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> Mapping[str, str]:
    """Return as whom each of these customers is read: themselves, unless they are merged."""
    rows = await connection.fetch(_READ_AS, store_id, list(customer_refs))
    return {ref: ref for ref in customer_refs} | {
        row["alias_ref"]: row["customer_ref"] for row in rows
    }


async def merged_into(connection: Connection, store_id: str, customer_ref: str) -> Sequence[Any]:
    """Return the customers who are merged into this one; their names are still encrypted."""
    return await connection.fetch(_MERGED, store_id, customer_ref)


async def plan_for_batches(connection: Connection) -> None:
    """Have the statements of this transaction planned for the batch that they are given.

    A plan for any number of customers compares each pair with the whole store.
    """
    await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")


async def pairs_alike(
    connection: Connection, store_id: str, customer_refs: Collection[str], most: int
) -> list[Pair]:
    """Return who has a number, an address, a vehicle, a plate or a name in common with these.

    Each of them is compared with ``most`` others by each of it.
    """
    rows = await connection.fetch(_LIKE, store_id, list(customer_refs), most)
    return [Pair(row["first_ref"], row["second_ref"], frozenset(row["signs"])) for row in rows]


async def save_duplicates(
    connection: Connection,
    store_id: str,
    customer_refs: Collection[str],
    found: Sequence[Pair],
    now: datetime,
) -> None:
    """Store the pairs that were ``found`` of these customers, and delete their other open ones."""
    await connection.execute(
        _DELETE_OTHERS,
        store_id,
        list(customer_refs),
        [pair.first_ref for pair in found],
        [pair.second_ref for pair in found],
    )
    await connection.executemany(
        _SAVE,
        [
            (store_id, pair.first_ref, pair.second_ref, pair.score, sorted(pair.signs), now)
            for pair in found
        ],
    )


async def save_difference(
    connection: Connection, store_id: str, refs: tuple[str, str], by: str, now: datetime
) -> None:
    """Store that two customers are not one."""
    await connection.execute(_SET_DIFFERENT, store_id, *refs, by, now)


async def list_duplicates(connection: Connection, store_id: str, most: int) -> list[FoundDuplicate]:
    """Return pairs that wait for a decision, the most likely first."""
    rows = await connection.fetch(_LISTED, store_id, most)
    return [FoundDuplicate(**row) for row in rows]


async def compared_records(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> Sequence[Any]:
    """Return what there is of customers in numbers, to compare them."""
    return await connection.fetch(_RECORDS, store_id, list(customer_refs))


async def compared_vehicles(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> Sequence[Any]:
    """Return the present vehicles of customers; plates are still encrypted."""
    return await connection.fetch(_VEHICLES, store_id, list(customer_refs))
