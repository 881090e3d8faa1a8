"""Tokens by which persons and vehicles are found (查找): keyed hashes of what they are found by."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.crm.domain.search_term import RANKS, Source, Term
from shared.db import Connection
from shared.personal_data import PersonalData

_DELETE = """
DELETE FROM search_token WHERE store_id = $1 AND source = $2 AND source_id = ANY ($3)
"""

_INSERT = """
INSERT INTO search_token (store_id, token, source, source_id)
SELECT $1, token, $2, $3 FROM unnest($4::text[]) AS token
"""

_ADD = """
INSERT INTO search_token (store_id, token, source, source_id)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[])
ON CONFLICT DO NOTHING
"""

_LOCK_AFTER = """
SELECT customer_ref FROM customer
WHERE store_id = $1 AND customer_ref > $2 AND erased_at IS NULL
ORDER BY customer_ref LIMIT $3
FOR UPDATE
"""

_LOCK_NAMES = """
SELECT 'name' AS source, customer_ref AS source_id, customer_ref AS data_subject_id,
       name AS encrypted
FROM customer WHERE store_id = $1 AND customer_ref = ANY ($2)
"""

_LOCK_PHONES = """
SELECT 'phone' AS source, contact_point_id AS source_id, customer_ref AS data_subject_id,
       value AS encrypted
FROM contact_point
WHERE store_id = $1 AND customer_ref = ANY ($2) AND kind = 'phone' AND ended_at IS NULL
ORDER BY contact_point_id FOR UPDATE
"""

_LOCK_VINS = """
SELECT 'vin' AS source, vehicle_ref AS source_id, customer_ref AS data_subject_id,
       vin AS encrypted
FROM vehicle WHERE store_id = $1 AND customer_ref = ANY ($2)
ORDER BY vehicle_ref FOR UPDATE
"""

_LOCK_PLATES = """
SELECT 'plate' AS source, vehicle_ref AS source_id, customer_ref AS data_subject_id,
       plate AS encrypted
FROM vehicle_plate WHERE store_id = $1 AND customer_ref = ANY ($2) AND until IS NULL
ORDER BY vehicle_ref FOR UPDATE
"""

_FIND = """
WITH matched AS (
    SELECT asked.place, asked.store_id, found.source, found.source_id
    FROM unnest($1::text[], $2::text[], $3::smallint[]) AS asked (store_id, token, place)
    CROSS JOIN LATERAL (
        SELECT source, source_id FROM search_token
        WHERE search_token.store_id = asked.store_id AND search_token.token = asked.token
        ORDER BY source, source_id LIMIT $4) AS found
),
found AS (
    SELECT place, store_id, source_id AS customer_ref, NULL AS vehicle_ref
    FROM matched WHERE source = 'name'
    UNION ALL
    SELECT place, store_id, customer_ref, NULL
    FROM matched JOIN contact_point USING (store_id)
    WHERE source = 'phone' AND contact_point_id = source_id
    UNION ALL
    SELECT place, store_id, customer_ref, vehicle_ref
    FROM matched JOIN vehicle_person USING (store_id)
    WHERE source IN ('plate', 'vin') AND vehicle_ref = source_id AND until IS NULL
)
SELECT store_id, read_as(store_id, customer_ref) AS customer_ref, min(place) AS place,
       array_remove(array_agg(DISTINCT vehicle_ref), NULL) AS vehicle_refs
FROM found
GROUP BY 1, 2
ORDER BY 3, store_id <> $5, 1, 2
LIMIT $4
"""

_NAMED = """
SELECT customer.store_id, customer.customer_ref, customer.kind, customer.name, review.tier
FROM unnest($1::text[], $2::text[]) AS found (store_id, customer_ref)
JOIN customer USING (store_id, customer_ref)
LEFT JOIN customer_review AS review USING (store_id, customer_ref)
"""

_DRIVEN = """
SELECT found.store_id, found.customer_ref, driven.vehicle_ref, driven.role, vehicle.brand,
       vehicle.model, plate.plate, plate.customer_ref AS plate_subject
FROM unnest($1::text[], $2::text[]) AS found (store_id, customer_ref)
CROSS JOIN LATERAL (
    SELECT vehicle_ref, role FROM vehicle_person AS person
    WHERE person.store_id = found.store_id AND until IS NULL
      AND person.customer_ref = ANY (references_of(found.store_id, found.customer_ref))
    ORDER BY person.vehicle_ref = ANY ($3) DESC, role = 'owner' DESC, since DESC, entry DESC
    LIMIT $4) AS driven
