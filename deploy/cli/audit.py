"""``aftersales audit``: the audit as a table on the terminal, or as JSON."""

import asyncio
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.table import Table
from rich.text import Text

from deploy.audit import AuditResult, run_audit
from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import DatabaseUrl, running_platform
from deploy.cli.terminal import console, print_line
from deploy.embedded.errors import EmbeddedError

_SHOWN = 50


def audit(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    database_url: DatabaseUrl = None,
    kafka: Annotated[
        str | None,
        typer.Option(
            "--kafka",
            help="Kafka's bootstrap address.",
            show_default="the platform that runs on the data folder",
        ),
    ] = None,
    data: DataFolder = None,
) -> None:
    """Compare the services' tables with the events; exit status 1 on any difference."""
    if not (database_url and kafka):
        addresses = running_platform(data)
        database_url = database_url or addresses.database_url
        kafka = kafka or addresses.kafka_bootstrap
    try:
        result = asyncio.run(run_audit(database_url, kafka, settings_for(data)))
    except (OSError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise EmbeddedError(f"nothing could be audited: {error}") from error
    if as_json:
        console.print_json(data=result.as_json())
    else:
        show(result)
    if not result.ok:
        raise typer.Exit(1)


def show(result: AuditResult) -> None:
    """The result as a table on the terminal, with a line for each difference."""
    table = Table("service", "check")
    table.add_column("compared", justify="right")
    table.add_column("differences", justify="right")
    for check in result.checks:
        number = len(check.differences)
        style = "bold red" if number else "green"
        table.add_row(
            check.service, check.name, f"{check.compared:,}", Text(f"{number:,}", style=style)
        )
    console.print(table)
    print_line(
        ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in result.counted.items())
    )
    for difference in result.differences[:_SHOWN]:
        console.print(Text(str(difference), style="red"))
    if (more := len(result.differences) - _SHOWN) > 0:
        print_line(f"and {more:,} more; --json lists all")
    print_line("audit: ok" if result.ok else f"audit: {len(result.differences):,} differences")
