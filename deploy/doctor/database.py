"""The database as a process reaches it: sign-in, extensions, schema, clock and what waits."""

import os
import ssl
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from deploy.doctor.findings import Finding, error, ok, warning
from shared.db import Connection, is_current
from shared.settings import Settings, variable

_AREA = "database"
_EXTENSIONS = ("btree_gist", "pg_stat_statements")
_TIMEOUT_S = 5.0
_SKEW_S = 5.0
_OLD_S = 60.0

# Without those that a service retries on purpose: their next attempt is still to come.
_WAITING = """
SELECT (SELECT extract(epoch FROM clock_timestamp() - min(created_at))
          FROM outbox WHERE sent_at IS NULL) AS oldest_event_s,
       (SELECT count(*) FROM timer
          WHERE given_up_at IS NULL AND due_at <= $1
            AND next_attempt_at < clock_timestamp() - interval '1 minute') AS stuck_timers,
       (SELECT count(*) FROM timer WHERE given_up_at IS NOT NULL) AS given_up,
       (SELECT count(*) FROM dead_letter WHERE resolved_at IS NULL) AS dead_letters,
       (SELECT count(DISTINCT (topic, key, store_id)) FROM parked_event) AS parked_keys
"""


async def look_at_database(settings: Settings, service: str, now: datetime) -> list[Finding]:
    """Return what is seen with the addresses of ``settings``, at the business time ``now``."""
    found = []
    for name, look in (
        ("database_url", _server),
        ("worker_database_url", lambda connection: _backlog(connection, now)),
        ("owner_database_url", lambda connection: _schema(connection, service)),
    ):
        if address := getattr(settings, name):
            found += await _connected(variable(name), address, look)
    return found


async def _connected(name: str, address: str, look: Any) -> list[Finding]:
    try:
        connection = await asyncpg.connect(address, timeout=_TIMEOUT_S, statement_cache_size=0)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as failure:
        return [_refused(name, address, failure)]
    try:
        return [finding async for finding in look(connection)]
    except asyncpg.UndefinedTableError:
        return [error(_AREA, f"{name} leads to a database without the service's tables", _MIGRATE)]
    finally:
        await connection.close()


_MIGRATE = "run `aftersales migrate SERVICE` with the owner's address"

_REFUSALS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        asyncpg.InvalidPasswordError,
        "is refused: wrong password",
        "correct it, or give the role this password",
    ),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "is refused",
        "give the role the right to sign in, with TLS where the server asks for it",
    ),
    (
        asyncpg.InvalidCatalogNameError,
        "names a database that does not exist",
        "create the database, or correct the address",
    ),
)

_UNREACHED: tuple[tuple[type[Exception], str, str], ...] = (
    (
        ssl.SSLError,
        "leads to a server that cannot be verified",
        "name the file of its authority as sslrootcert, and the host that its certificate is for",
    ),
    (TimeoutError, "leads to no server that responds", "look at network and firewall"),
    (
        FileNotFoundError,
        "names a file that is not there, or a socket",
        "correct sslrootcert, sslcert and sslkey, or host and port",
    ),
    (OSError, "leads to no server", "start PostgreSQL, or correct host and port"),
)


def _refused(name: str, address: str, failure: Exception) -> Finding:
    for kind, seen, remedy in _REFUSALS:
        if isinstance(failure, kind):
            return error(_AREA, f"{name} {seen}", remedy)
    for kind, seen, remedy in _UNREACHED:
        if isinstance(failure, kind):
            server = urlsplit(address).netloc.rpartition("@")[2]
            return error(_AREA, f"{name} {seen} ({server}: {_reason(failure)})", remedy)
    return error(_AREA, f"{name} cannot be used ({failure})", "correct the address")


def _reason(failure: Exception) -> str:
    if isinstance(failure, OSError) and failure.errno and not isinstance(failure, ssl.SSLError):
        return os.strerror(failure.errno) if failure.errno > 0 else str(failure.strerror)
    return str(failure) or "no response in time"


async def _server(connection: Connection) -> AsyncIterator[Finding]:
    rows = await connection.fetch("SELECT extname FROM pg_extension")
    present = {row["extname"] for row in rows}
    for extension in _EXTENSIONS:
        if extension not in present:
            yield error(
                _AREA,
                f"extension {extension} is missing",
                f"as administrator: CREATE EXTENSION {extension}",
            )
    yield await _clock(connection)


async def _clock(connection: Connection) -> Finding:
    before = time.time()
    there = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    skew = there - (before + time.time()) / 2
    if abs(skew) > _SKEW_S:
        return error(
            _AREA,
            f"the clocks of this machine and of the database differ by {abs(skew):.0f} s",
            "let both follow one time server (NTP)",
        )
    return ok(_AREA, "the database responds, and its clock is right")


async def _backlog(connection: Connection, now: datetime) -> AsyncIterator[Finding]:
    waiting = await connection.fetchrow(_WAITING, now)
    assert waiting  # noqa: S101
    if (age := float(waiting["oldest_event_s"] or 0)) > _OLD_S:
        yield warning(
            _AREA,
            f"the oldest event has waited to be sent for {age:,.0f} s",
            "look whether the service runs and Kafka takes its events",
        )
    if stuck := waiting["stuck_timers"]:
        yield warning(
            _AREA,
            f"{stuck:,} deadlines are due and not handled",
            "look whether the service runs, and at its log",
        )
    if letters := waiting["dead_letters"] + waiting["given_up"]:
        yield warning(
            _AREA,
            f"{letters:,} dead letters wait for a decision",
            "see `aftersales dead-letters list`",
        )
    if parked := waiting["parked_keys"]:
        yield warning(
            _AREA,
            f"events of {parked:,} keys wait for one that never came",
            "see `aftersales dead-letters list`, and `aftersales audit`",
        )
    yield ok(_AREA, "backlog looked at")


async def _schema(connection: Connection, service: str) -> AsyncIterator[Finding]:
    if await is_current(connection, service):
        yield ok(_AREA, "the schema is the present version's")
    else:
        yield error(_AREA, f"the schema of {service} is another version's", _MIGRATE)
