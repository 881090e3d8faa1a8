"""Records and their changes, which are only ever added."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime

from services.management.domain.errors import MOST_NAMED
from services.management.domain.kinds import (
    COLLECTIONS,
    CONTENT,
    STAFF,
    STORES,
    Collection,
    Content,
    record_id_of,
)
from services.management.domain.record import Change, Record, Version, content_on, versions
from services.management.domain.references import Key
from shared.contracts.base import GROUP
from shared.contracts.management import Post, StaffProfile
from shared.contracts.versioned import loaded
from shared.db import Connection
from shared.table import Table

_CHANGES = Table(
    "record_change",
    Change,
    key=("collection", "record_id", "revision"),
    json=("content",),
    added=("collection", "record_id", "store_id", "reason"),
)

_ADD = """
INSERT INTO record (collection, record_id, store_id, code)
SELECT collection, record_id, store_id, code
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
  AS wanted (collection, record_id, store_id, code)
ON CONFLICT DO NOTHING
"""

_LOCK = """
SELECT record.collection, record.record_id, record.store_id, record.code
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (collection, record_id, store_id)
JOIN record USING (collection, record_id, store_id)
ORDER BY record.collection, record.record_id
FOR UPDATE OF record
"""

_DELETE_UNDEFINED = """
DELETE FROM record
USING unnest($1::text[], $2::text[]) AS locked (collection, record_id)
WHERE record.collection = locked.collection AND record.record_id = locked.record_id
  AND version = 0
"""

_SELECT_DEFINED = """
SELECT collection, record_id, code FROM record
WHERE store_id = $1 AND version > 0 AND (collection, record_id) > ($2, $3)
ORDER BY collection, record_id
LIMIT $4
"""

_COUNT_REPUBLISHED = """
UPDATE record SET republished = republished + 1
FROM unnest($1::text[], $2::text[]) AS sent (collection, record_id)
WHERE record.collection = sent.collection AND record.record_id = sent.record_id
"""

_SELECT_CHANGES = f"""
SELECT collection, record_id, {_CHANGES.column_list}
FROM unnest($1::text[], $2::text[]) AS wanted (collection, record_id)
JOIN record_change USING (collection, record_id)
ORDER BY revision
"""

_SELECT_REASONS = """
SELECT reason FROM record_change WHERE collection = $1 AND record_id = $2 ORDER BY revision
"""

_SELECT_STAFF = """
SELECT DISTINCT record_id
FROM record
JOIN record_change USING (collection, record_id)
WHERE collection = 'staff' AND record.store_id IN ($1, $2)
  AND content -> 'posts' @> jsonb_build_array(jsonb_build_object('in_store', $1::text))
"""

_STORES_OF_STAFF = """
SELECT DISTINCT post ->> 'in_store' AS store_id
FROM record_change, jsonb_array_elements(content -> 'posts') AS post
WHERE collection = 'staff' AND record_id = ANY ($1) AND post ->> 'in_store' IS NOT NULL
"""

_RAISE_VERSIONS = """
UPDATE record SET version = raised.version, changed_by = $4, changed_at = $5
FROM unnest($1::text[], $2::text[], $3::integer[]) AS raised (collection, record_id, version)
WHERE record.collection = raised.collection AND record.record_id = raised.record_id
"""

# Without a search, the records are limited before their changes are read, whatever the plan.
_LIST = """
SELECT record.store_id, code, version, record.changed_by, record.changed_at, last.reason,
       dated.current_from, dated.next_from, holding.content, coming.content AS next_content
FROM (
    SELECT collection, record_id, store_id, code, version, changed_by, changed_at
    FROM record
    WHERE collection = $1 AND code COLLATE "C" ^@ $4 AND record_id > $5
      AND ($7::text[] IS NULL OR record_id = ANY ($7))
      AND ($10 = '' OR record_id <= $10)
    ORDER BY record_id
    LIMIT CASE WHEN $8 = '' THEN $6::bigint END) AS record
LEFT JOIN unnest($2::text[], $3::date[]) AS local (store_id, local_day) USING (store_id)
CROSS JOIN LATERAL (SELECT coalesce(local_day, $9::date) AS today) AS present
LEFT JOIN record_change AS last
  ON last.collection = record.collection AND last.record_id = record.record_id
 AND last.revision = record.version
