"""The services' tables, read as the database's administrator."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg

from deploy.audit.topics import text

Row = Mapping[str, Any]
"""A record of asyncpg, or a dictionary in its place."""

SERVICES = ("reception", "workshop", "crm", "reporting", "management")

_UNREAD = {
    "idempotency",
    "subject_key",
    "retained_key",
    "erasure_replay",
    "relay_lease",
    "migrations",
}
_COLUMNS = {
    "outbox": "id::text, store_id, topic, aggregateid, sequence, type, payload, sent_at",
    "dead_letter": 'topic, partition, "offset", store_id, key, sequence, decision, resolved_at',
    "parked_event": 'topic, partition, "offset", store_id, key, sequence',
}

_TABLES = """
SELECT nspname, relname
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname = ANY ($1)
  AND relname <> ALL ($2)
"""

_OLDEST_DAY = """
SELECT min(to_date(right(relname, 8), 'YYYYMMDD'))
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = ($1 || '.outbox')::regclass
"""


@dataclass(frozen=True)
class Tables:
    """Rows of a snapshot by ``service.table``; JSON columns are still text.

    ``outbox_since`` is the first day, in UTC, whose outbox rows a service still keeps.
    """

    rows: Mapping[str, Sequence[Row]]
    outbox_since: Mapping[str, date]

    def of(self, service: str, table: str) -> Sequence[Row]:
        return self.rows[f"{service}.{table}"]

    def of_service(self, service: str) -> Iterator[tuple[str, Sequence[Row]]]:
        """Return every table of a service by its name."""
        for name, rows in self.rows.items():
            schema, _, table = name.partition(".")
            if schema == service:
                yield table, rows


async def read_tables(addresses: Mapping[str, str]) -> Tables:
    """Read the tables of each service at its address, those at one address in one transaction."""
    parts = [
        await _read(address, [service for service in SERVICES if addresses[service] == address])
        for address in dict.fromkeys(addresses[service] for service in SERVICES)
    ]
    return Tables(
        rows={name: rows for part in parts for name, rows in part.rows.items()},
        outbox_since={name: day for part in parts for name, day in part.outbox_since.items()},
    )


async def _read(address: str, services: Sequence[str]) -> Tables:
    connection = await asyncpg.connect(address, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            names = await connection.fetch(_TABLES, services, _UNREAD)
            return Tables(
                rows={
                    f"{schema}.{table}": await _rows(connection, schema, table)
                    for schema, table in names
                },
                outbox_since={
                    service: await connection.fetchval(_OLDEST_DAY, service) for service in services
                },
            )
    finally:
        await connection.close()


async def _rows(connection: Any, schema: str, table: str) -> Sequence[Row]:
    columns = _COLUMNS.get(table, "*")
    rows: Sequence[Row] = await connection.fetch(f'SELECT {columns} FROM "{schema}"."{table}"')
    if table == "dead_letter":
        return [{**row, "key": text(row["key"])} for row in rows]
    return rows
