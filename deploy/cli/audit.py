"""``aftersales audit``: the audit as a table on the terminal, or as JSON."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.table import Table
from rich.text import Text

from deploy.audit import AuditResult, Check, run_audit
from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import DatabaseUrl, administrator_urls, kafka_settings
from deploy.cli.terminal import console, print_line
from deploy.embedded.errors import EmbeddedError
from shared.kafka import client_options

_SHOWN = 50

Verbose = Annotated[
    bool, typer.Option("--verbose", help="Show every check, also those without a difference.")
]


def audit(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    verbose: Verbose = False,
    database_url: DatabaseUrl = None,
    data: DataFolder = None,
) -> None:
    """Compare the services' tables with the events; exit status 1 on any difference.

    Kafka is the one that AFTERSALES_KAFKA_BOOTSTRAP names, else the running embedded platform's.
    """
    databases = administrator_urls(database_url, data)
    kafka = client_options(kafka_settings(data, "audit"))
    try:
        result = asyncio.run(run_audit(databases, kafka, settings_for(data)))
    except (OSError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise EmbeddedError(f"nothing could be audited: {error}") from error
    if as_json:
        console.print_json(data=result.as_json())
    else:
        show(result, verbose=verbose)
    if not result.ok:
        raise typer.Exit(1)


def show(result: AuditResult, *, verbose: bool) -> None:
    """Print what differs and how much agrees; with ``verbose`` every check and every count."""
    agreeing = [check for check in result.checks if not check.differences]
    shown = [check for check in result.checks if verbose or check.differences]
    if shown:
        console.print(_table(shown))
    compared = sum(check.compared for check in agreeing)
    print_line(f"{len(agreeing)} of {len(result.checks)} checks agree, {compared:,} comparisons")
    for name, number in result.counted.items():
        if verbose or number:
            print_line(f"{name.replace('_', ' ')} {number:,}")
    for difference in result.differences[:_SHOWN]:
        console.print(Text(str(difference), style="red"))
    if (more := len(result.differences) - _SHOWN) > 0:
        print_line(f"and {more:,} more; --json lists all")
    print_line("audit: ok" if result.ok else f"audit: {len(result.differences):,} differences")


def _table(checks: Sequence[Check]) -> Table:
    table = Table("service", "check")
    table.add_column("compared", justify="right", no_wrap=True)
    table.add_column("differences", justify="right", no_wrap=True)
    for check in checks:
        number = len(check.differences)
        style = "bold red" if number else "green"
        table.add_row(
            check.service, check.name, f"{check.compared:,}", Text(f"{number:,}", style=style)
        )
    return table