JOIN vehicle ON vehicle.store_id = found.store_id AND vehicle.vehicle_ref = driven.vehicle_ref
LEFT JOIN vehicle_plate AS plate
    ON plate.store_id = found.store_id AND plate.vehicle_ref = driven.vehicle_ref
   AND plate.until IS NULL
"""


@dataclass(frozen=True)
class FoundRow:
    """A customer of a store by what was asked; ``vehicle_refs`` are those that it names."""

    store_id: str
    customer_ref: str
    place: int
    vehicle_refs: Sequence[str]


@dataclass(frozen=True)
class Findable:
    """A name, telephone number, plate or VIN, still encrypted, by which customers are found."""

    source: Source
    source_id: str
    data_subject_id: str
    encrypted: bytes


async def lock_customers_after(
    connection: Connection, store_id: str, after: str, most: int
) -> list[str]:
    """Return the customers of a store behind one, merged ones too, locked against changes."""
    rows = await connection.fetch(_LOCK_AFTER, store_id, after, most)
    return [row["customer_ref"] for row in rows]


async def lock_findable(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> list[Findable]:
    """Return what customers are found by at present, locked against changes."""
    return [
        Findable(**row)
        for query in (_LOCK_NAMES, _LOCK_PHONES, _LOCK_VINS, _LOCK_PLATES)
        for row in await connection.fetch(query, store_id, list(customer_refs))
    ]


async def add_tokens(
    connection: Connection,
    personal: PersonalData,
    store_id: str,
    findable: Iterable[tuple[Source, str, Collection[Term]]],
) -> None:
    """Add the tokens of names, telephone numbers, plates and VINs, by source and its id."""
    rows = sorted(
        (token, source, source_id)
        for source, source_id, terms in findable
        for token in tokens_of(terms, personal)
    )
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    await connection.execute(_ADD, store_id, *map(list, columns))


async def make_findable(
    connection: Connection,
    personal: PersonalData,
    store_id: str,
    source: Source,
    source_id: str,
    terms: Collection[Term],
) -> None:
    """Have a name, a telephone number, a plate or a VIN found by these terms, and no others."""
    await end_findability(connection, store_id, source, [source_id])
    tokens = sorted(tokens_of(terms, personal))
    await connection.execute(_INSERT, store_id, source, source_id, tokens)


async def end_findability(
    connection: Connection, store_id: str, source: Source, source_ids: Sequence[str]
) -> None:
    """Have names, telephone numbers, plates or VINs that have ended not be found any more."""
    await connection.execute(_DELETE, store_id, source, list(source_ids))


def tokens_of(terms: Iterable[Term], personal: PersonalData) -> Mapping[str, Term]:
    """Return terms by their keyed hashes; each kind has a key of its own."""
    return {personal.reference(f"search {each.match}", each.value): each for each in terms}


async def find_by_terms(
    connection: Connection,
    personal: PersonalData,
    terms: Collection[Term],
    stores: Collection[str],
    own_store_id: str,
    limit: int,
) -> list[FoundRow]:
    """Return customers of stores who are found by one of the terms, what matches first before.

    Merged customers are the one as whom they are read.
    """
    asked = [
        (store_id, token, RANKS[term.match])
        for token, term in tokens_of(terms, personal).items()
        for store_id in stores
    ]
    columns = [list(column) for column in zip(*asked, strict=True)]
    rows = await connection.fetch(_FIND, *columns, limit, own_store_id)
    return [FoundRow(**row) for row in rows]


async def found_customers(connection: Connection, found: Sequence[FoundRow]) -> Sequence[Any]:
    """Return kind, tier and name, still encrypted, of those found."""
    return await connection.fetch(_NAMED, *_keys(found))


async def vehicles_of_found(
    connection: Connection, found: Sequence[FoundRow], most: int
) -> Sequence[Any]:
    """Return the vehicles of those found at present, those that were named first.

    Plates are still encrypted.
    """
    named = sorted({ref for each in found for ref in each.vehicle_refs})
    return await connection.fetch(_DRIVEN, *_keys(found), named, most)


def _keys(found: Sequence[FoundRow]) -> tuple[list[str], list[str]]:
    return [each.store_id for each in found], [each.customer_ref for each in found]
