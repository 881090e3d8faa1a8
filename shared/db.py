"""PostgreSQL: pools, scoped transactions and migrations."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from asyncpg_trek import Direction, execute, plan
from asyncpg_trek.asyncpg import AsyncpgBackend

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

EVERYWHERE = "*"
"""Scope of group-wide reads; the tables that are open to it have a policy that says so."""

TRANSIENT = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
    ConnectionError,
    TimeoutError,
)
"""Errors after which the same transaction may succeed when it is tried again."""

_MIGRATION_LOCK = 0x4A_F7_E5

# A schema from before digests were kept has no such column.
_APPLIED_MIGRATIONS = """
SELECT to_revision, to_jsonb(migrations) ->> 'digest' AS digest FROM migrations
"""

_ADD_DIGEST = "ALTER TABLE migrations ADD COLUMN IF NOT EXISTS digest text"

_SAVE_DIGEST = "UPDATE migrations SET digest = $2 WHERE to_revision = $1 AND digest IS NULL"


class OlderSchemaError(Exception):
    """Schema that migrations other than the present ones have made."""


async def open_pool(url: str, size: int, name: str, *, pooler: bool = False) -> Pool:
    """Open a pool whose connections speak JSON and carry ``name``, visible on the server.

    Behind a transaction ``pooler`` nothing is prepared or set for longer than a transaction.
    """
    own = {} if pooler else {"idle_in_transaction_session_timeout": "60s"}
    return await asyncpg.create_pool(
        url,
        min_size=min(size, 4),
        max_size=size,
        init=speak_json,
        reset=_as_it_is,
        command_timeout=30,
        timeout=5,
        statement_cache_size=0 if pooler else 100,
        server_settings={"application_name": name, **own},
    )


async def speak_json(connection: Connection) -> None:
    """Set up a connection to read and write ``jsonb`` as Python values."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )


async def _as_it_is(_: Connection) -> None:
    """Skip the reset of a released connection: settings and locks end with their transaction."""


@asynccontextmanager
async def transaction(pool: Pool, stores: Iterable[str]) -> AsyncIterator[Connection]:
    """Open one transaction that sees the rows of ``stores`` and of no other store."""
    async with pool.acquire() as pooled, pooled.transaction():
        connection: Any = pooled
        await limit(connection, stores)
        yield connection


async def limit(connection: Connection, stores: Iterable[str]) -> None:
    """Limit the running transaction to the rows of ``stores``."""
    await connection.execute("SELECT set_config('app.stores', $1, true)", ",".join(sorted(stores)))


async def migrate(owner_url: str, service: str) -> None:
    """Migrate the schema of ``service`` to the newest of its numbered migrations.

    Raises:
        OlderSchemaError: the schema was made by migrations that are gone or have changed.
    """
    folder, digests = _migrations(service)
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        async with connection.transaction(isolation="serializable"):
            if not await _applied(connection, service) <= digests.items():
                raise OlderSchemaError(f"other migrations have made the schema {service}")
            backend = AsyncpgBackend(connection, schema=service)
            await execute(backend, await plan(backend, folder, max(digests), Direction.up))
            await connection.execute(_ADD_DIGEST)
            await connection.executemany(_SAVE_DIGEST, digests.items())
    finally:
        await connection.close()


async def is_current(connection: Connection, service: str) -> bool:
    """Return whether all present migrations of ``service``, and no others, made its schema."""
    return await _applied(connection, service) == set(_migrations(service)[1].items())


def _migrations(service: str) -> tuple[Path, dict[str, str]]:
    """Return the folder of a service's migrations, and their digests by revision."""
    folder = Path(__file__).parent.parent / "services" / service / "migrations"
    return folder, {
        path.stem.partition("_up_")[2]: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("*_up_*.sql")
    }


async def _applied(connection: Connection, service: str) -> set[tuple[str, str]]:
    """Return the revisions that have made the schema of ``service``, with their digests."""
    if not await connection.fetchval("SELECT to_regclass($1)", f"{service}.migrations"):
        return set()
    rows = await connection.fetch(_APPLIED_MIGRATIONS)
    return {(row["to_revision"], row["digest"]) for row in rows}
