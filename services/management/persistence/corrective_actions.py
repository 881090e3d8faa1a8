"""Corrective actions (整改), and the encrypted texts about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.management.domain.corrective_action import CorrectiveAction, State
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork

_CORRECTIVE_ACTIONS = Table(
    "corrective_action",
    CorrectiveAction,
    key=("store_id", "corrective_action_id"),
    json=("findings",),
    separate=("cause", "measure", "note", "comment"),
)

_LISTED = (
    _CORRECTIVE_ACTIONS.select
    + """
WHERE store_id = $1
  AND CASE WHEN closed_at IS NOT NULL THEN 'closed'
           WHEN overdue_at IS NOT NULL THEN 'overdue'
           ELSE 'open' END = ANY ($2)
  AND ($3::text IS NULL OR owner_id = $3)
ORDER BY due_at, corrective_action_id
LIMIT 500
"""
)

_IS_OPENED = """
SELECT EXISTS (SELECT FROM corrective_action
               WHERE store_id = $1 AND source = $2 AND source_id = $3)
"""

_OPEN_COUNTS = """
SELECT owner_id, count(*) AS open
FROM corrective_action
WHERE store_id = $1 AND closed_at IS NULL
GROUP BY owner_id
"""

_FIND = _CORRECTIVE_ACTIONS.select + "WHERE store_id = $1 AND corrective_action_id = $2"

_SAVE_TEXTS = """
UPDATE corrective_action
SET cause = coalesce($3, cause), measure = coalesce($4, measure), note = coalesce($5, note),
    comment = coalesce($6, comment)
WHERE store_id = $1 AND corrective_action_id = $2
"""

_SELECT_TEXTS = """
SELECT cause, measure, note, comment
FROM corrective_action
WHERE store_id = $1 AND corrective_action_id = $2
"""


@dataclass(frozen=True)
class Texts:
    """Encrypted texts: cause and measure of the answer, note of the end, comment on its effect."""

    cause: bytes | None = None
    measure: bytes | None = None
    note: bytes | None = None
    comment: bytes | None = None


async def save(uow: UnitOfWork, corrective_action: CorrectiveAction) -> CorrectiveAction:
    """Store a corrective action, as its next version if it has changed, and return that."""
    (saved,) = await uow.save([corrective_action], partial(_write, uow.connection))
    return saved


async def _write(connection: Connection, corrective_actions: Sequence[CorrectiveAction]) -> None:
    await connection.executemany(
        _CORRECTIVE_ACTIONS.upsert, map(_CORRECTIVE_ACTIONS.values, corrective_actions)
    )


async def is_opened(connection: Connection, store_id: str, source: str, source_id: str) -> bool:
    """Return whether a finding has its corrective action."""
    return bool(await connection.fetchval(_IS_OPENED, store_id, source, source_id))


async def open_count_by_owner(connection: Connection, store_id: str) -> dict[str, int]:
    """Return how many open corrective actions each owner has."""
    rows = await connection.fetch(_OPEN_COUNTS, store_id)
    return {row["owner_id"]: row["open"] for row in rows}


async def find(
    connection: Connection, store_id: str, corrective_action_id: str
) -> CorrectiveAction:
    """Return the corrective action.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    return await _one(connection, _FIND, store_id, corrective_action_id)


async def lock(
    connection: Connection, store_id: str, corrective_action_id: str
) -> CorrectiveAction:
    """Return the corrective action, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    return await _one(connection, _FIND + " FOR UPDATE", store_id, corrective_action_id)


async def _one(
    connection: Connection, query: str, store_id: str, corrective_action_id: str
) -> CorrectiveAction:
    row = await connection.fetchrow(query, store_id, corrective_action_id)
    if row is None:
        raise unknown("corrective_action_id", corrective_action_id)
    return _CORRECTIVE_ACTIONS.read(row)


async def listed(
    connection: Connection, store_id: str, states: Sequence[State], owner_id: str | None
) -> list[CorrectiveAction]:
    """Return those in one of ``states``, of all owners or of one, by when they are due."""
    rows = await connection.fetch(_LISTED, store_id, list(states), owner_id)
    return list(map(_CORRECTIVE_ACTIONS.read, rows))


async def save_texts(
    connection: Connection, store_id: str, corrective_action_id: str, texts: Texts
) -> None:
    """Store the texts that there are; the others stay."""
    await connection.execute(
        _SAVE_TEXTS,
        store_id,
        corrective_action_id,
        texts.cause,
        texts.measure,
        texts.note,
        texts.comment,
    )


async def texts(connection: Connection, store_id: str, corrective_action_id: str) -> Texts:
    """Return the texts of a corrective action that there is, still encrypted."""
    row = await connection.fetchrow(_SELECT_TEXTS, store_id, corrective_action_id)
    return Texts(**dict(row or {}))