CROSS JOIN LATERAL (
    SELECT max(valid_from) FILTER (WHERE valid_from <= today) AS current_from,
           min(valid_from) FILTER (WHERE valid_from > today) AS next_from
    FROM (SELECT DISTINCT ON (valid_from) valid_from, action
          FROM record_change
          WHERE record_change.collection = record.collection
            AND record_change.record_id = record.record_id
          ORDER BY valid_from, revision DESC) AS newest
    WHERE action <> 'withdrawn') AS dated
LEFT JOIN LATERAL (
    SELECT content
    FROM record_change
    WHERE record_change.collection = record.collection
      AND record_change.record_id = record.record_id AND valid_from = dated.current_from
    ORDER BY revision DESC
    LIMIT 1) AS holding ON true
LEFT JOIN LATERAL (
    SELECT content
    FROM record_change
    WHERE record_change.collection = record.collection
      AND record_change.record_id = record.record_id AND valid_from = dated.next_from
    ORDER BY revision DESC
    LIMIT 1) AS coming ON true
WHERE $8 = '' OR position(lower(normalize($8, NFKC)) IN lower(normalize(concat_ws(
        ' ', code, holding.content ->> 'zh', holding.content ->> 'en',
        coming.content ->> 'zh', coming.content ->> 'en'), NFKC))) > 0
ORDER BY record.record_id
LIMIT $6
"""

_ZONES = """
SELECT DISTINCT ON (record_id) record_id, content ->> 'zone' AS zone
FROM record_change
WHERE collection = 'stores' AND record_id = ANY ($1) AND content IS NOT NULL
ORDER BY record_id, revision DESC
"""

_KNOW_CALLER = "SELECT set_config('app.caller', $1, true)"

_OF_DIRECTORY = """
FROM record
WHERE collection IN ('bays', 'staff') OR collection = 'stores' AND record_id = $1
   OR collection = 'rules'
      AND code IN ('facility_checklist', 'inspection_checklist', 'questionnaire')
"""

_CHANGES_OF_DIRECTORY = f"SELECT sum(version) {_OF_DIRECTORY}"

_CHANGES_OF_STORES = "SELECT sum(version) FROM record WHERE collection = 'stores'"

_SELECT_OF_DIRECTORY = f"""
SELECT collection, record_id, store_id, code {_OF_DIRECTORY} ORDER BY collection, record_id
"""


_PARTS = """
SELECT min(record_id) AS first, max(record_id) AS last, count(*) AS records
FROM (SELECT record_id, (row_number() OVER (ORDER BY record_id) - 1) / $3 AS part
      FROM record
      WHERE collection = $1 AND code COLLATE "C" ^@ $2 AND version > 0
        AND ($4::text[] IS NULL OR record_id = ANY ($4))) AS numbered
GROUP BY part
ORDER BY part
"""

_GIVE_TO_GROUP = "UPDATE record SET store_id = $3 WHERE collection = $1 AND record_id = $2"

_GIVE_CHANGES_TO_GROUP = """
UPDATE record_change SET store_id = $3, reason = given.reason
FROM unnest($4::bytea[]) WITH ORDINALITY AS given (reason, revision)
WHERE collection = $1 AND record_id = $2 AND record_change.revision = given.revision
"""

_OWNER = "SELECT store_id FROM record WHERE collection = $1 AND record_id = $2 AND version > 0"

_KNOWN_IDS = """
SELECT record_id FROM record
WHERE collection = $1 AND record_id = ANY ($2) AND version > 0
"""

_STORES_ALIKE = """
SELECT record_id FROM record
WHERE collection = 'stores' AND lower(record_id) = ANY ($1) AND version > 0
"""

_ENDED_FROM = """
SELECT DISTINCT ON (collection, record_id) collection, record_id,
       CASE WHEN content IS NULL THEN valid_from END AS ended_from
FROM (
    SELECT DISTINCT ON (collection, record_id, valid_from)
           collection, record_id, valid_from, action, content
    FROM unnest($1::text[], $2::text[]) AS wanted (collection, record_id)
    JOIN record_change USING (collection, record_id)
    ORDER BY collection, record_id, valid_from, revision DESC) AS newest
WHERE action <> 'withdrawn'
ORDER BY collection, record_id, valid_from DESC
"""

# Nearly all stores have all rates, so that the first ones found end the search.
_RATED_SKILLS = """
SELECT skill FROM unnest($1::text[]) AS wanted (skill)
WHERE EXISTS (
    SELECT FROM record
    JOIN record_change USING (collection, record_id)
    WHERE collection = 'stores' AND revision = version AND content -> 'labor_rate_cents' ? skill)
