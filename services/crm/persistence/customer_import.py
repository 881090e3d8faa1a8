"""Imports of customers, and their rows until they are destroyed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from services.crm.domain.customer_import import CustomerImport, Field, RowError, RowState
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork

_IMPORTS = Table("customer_import", CustomerImport, key=("store_id", "import_id"))

_FIND = _IMPORTS.select + "WHERE store_id = $1 AND import_id = $2"

_LISTED = _IMPORTS.select + "WHERE store_id = $1 ORDER BY uploaded_at DESC, import_id DESC LIMIT $2"

_ADD_ROW = """
INSERT INTO customer_import_row
    (store_id, import_id, "row", state, content, phone_ref, vin_ref, errors)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_NEXT = """
SELECT "row", content FROM customer_import_row
WHERE store_id = $1 AND import_id = $2 AND state = 'ready'
ORDER BY "row" LIMIT $3
"""

_SAVE_RESULT = """
UPDATE customer_import_row SET state = $4, errors = $5
WHERE store_id = $1 AND import_id = $2 AND "row" = $3
"""

_ROWS = """
SELECT "row", state, content, errors FROM customer_import_row
WHERE store_id = $1 AND import_id = $2 AND "row" > $3
  AND (cardinality($4::text[]) = 0 OR state = ANY ($4))
ORDER BY "row" LIMIT $5
"""

_CUSTOMERS = """
SELECT DISTINCT customer_ref FROM customer_import_row AS staged
JOIN contact_point AS point
    ON point.store_id = staged.store_id AND point.kind = 'phone' AND point.ended_at IS NULL
   AND point.value_ref = staged.phone_ref
WHERE staged.store_id = $1 AND staged.import_id = $2 AND staged."row" = ANY ($3)
"""

_OF_PERSON = """
    FROM customer_import_row AS staged
    WHERE staged.store_id = $1 AND content IS NOT NULL
      AND (phone_ref = ANY (ARRAY (
               SELECT value_ref FROM contact_point
               WHERE store_id = $1 AND kind = 'phone' AND customer_ref = ANY ($2)))
        OR vin_ref = ANY (ARRAY (
               SELECT vin_ref FROM vehicle WHERE store_id = $1 AND customer_ref = ANY ($2))))
"""

_LOCK_OF_PERSON = (
    _IMPORTS.select
    + f"""
WHERE store_id = $1 AND import_id IN (SELECT import_id {_OF_PERSON})
ORDER BY import_id FOR UPDATE
"""
)

_ERASE_ROWS = f"""
WITH found AS (SELECT import_id, "row", state {_OF_PERSON}),
erased AS (
    UPDATE customer_import_row AS staged
    SET content = NULL, phone_ref = NULL, vin_ref = NULL,
        state = CASE found.state WHEN 'ready' THEN 'refused' ELSE found.state END,
        errors = CASE found.state WHEN 'ready' THEN $3 ELSE staged.errors END
    FROM found
    WHERE staged.store_id = $1 AND staged.import_id = found.import_id
      AND staged."row" = found."row"
    RETURNING staged.import_id, found.state = 'ready' AS was_ready
)
SELECT import_id, (count(*) FILTER (WHERE was_ready))::integer AS refused
FROM erased GROUP BY import_id
"""

_DELETE_ROWS = "DELETE FROM customer_import_row WHERE store_id = $1 AND import_id = $2"

_DESTROY_KEY = "DELETE FROM subject_key WHERE store_id = $1 AND data_subject_id = $2"


@dataclass(frozen=True)
class StagedRow:
    """Row of a file as it was checked.

    ``phone_ref`` and ``vin_ref`` are keyed hashes; they are absent where the column is wrong.
    """

    row: int
    state: RowState
    texts: Mapping[Field, str]
    phone_ref: str | None
    vin_ref: str | None
    errors: Sequence[RowError]


async def add(uow: UnitOfWork, staged: CustomerImport) -> CustomerImport:
    """Store an import; return it as it is stored."""
    [saved] = await uow.save([staged], partial(_insert, uow.connection))
    return saved


