"""``aftersales dead-letters``: records that a service set aside, and what becomes of them.

A decision is a mark on the dead letter; the service that set it aside carries it out.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeVar

import asyncpg
import typer
from rich.table import Table
from rich.text import Text

from deploy.cli.options import DataFolder
from deploy.cli.running import DatabaseUrl, running_platform
from deploy.cli.terminal import console, say
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import SERVICES
from shared.db import Connection

_PATIENCE_S = 5.0

app = typer.Typer(
    help="Records that a service could not apply: look at them, replay or skip them.",
    no_args_is_help=True,
)

DeadLetterId = Annotated[
    str, typer.Argument(metavar="SERVICE/NUMBER", help="As listed, such as crm/7.")
]
Answer = TypeVar("Answer")

_LIST = """
SELECT d.dead_letter_id, d.failed_at, d.topic, d.key, d.sequence, d.store_id, d.error, d.decision,
       d.resolved_at,
       (SELECT count(*) FROM {service}.parked_event AS p
        WHERE p.consumer = d.consumer AND p.topic = d.topic
          AND convert_to(p.key, 'UTF8') = d.key) AS waiting
FROM {service}.dead_letter AS d
WHERE $1 OR d.resolved_at IS NULL
ORDER BY d.dead_letter_id
"""

_GAPS = """
SELECT p.topic, p.key, min(p.store_id) AS store_id, min(p.sequence) AS sequence,
       count(*) AS waiting, min(p.parked_at) AS parked_at
FROM {service}.parked_event AS p
WHERE NOT EXISTS (
    SELECT FROM {service}.dead_letter AS d
    WHERE d.consumer = p.consumer AND d.topic = p.topic AND d.key = convert_to(p.key, 'UTF8')
      AND d.resolved_at IS NULL)
GROUP BY p.topic, p.key
ORDER BY p.topic, p.key
"""

_SHOW = """
SELECT dead_letter_id, consumer, topic, partition, "offset", store_id, key, sequence, value,
       headers, error, failed_at, decision, resolved_at
FROM {service}.dead_letter
WHERE dead_letter_id = $1
"""

_DECIDE = """
UPDATE {service}.dead_letter
SET decision = $2, resolved_at = CASE WHEN store_id = '' THEN now() END
WHERE dead_letter_id = $1
"""


@app.command("list")
def list_dead_letters(
    *,
    resolved: Annotated[bool, typer.Option("--all", help="Also those already resolved.")] = False,
    database_url: DatabaseUrl = None,
    data: DataFolder = None,
) -> None:
    """List dead letters, and keys whose events wait for one that never came."""
    _run(lambda connection: _list(connection, resolved), database_url, data)


@app.command()
def show(letter: DeadLetterId, database_url: DatabaseUrl = None, data: DataFolder = None) -> None:
    """Show one dead letter with its headers and its original bytes."""
    _run(lambda connection: _show(connection, *_parsed(letter)), database_url, data)


@app.command()
def replay(letter: DeadLetterId, database_url: DatabaseUrl = None, data: DataFolder = None) -> None:
    """Have the service apply the record again, and then what waits behind it."""
    _run(lambda connection: _decide(connection, letter, "replay"), database_url, data)


@app.command()
def skip(letter: DeadLetterId, database_url: DatabaseUrl = None, data: DataFolder = None) -> None:
    """Have the service pass over the record, and apply what waits behind it."""
    _run(lambda connection: _decide(connection, letter, "skip"), database_url, data)


def _run(
    action: Callable[[Connection], Awaitable[Answer]], database_url: str | None, data: Any
) -> Answer:
    url = database_url or running_platform(data).database_url

    async def connected() -> Answer:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await action(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(connected())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise EmbeddedError(f"the database could not be read: {error}") from error


def _parsed(letter: str) -> tuple[str, int]:
    service, _, number = letter.partition("/")
    if service not in SERVICES or not number.isdigit():
        raise EmbeddedError(
            f"{letter!r} names no dead letter: write a service and a number, such as crm/7"
        )
    return service, int(number)


async def _list(connection: Connection, resolved: bool) -> None:
    letters = Table("dead letter", "since", "stream", "key", "seq", "store", "waiting", "state")
    letters.add_column("error", overflow="fold")
    gaps = Table("service", "since", "stream", "key", "first seq", "store", "waiting")
    for service in SERVICES:
        for row in await connection.fetch(_LIST.format(service=service), resolved):
            _add(
                letters,
                f"{service}/{row['dead_letter_id']}",
                f"{row['failed_at']:%Y-%m-%d %H:%M:%S}",
                row["topic"],
                _text(row["key"]),
                str(row["sequence"] or ""),
                row["store_id"],
                str(row["waiting"]),
                _state(row),
                row["error"],
            )
        for row in await connection.fetch(_GAPS.format(service=service)):
            _add(
                gaps,
                service,
                f"{row['parked_at']:%Y-%m-%d %H:%M:%S}",
                row["topic"],
                row["key"],
                str(row["sequence"]),
                row["store_id"],
                str(row["waiting"]),
            )
    if letters.row_count:
        console.print(letters)
    else:
        say("no dead letter")
    if gaps.row_count:
        say("keys whose events wait for one that has not come:")
        console.print(gaps)


async def _show(connection: Connection, service: str, number: int) -> None:
    row = await _found(connection, service, number)
    details = Table(show_header=False)
    details.add_column(style="bold")
    details.add_column(overflow="fold")
    _add(details, "dead letter", f"{service}/{number} ({_state(row)})")
    _add(details, "error", row["error"])
    _add(details, "record", f"{row['topic']}, partition {row['partition']}, offset {row['offset']}")
    _add(details, "key", _text(row["key"]))
    _add(details, "set aside", f"{row['failed_at']:%Y-%m-%d %H:%M:%S %Z}")
    for name, value in sorted(json.loads(row["headers"]).items()):
        _add(details, name, value)
    _add(details, "value", _text(row["value"]))
    console.print(details)


async def _decide(connection: Connection, letter: str, decision: Literal["replay", "skip"]) -> None:
    service, number = _parsed(letter)
    row = await _found(connection, service, number)
    if row["resolved_at"]:
        raise EmbeddedError(f"{letter} is already resolved ({_state(row)})")
    if decision == "replay" and not row["store_id"]:
        raise EmbeddedError(f"{letter} has no place in a stream, so it can only be skipped")
    await connection.execute(_DECIDE.format(service=service), number, decision)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        row = await _found(connection, service, number)
        if row["resolved_at"]:
            say(f"{letter}: {_state(row)}")
            return
        if row["decision"] is None:
            raise EmbeddedError(f"{letter} still cannot be applied: {row['error']}")
        await asyncio.sleep(0.2)
    say(f"{letter}: {decision} is decided; {service} carries it out as soon as it runs")


async def _found(connection: Connection, service: str, number: int) -> Any:
    row = await connection.fetchrow(_SHOW.format(service=service), number)
    if row is None:
        raise EmbeddedError(f"there is no dead letter {service}/{number}")
    return row


def _add(table: Table, *cells: str) -> None:
    """One row whose cells are shown as they are, brackets included."""
    table.add_row(*map(Text, cells))


def _state(row: Any) -> str:
    done = {"replay": "replayed", "skip": "skipped"}
    if row["resolved_at"]:
        return done[row["decision"]]
    return f"{row['decision']} decided" if row["decision"] else "open"


def _text(raw: bytes | None) -> str:
    """Bytes as they can be read; what is not UTF-8 is escaped."""
    return "" if raw is None else raw.decode(errors="backslashreplace")