"""

_NEXT_HOLDING = """
SELECT record_id FROM record
JOIN record_change USING (collection, record_id)
WHERE collection = wanted.collection AND record_id {direction} wanted.record_id
  AND record_id COLLATE "C" ^@ wanted.kind AND revision = version AND content IS NOT NULL
ORDER BY record_id {order}
LIMIT $4
"""

_USED_PRICE_LISTS = """
SELECT DISTINCT content ->> 'price_list' AS price_list
FROM record
JOIN record_change USING (collection, record_id)
WHERE collection = 'stores' AND revision = version AND content ->> 'price_list' <> ''
"""

_BESIDE = f"""
SELECT wanted.collection, wanted.record_id, near.record_id AS other
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (collection, record_id, kind)
CROSS JOIN LATERAL (
    ({_NEXT_HOLDING.format(direction=">", order="")})
    UNION ALL
    ({_NEXT_HOLDING.format(direction="<", order="DESC")})) AS near
"""


@dataclass(frozen=True)
class ListedRecord:
    """A record without its changes, with the reason of the last one, still encrypted.

    ``current_from`` is the day of the version of today, ``next_from`` that of the one after it;
    ``content`` holds today, ``next_content`` from then on.
    """

    store_id: str
    code: str
    version: int
    changed_by: str | None
    changed_at: datetime | None
    reason: bytes | None
    current_from: date | None
    next_from: date | None
    content: Content | None
    next_content: Content | None


@dataclass(frozen=True)
class Part:
    """Number of the ``records`` whose ids are from ``first`` to ``last``."""

    first: str
    last: str
    records: int


async def lock(
    connection: Connection, wanted: Iterable[tuple[str, Collection, str]]
) -> Mapping[Key, Record]:
    """Return the records of owners with these codes, locked until the transaction ends; without
    changes those that are new.

    One with the id of another owner's record is absent.
    """
    places = sorted(
        (collection.name, record_id_of(collection, store_id, code), store_id, code)
        for store_id, collection, code in wanted
    )
    names, ids, owners, codes = map(list, zip(*places, strict=True))
    await connection.execute(_ADD, names, ids, owners, codes)
    locked = await connection.fetch(_LOCK, names, ids, owners)
    changes = await _changes(connection, names, ids)
    return {
        (row["collection"], row["record_id"]): _record(
            row["store_id"],
            COLLECTIONS[row["collection"]],
            row["code"],
            changes[row["collection"], row["record_id"]],
        )
        for row in locked
    }


async def find(connection: Connection, store_id: str, collection: Collection, code: str) -> Record:
    """Return the record; it has no changes if it was never defined."""
    record_id = record_id_of(collection, store_id, code)
    changes = await _changes(connection, [collection.name], [record_id])
    return _record(store_id, collection, code, changes[collection.name, record_id])


async def find_all(
    connection: Connection, wanted: Iterable[tuple[str, Collection, str]]
) -> Sequence[Record]:
    """Return the records of owners with these codes, in their order."""
    places = [
        (store_id, collection, code, record_id_of(collection, store_id, code))
        for store_id, collection, code in wanted
    ]
    names = [collection.name for _, collection, _, _ in places]
    changes = await _changes(connection, names, [record_id for *_, record_id in places])
    return [
        _record(store_id, collection, code, changes[collection.name, record_id])
        for store_id, collection, code, record_id in places
    ]


async def staff_ids(connection: Connection, store_id: str) -> Sequence[str]:
    """Return the ids of those who have, had or will have a post in the store."""
    rows = await connection.fetch(_SELECT_STAFF, store_id, GROUP)
    return sorted((row["record_id"] for row in rows), key=lambda each: (len(each), each))


async def stores_of_staff(connection: Connection, person_ids: Iterable[str]) -> Set[str]:
    """Return the stores in which persons in scope have, had or will have a post."""
    rows = await connection.fetch(_STORES_OF_STAFF, list(person_ids))
    return {row["store_id"] for row in rows}


async def save(connection: Connection, changed: Sequence[tuple[Record, Record, bytes]]) -> None:
    """Store the changes that records have now and had not before: (before, now, reason) each.

    All were changed by the same person at the same time.
    """
    await connection.executemany(
        _CHANGES.insert,
        [
            _CHANGES.values(
                change,
                collection=record.collection.name,
                record_id=record.record_id,
                store_id=record.store_id,
                reason=reason,
            )
            for before, record, reason in changed
            for change in record.changes[len(before.changes) :]
        ],
    )
    records = [record for _, record, _ in changed]
    await connection.execute(
        _RAISE_VERSIONS,
        [record.collection.name for record in records],
        [record.record_id for record in records],
        [record.version for record in records],
        records[0].changed_by,
        records[0].changed_at,
    )


async def give_to_group(connection: Connection, record: Record, reasons: Sequence[bytes]) -> None:
    """Make a record of a store the group's, with the reasons of its changes as the group keeps
    them; both are in scope.
    """
    key = record.collection.name, record.record_id
    await connection.execute(_GIVE_TO_GROUP, *key, GROUP)
    await connection.execute(_GIVE_CHANGES_TO_GROUP, *key, GROUP, reasons)


async def delete_undefined(connection: Connection, keys: Iterable[Key]) -> None:
    """Delete those of the locked records that were added for the lock and not defined after it."""
    await connection.execute(_DELETE_UNDEFINED, *_columns(keys))


async def lock_defined(
    connection: Connection, store_id: str, after: Key | None, limit: int
) -> Mapping[Key, Record]:
    """Return the next records of a store, or the group, that were ever defined, locked."""
    rows = await connection.fetch(_SELECT_DEFINED, store_id, *(after or ("", "")), limit)
    wanted = [(store_id, COLLECTIONS[row["collection"]], row["code"]) for row in rows]
    return await lock(connection, wanted) if wanted else {}


async def count_republished(connection: Connection, keys: Iterable[Key]) -> None:
    """Count that the states of these records were announced again."""
    await connection.execute(_COUNT_REPUBLISHED, *_columns(keys))


async def reasons(connection: Connection, record: Record) -> list[tuple[str, bytes]]:
    """Return the record's id with the reason of each change, in order, still encrypted."""
    rows = await connection.fetch(_SELECT_REASONS, record.collection.name, record.record_id)
    return [(record.record_id, row["reason"]) for row in rows]


