"""The store's plan: one row that is locked before each change."""

from shared.db import Connection

_LOCK_PLAN = """
INSERT INTO plan AS current (store_id, version) VALUES ($1, 1)
ON CONFLICT (store_id) DO UPDATE SET version = current.version + 1
RETURNING version
"""


async def lock_plan(connection: Connection, store_id: str) -> int:
    """Lock the store's plan, raise its version and return it."""
    return int(await connection.fetchval(_LOCK_PLAN, store_id))


async def plan_version(connection: Connection, store_id: str) -> int:
    """Return the version of the store's plan; 0 before its first change."""
    version = await connection.fetchval("SELECT version FROM plan WHERE store_id = $1", store_id)
    return version or 0