async def add_rows(
    connection: Connection,
    found: CustomerImport,
    rows: Sequence[StagedRow],
    contents: Sequence[bytes],
) -> None:
    """Store the rows of an import with their encrypted ``contents``."""
    await connection.executemany(
        _ADD_ROW,
        [
            (
                found.store_id,
                found.import_id,
                row.row,
                row.state,
                content,
                row.phone_ref,
                row.vin_ref,
                _stored(row.errors),
            )
            for row, content in zip(rows, contents, strict=True)
        ],
    )


async def lock(connection: Connection, store_id: str, import_id: str) -> CustomerImport:
    """Return an import, locked until the transaction ends.

    Raises:
        RuleViolation: there is none.
    """
    return await _found(connection, _FIND + " FOR UPDATE", store_id, import_id)


async def find(connection: Connection, store_id: str, import_id: str) -> CustomerImport:
    """Return an import.

    Raises:
        RuleViolation: there is none.
    """
    return await _found(connection, _FIND, store_id, import_id)


async def listed(connection: Connection, store_id: str, most: int) -> list[CustomerImport]:
    """Return the imports of a store, the last one first."""
    return [_IMPORTS.read(row) for row in await connection.fetch(_LISTED, store_id, most)]


async def save(uow: UnitOfWork, changed: CustomerImport) -> CustomerImport:
    """Store an import that has changed; return it as it is stored."""
    [saved] = await uow.save([changed], partial(_update, uow.connection))
    return saved


async def next_rows(connection: Connection, found: CustomerImport, most: int) -> Sequence[Any]:
    """Return the next rows that are to be imported, still encrypted."""
    return await connection.fetch(_NEXT, found.store_id, found.import_id, most)


async def save_results(
    connection: Connection,
    found: CustomerImport,
    results: Sequence[tuple[int, RowState, Sequence[RowError]]],
) -> None:
    """Store what became of rows."""
    await connection.executemany(
        _SAVE_RESULT,
        [
            (found.store_id, found.import_id, row, state, _stored(errors))
            for row, state, errors in results
        ],
    )


async def rows_of(
    connection: Connection,
    found: CustomerImport,
    states: Sequence[RowState],
    after: int,
    most: int,
) -> Sequence[Any]:
    """Return rows of an import after a row, of all or of some states, still encrypted."""
    return await connection.fetch(_ROWS, found.store_id, found.import_id, after, list(states), most)


async def customers_of_rows(
    connection: Connection, found: CustomerImport, rows: Sequence[int]
) -> list[str]:
    """Return the customers of the store whose telephone numbers are in rows of an import."""
    customers = await connection.fetch(_CUSTOMERS, found.store_id, found.import_id, list(rows))
    return [row["customer_ref"] for row in customers]


async def lock_imports_of(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> list[CustomerImport]:
    """Return the imports that have rows with a number or a VIN of these customers, locked."""
    rows = await connection.fetch(_LOCK_OF_PERSON, store_id, list(customer_refs))
    return [_IMPORTS.read(row) for row in rows]


async def erase_rows(
    connection: Connection, store_id: str, customer_refs: Sequence[str], error: RowError
) -> Mapping[str, int]:
    """Erase the rows with a number or a VIN of these customers.

    Those that were to be imported are refused with ``error``; return how many by import.
    """
    rows = await connection.fetch(_ERASE_ROWS, store_id, list(customer_refs), _stored([error]))
    return {row["import_id"]: row["refused"] for row in rows}


async def delete_rows(connection: Connection, found: CustomerImport) -> None:
    """Delete the rows of an import, and destroy the key under which they were encrypted."""
    await connection.execute(_DELETE_ROWS, found.store_id, found.import_id)
    await connection.execute(_DESTROY_KEY, found.store_id, found.import_id)


def _stored(errors: Sequence[RowError]) -> Sequence[Mapping[str, Any]]:
    return [asdict(each) for each in errors]


async def _found(
    connection: Connection, query: str, store_id: str, import_id: str
) -> CustomerImport:
    row = await connection.fetchrow(query, store_id, import_id)
    if row is None:
        raise unknown("import_id", import_id)
    return _IMPORTS.read(row)


async def _insert(connection: Connection, added: Sequence[CustomerImport]) -> None:
    await connection.executemany(_IMPORTS.insert, [_IMPORTS.values(each) for each in added])


async def _update(connection: Connection, changed: Sequence[CustomerImport]) -> None:
    await connection.executemany(_IMPORTS.update, [_IMPORTS.values(each) for each in changed])
