"""The store's plan: one row with the plan's version, locked before each change."""

from collections.abc import Iterable, Sequence

from shared.db import Connection

_BEGIN_CHANGE = """
INSERT INTO plan AS current (store_id, version) VALUES ($1, 1)
ON CONFLICT (store_id) DO UPDATE SET version = current.version + 1
WHERE $2::bigint IS NULL OR current.version = $2
RETURNING version
"""


class StalePlanError(Exception):
    """Change of the plan since the version on which the new change is based."""


async def lock_plan(connection: Connection, store_id: str) -> None:
    """Lock the store's plan."""
    await connection.execute("SELECT FROM plan WHERE store_id = $1 FOR UPDATE", store_id)


async def begin_plan_change(
    connection: Connection, store_id: str, expected_version: int | None = None
) -> None:
    """Lock the store's plan and raise its version.

    Raises:
        StalePlanError: its version is not the expected one.
    """
    version = await connection.fetchval(_BEGIN_CHANGE, store_id, expected_version)
    if version is None:
        raise StalePlanError


async def plan_version(connection: Connection, store_id: str) -> int:
    """Return the version of the store's plan; 0 before its first change."""
    version = await connection.fetchval("SELECT version FROM plan WHERE store_id = $1", store_id)
    return version or 0


async def planned_stores(connection: Connection, store_ids: Iterable[str]) -> Sequence[str]:
    """Return those of the stores that have planned anything, by their ids."""
    rows = await connection.fetch(
        "SELECT store_id FROM plan WHERE store_id = ANY ($1) ORDER BY store_id", list(store_ids)
    )
    return [row["store_id"] for row in rows]