async def listed(
    connection: Connection,
    collection: Collection,
    days: Mapping[str, date],
    *,
    starting: str = "",
    after: str = "",
    last: str = "",
    ids: Sequence[str] | None = None,
    search: str = "",
    limit: int,
) -> Sequence[ListedRecord]:
    """Return records in scope by their ids, as on the days of their stores.

    ``days`` are those of the group and of stores; those that it lacks have the day of the group.
    Their codes begin with ``starting``, and their codes or names contain ``search``; ids up to
    ``after``, those past ``last``, and others than ``ids``, are left out.
    """
    rows = await connection.fetch(
        _LIST,
        collection.name,
        list(days),
        list(days.values()),
        starting,
        after,
        limit,
        ids,
        search,
        days.get(GROUP),
        last,
    )
    return [
        ListedRecord(
            **{
                **dict(row),
                **{
                    name: row[name] and CONTENT.validate_python(row[name])
                    for name in ("content", "next_content")
                },
            }
        )
        for row in rows
    ]


async def parts_of(
    connection: Connection,
    collection: Collection,
    starting: str,
    size: int,
    ids: Sequence[str] | None = None,
) -> Sequence[Part]:
    """Divide the records in scope by their ids, of which others than ``ids`` are left out.

    Their codes begin with ``starting``.
    """
    rows = await connection.fetch(_PARTS, collection.name, starting, size, ids)
    return [Part(**dict(row)) for row in rows]


async def changes_of_directory(connection: Connection, store_id: str) -> int:
    """Return how many changes a store's directory has had; the group is in scope, too."""
    return int(await connection.fetchval(_CHANGES_OF_DIRECTORY, store_id) or 0)


async def changes_of_stores(connection: Connection) -> int:
    """Return how many changes the stores have had together; the group is in scope."""
    return int(await connection.fetchval(_CHANGES_OF_STORES) or 0)


async def of_directory(connection: Connection, store_id: str) -> Sequence[Record]:
    """Return the records that a store's directory is made of; the group is in scope, too."""
    rows = await connection.fetch(_SELECT_OF_DIRECTORY, store_id)
    names, ids = [row["collection"] for row in rows], [row["record_id"] for row in rows]
    changes = await _changes(connection, names, ids)
    return [
        _record(
            row["store_id"],
            COLLECTIONS[row["collection"]],
            row["code"],
            changes[row["collection"], row["record_id"]],
        )
        for row in rows
    ]


async def owner_of(connection: Connection, collection: Collection, code: str) -> str | None:
    """Return the store in scope whose record it is, or the group."""
    owner: str | None = await connection.fetchval(_OWNER, collection.name, code)
    return owner


