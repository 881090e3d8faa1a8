"""Imports of sheets, and their rows until they are discarded or expire."""

from collections.abc import Sequence
from functools import partial

from services.management.domain.sheet_import import Outcome, SheetImport, StagedRow
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork

_IMPORTS = Table("sheet_import", SheetImport, key=("store_id", "import_id"), separate=("reason",))

_ROWS = Table(
    "sheet_row",
    StagedRow,
    key=("store_id", "import_id", "row"),
    json=("content", "differences", "warnings", "errors"),
    added=("store_id", "import_id"),
)

_AT_ONCE = 500

_SET_REASON = "UPDATE sheet_import SET reason = $3 WHERE store_id = $1 AND import_id = $2"

_REASON = "SELECT reason FROM sheet_import WHERE store_id = $1 AND import_id = $2"

_FIND = _IMPORTS.select + "WHERE store_id = $1 AND import_id = $2"

_LISTED = _IMPORTS.select + "WHERE store_id = $1 ORDER BY staged_at DESC, import_id DESC LIMIT $2"

_OF_IMPORT = (
    _ROWS.select
    + """
WHERE store_id = $1 AND import_id = $2 AND "row" > $3
  AND ($4::text IS NULL OR outcome = $4)
  AND (NOT $5 OR warnings <> '[]')
  AND (NOT $6 OR result = 'refused')
ORDER BY "row"
LIMIT $7
"""
)

_NEXT = (
    _ROWS.select
    + """
WHERE store_id = $1 AND import_id = $2 AND result IS NULL AND outcome IN ('new', 'changed')
ORDER BY "row"
LIMIT $3
"""
)

# One by one, as nothing is known about a table that was just filled: a join would read it whole.
_SAVE_RESULT = """
UPDATE sheet_row SET result = $4, rule = $5, detail = $6, first_by = $7, first_at = $8
WHERE store_id = $1 AND import_id = $2 AND "row" = $3
"""

_DELETE_ROWS = "DELETE FROM sheet_row WHERE store_id = $1 AND import_id = $2"


async def add(
    uow: UnitOfWork, staged: SheetImport, rows: Sequence[StagedRow], reason: bytes
) -> SheetImport:
    """Store an import with its rows and its encrypted reason; return it as it is stored."""
    connection, key = uow.connection, (staged.store_id, staged.import_id)
    [saved] = await uow.save([staged], partial(_insert, connection))
    await connection.execute(_SET_REASON, *key, reason)
    for start in range(0, len(rows), _AT_ONCE):
        portion = rows[start : start + _AT_ONCE]
        values = [_ROWS.values(row, store_id=key[0], import_id=key[1]) for row in portion]
        await connection.executemany(_ROWS.insert, values)
    return saved


async def lock(connection: Connection, store_id: str, import_id: str) -> SheetImport:
    """Return an import, locked until the transaction ends.

    Raises:
        RuleViolation: there is none.
    """
    return await _found(connection, _FIND + " FOR UPDATE", store_id, import_id)


async def find(connection: Connection, store_id: str, import_id: str) -> SheetImport:
    """Return an import.

    Raises:
        RuleViolation: there is none.
    """
    return await _found(connection, _FIND, store_id, import_id)


async def listed(connection: Connection, store_id: str, limit: int) -> list[SheetImport]:
    """Return the imports of a store, or of the group, the last one first."""
    return [_IMPORTS.read(row) for row in await connection.fetch(_LISTED, store_id, limit)]


async def save(uow: UnitOfWork, changed: SheetImport) -> SheetImport:
    """Store an import that has changed; return it as it is stored."""
    [saved] = await uow.save([changed], partial(_update, uow.connection))
    return saved


async def reason(connection: Connection, found: SheetImport) -> bytes | None:
    """Return the reason of an import, still encrypted."""
    encrypted: bytes | None = await connection.fetchval(_REASON, found.store_id, found.import_id)
    return encrypted


async def rows_of(
    connection: Connection,
    found: SheetImport,
    *,
    after: int,
    limit: int,
    outcome: Outcome | None = None,
    warned: bool = False,
    refused: bool = False,
) -> list[StagedRow]:
    """Return rows of an import after a row, in their order: of an outcome, or those that have
    warnings, or that were refused when they were applied.
    """
    rows = await connection.fetch(
        _OF_IMPORT, found.store_id, found.import_id, after, outcome, warned, refused, limit
    )
    return [_ROWS.read(row) for row in rows]


async def next_rows(connection: Connection, found: SheetImport, limit: int) -> list[StagedRow]:
    """Return the next rows that are to be applied."""
    rows = await connection.fetch(_NEXT, found.store_id, found.import_id, limit)
    return [_ROWS.read(row) for row in rows]


async def save_results(
    connection: Connection, found: SheetImport, applied: Sequence[StagedRow]
) -> None:
    """Store the results of rows that were applied."""
    await connection.executemany(
        _SAVE_RESULT,
        [
            (
                *(found.store_id, found.import_id, each.row),
                *(each.result, each.rule, each.detail, each.first_by, each.first_at),
            )
            for each in applied
        ],
    )


async def delete_rows(connection: Connection, found: SheetImport) -> None:
    """Delete the rows of an import."""
    await connection.execute(_DELETE_ROWS, found.store_id, found.import_id)


async def _found(connection: Connection, query: str, store_id: str, import_id: str) -> SheetImport:
    row = await connection.fetchrow(query, store_id, import_id)
    if row is None:
        raise unknown("import_id", import_id)
    return _IMPORTS.read(row)


async def _insert(connection: Connection, staged: Sequence[SheetImport]) -> None:
    await connection.executemany(_IMPORTS.insert, [_IMPORTS.values(each) for each in staged])


async def _update(connection: Connection, changed: Sequence[SheetImport]) -> None:
    await connection.executemany(_IMPORTS.update, [_IMPORTS.values(each) for each in changed])
