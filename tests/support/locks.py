"""Locks that one transaction holds and another waits for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from deploy.embedded.platform import Platform
from tests.support.polling import until

_WAITED_FOR = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))
"""


async def is_waited_for(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Return whether another transaction waits for what this connection has locked."""
    return bool(await connection.fetchval(_WAITED_FOR))


@asynccontextmanager
async def calls_locked(
    servers: Platform, customer_ref: str
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Hold the lock of a customer's calls, as a call that is being recorded does."""
    connection = await asyncpg.connect(servers.admin_url)
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                f"follow-ups/S01/{customer_ref}",
            )
            yield connection
    finally:
        await connection.close()


async def assert_not_locked(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, key: str
) -> None:
    """Assert that who waits for this connection has not locked the row with this key."""
    assert await until(lambda: is_waited_for(connection), pause_s=0.05)
    await connection.execute(
        f"SELECT FROM crm.{table} WHERE {table.rpartition('_')[2]}_id = $1 FOR UPDATE NOWAIT", key
    )
