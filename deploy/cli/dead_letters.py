"""``aftersales dead-letters``: dead letters, timers given up, and decisions on them."""

import asyncio
import getpass
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import asyncpg
import typer
from rich.table import Table
from rich.text import Text

from deploy.cli.options import DataFolder
from deploy.cli.running import DatabaseUrl, administrator_urls
from deploy.cli.terminal import console, print_line
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import SERVICES
from shared import dead_letters
from shared.contracts.violations import RuleViolation
from shared.db import Connection, speak_json
from shared.dead_letters import DeadLetter, DeadLetterDetails, DeadLetters, Decision
from shared.ids import new_id

_TIMEOUT_S = 5.0

app = typer.Typer(
    help="Events and timers that a service could not handle: look, replay or skip.",
    no_args_is_help=True,
)

DeadLetterId = Annotated[
    str, typer.Argument(metavar="SERVICE/ID", help="As listed, such as crm/7.")
]
Result = TypeVar("Result")


@app.command("list")
def list_dead_letters(
    *,
    resolved: Annotated[bool, typer.Option("--all", help="Also those already resolved.")] = False,
    database_url: DatabaseUrl = None,
    data: DataFolder = None,
) -> None:
    """List dead letters, and keys whose events wait for one that never came."""
    found = {
        service: _run(
            service,
            lambda connection: dead_letters.listed(connection, resolved=resolved),
            database_url,
            data,
        )
        for service in SERVICES
    }
    _print_list(found)


@app.command()
def show(letter: DeadLetterId, database_url: DatabaseUrl = None, data: DataFolder = None) -> None:
    """Show one dead letter with its headers and its original bytes."""
    service, letter_id = _parsed(letter)
    _run(service, lambda connection: _show(connection, service, letter_id), database_url, data)


@app.command()
def replay(letter: DeadLetterId, database_url: DatabaseUrl = None, data: DataFolder = None) -> None:
    """Have the service apply the record again, and then what waits behind it."""
    _decided(letter, "replay", database_url, data)


@app.command()
def skip(letter: DeadLetterId, database_url: DatabaseUrl = None, data: DataFolder = None) -> None:
    """Have the service pass over the record, and apply what waits behind it."""
    _decided(letter, "skip", database_url, data)


def _decided(letter: str, decision: Decision, database_url: str | None, data: Any) -> None:
    service, letter_id = _parsed(letter)
    _run(
        service,
        lambda connection: _decide(connection, service, letter_id, decision),
        database_url,
        data,
    )


def _run(
    service: str,
    action: Callable[[Connection], Awaitable[Result]],
    database_url: str | None,
    data: Any,
) -> Result:
    """Do ``action`` with the tables of one service."""
    url = administrator_urls(database_url, data)[service]

    async def connected() -> Result:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            await speak_json(connection)
            await connection.execute(f"SET search_path TO {service}")
            return await action(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(connected())
    except RuleViolation as violation:
        raise EmbeddedError(violation.message) from violation
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise EmbeddedError(f"the database could not be read: {error}") from error


def _parsed(letter: str) -> tuple[str, str]:
    service, _, letter_id = letter.partition("/")
    if service not in SERVICES or not letter_id:
        raise EmbeddedError(
            f"{letter!r} names no dead letter: write a service and an id, such as crm/7"
        )
    return service, letter_id


def _print_list(listed: Mapping[str, DeadLetters]) -> None:
    letters = Table("dead letter", "since", "what", "key", "seq", "store", "waiting", "state")
    letters.add_column("error", overflow="fold")
    gaps = Table("service", "since", "stream", "key", "first seq", "store", "waiting")
    for service, found in listed.items():
        for letter in found.letters:
            _add(
                letters,
                f"{service}/{letter.letter_id}",
                f"{letter.since:%Y-%m-%d %H:%M:%S}",
                letter.name,
                letter.key,
                str(letter.sequence or ""),
                letter.store_id,
                str(letter.waiting),
                _state(letter),
                letter.error,
            )
        for gap in found.gaps:
            _add(
                gaps,
                service,
                f"{gap.since:%Y-%m-%d %H:%M:%S}",
                gap.topic,
                gap.key,
                str(gap.sequence),
                gap.store_id,
                str(gap.waiting),
            )
    if letters.row_count:
        console.print(letters)
    else:
        print_line("no dead letter")
    if gaps.row_count:
        print_line("keys whose events wait for one that has not come:")
        console.print(gaps)


async def _show(connection: Connection, service: str, letter_id: str) -> None:
    letter = await _found(connection, service, letter_id)
    details = Table(show_header=False)
    details.add_column(style="bold")
    details.add_column(overflow="fold")
    _add(details, "dead letter", f"{service}/{letter_id} ({_state(letter)})")
    _add(details, "error", letter.error)
    _add(details, letter.kind, letter.name)
    _add(details, "key", letter.key)
    _add(details, "since", f"{letter.since:%Y-%m-%d %H:%M:%S %Z}")
    for name, value in sorted(letter.details.items()):
        _add(details, name, value)
    if letter.value is not None:
        _add(details, "value", letter.value)
    console.print(details)


async def _decide(connection: Connection, service: str, letter_id: str, decision: Decision) -> None:
    letter = f"{service}/{letter_id}"
    before = await _found(connection, service, letter_id)
    await dead_letters.decide(
        connection, letter_id, decision, by=f"cli:{getpass.getuser()}", key=str(new_id())
    )
    if before.kind == "timer":
        print_line(f"{letter}: {'is tried again' if decision == 'replay' else 'skipped'}")
        return
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        now = await dead_letters.found(connection, letter_id)
        if now.resolved_at:
            print_line(f"{letter}: {_state(now)}")
            return
        if now.decision is None:
            raise EmbeddedError(f"{letter} still cannot be applied: {now.error}")
        await asyncio.sleep(0.2)
    print_line(f"{letter}: {decision} is decided; {service} carries it out as soon as it runs")


async def _found(connection: Connection, service: str, letter_id: str) -> DeadLetterDetails:
    try:
        return await dead_letters.shown(connection, letter_id)
    except RuleViolation as violation:
        raise EmbeddedError(f"there is no dead letter {service}/{letter_id}") from violation


def _add(table: Table, *cells: str) -> None:
    """Add a row whose cells are shown as they are, brackets included."""
    table.add_row(*map(Text, cells))


def _state(letter: DeadLetter) -> str:
    done = {"replay": "replayed", "skip": "skipped", None: "resolved"}
    if letter.resolved_at:
        return done[letter.decision]
    return f"{letter.decision} decided" if letter.decision else "open"