async def zones(connection: Connection, store_ids: Iterable[str]) -> Mapping[str, str]:
    """Return the time zones of stores, as they were last decided."""
    rows = await connection.fetch(_ZONES, list(store_ids))
    return {row["record_id"]: row["zone"] for row in rows}


async def ended_from(connection: Connection, keys: Iterable[Key]) -> dict[Key, date | None]:
    """Return the day from which each record has ended, if it has; one that has no version is
    absent.
    """
    rows = await connection.fetch(_ENDED_FROM, *_columns(keys))
    return {(row["collection"], row["record_id"]): row["ended_from"] for row in rows}


async def rated_skills(connection: Connection, skills: Iterable[str]) -> set[str]:
    """Return those of the skills for which a store has a labor rate, as it was last decided."""
    rows = await connection.fetch(_RATED_SKILLS, list(skills))
    return {row["skill"] for row in rows}


async def used_price_lists(connection: Connection) -> set[str]:
    """Return the price lists that hold in a store, as it was last decided."""
    return {row["price_list"] for row in await connection.fetch(_USED_PRICE_LISTS)}


async def ids_beside(connection: Connection, keys: Iterable[Key]) -> Mapping[Key, Sequence[str]]:
    """Return for each key the ids of some records of its kind that hold, next to it by their
    ids.
    """
    names, ids = _columns(keys)
    beside: defaultdict[Key, list[str]] = defaultdict(list)
    if ids:
        kinds = [kind + colon for kind, colon, _ in (each.rpartition(":") for each in ids)]
        for row in await connection.fetch(_BESIDE, names, ids, kinds, MOST_NAMED):
            beside[row["collection"], row["record_id"]].append(row["other"])
    return beside


async def versions_of(connection: Connection, keys: Iterable[Key]) -> dict[Key, Sequence[Version]]:
    """Return the dated versions of records in scope."""
    changes = await _changes(connection, *_columns(keys))
    return {key: versions(each) for key, each in changes.items()}


async def known_stores(connection: Connection, store_ids: Iterable[str]) -> Set[str]:
    """Return those of the stores that were ever defined; the group is in scope."""
    return await known_ids(connection, STORES, store_ids)


async def known_ids(
    connection: Connection, collection: Collection, record_ids: Iterable[str]
) -> Set[str]:
    """Return those of the ids under which a record in scope was ever defined."""
    rows = await connection.fetch(_KNOWN_IDS, collection.name, list(record_ids))
    return {row["record_id"] for row in rows}


async def stores_alike(connection: Connection, codes: Iterable[str]) -> set[str]:
    """Return the stores whose codes are among ``codes``, or differ by case alone."""
    rows = await connection.fetch(_STORES_ALIKE, [code.lower() for code in codes])
    return {row["record_id"] for row in rows}


async def knows_store(connection: Connection, store_id: str) -> bool:
    """Return whether the store was ever defined; the group is in scope."""
    return bool(await known_stores(connection, [store_id]))


async def posts_of(connection: Connection, person_id: str, day: date) -> Sequence[Post] | None:
    """Return the posts of a person on ``day``, None where the person never had a record.

    A caller sees their own record, whatever store decides on it.
    """
    await connection.execute(_KNOW_CALLER, person_id)
    changes = (await _changes(connection, [STAFF.name], [person_id]))[STAFF.name, person_id]
    if not changes:
        return None
    content = content_on(versions(changes), day)
    return content.posts if isinstance(content, StaffProfile) else ()


async def _changes(
    connection: Connection, names: Sequence[str], ids: Sequence[str]
) -> Mapping[Key, Sequence[Change]]:
    changes: defaultdict[Key, list[Change]] = defaultdict(list)
    for row in await connection.fetch(_SELECT_CHANGES, names, ids):
        changes[row["collection"], row["record_id"]].append(_CHANGES.read(row))
    return changes


def _columns(keys: Iterable[Key]) -> tuple[list[str], list[str]]:
    """Return the collections and the ids."""
    found = list(keys)
    return [name for name, _ in found], [record_id for _, record_id in found]


def _record(store_id: str, collection: Collection, code: str, changes: Sequence[Change]) -> Record:
    last = changes[-1] if changes else None
    return loaded(
        Record(
            store_id=store_id,
            collection=collection,
            code=code,
            changes=tuple(changes),
            version=len(changes),
            changed_by=last.changed_by if last else None,
            changed_at=last.changed_at if last else None,
        )
    )
