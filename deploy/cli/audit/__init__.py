"""``aftersales audit``: do the tables say what the events say?

It shares no code with the services: it has its own consumer, its own reading of events and its own
arithmetic. It judges a platform at rest; what is on its way shows as a difference.
"""

import asyncio
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.table import Table
from rich.text import Text

from deploy.cli.audit.crm import check_crm
from deploy.cli.audit.evidence import CONSUMES, Evidence
from deploy.cli.audit.reception import check_reception
from deploy.cli.audit.reporting import check_reporting
from deploy.cli.audit.result import AuditResult, Check, Difference
from deploy.cli.audit.streams import check_streams
from deploy.cli.audit.tables import SERVICES, read_tables
from deploy.cli.audit.topics import declared_topics, read_log
from deploy.cli.audit.workshop import check_workshop
from deploy.cli.audit.zones import store_zones
from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import DatabaseUrl, running_platform
from deploy.cli.terminal import console, say
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.settings import EmbeddedSettings

__all__ = ["AuditResult", "Check", "Difference", "audit", "run_audit"]

_CHECKS = (check_streams, check_reception, check_workshop, check_crm, check_reporting)
_SHOWN = 50


async def run_audit(
    database_url: str, kafka_bootstrap: str, settings: EmbeddedSettings
) -> AuditResult:
    """Compare every table with every event.

    ``database_url`` is the administrator's, whom row-level security does not hide anything from;
    ``settings`` say which topics there are and where the group's stores are described.
    """
    topics = declared_topics(settings.topics_file)
    tables = await read_tables(database_url)
    log = await read_log(kafka_bootstrap, topics, tuple(CONSUMES))
    evidence = Evidence(log, tables, store_zones(settings.group_folder))
    return AuditResult(
        checks=tuple(each for checks in _CHECKS for each in checks(evidence)),
        counted=_counted(evidence),
    )


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
    say(
        ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in result.counted.items())
    )
    for difference in result.differences[:_SHOWN]:
        console.print(Text(str(difference), style="red"))
    if (more := len(result.differences) - _SHOWN) > 0:
        say(f"and {more:,} more; --json lists all")
    say("audit: ok" if result.ok else f"audit: {len(result.differences):,} differences")


def _counted(evidence: Evidence) -> dict[str, int]:
    letters = [row for service in SERVICES for row in evidence.tables.of(service, "dead_letter")]
    parked = {
        (service, row["topic"], row["key"], row["store_id"])
        for service in SERVICES
        for row in evidence.tables.of(service, "parked_event")
    }
    return {
        "events": len(evidence.log.events),
        "repeated_records": evidence.log.repeated,
        "records_without_publisher": len(evidence.strangers) + len(evidence.log.homeless),
        "sequences_of_several_events": len(evidence.rivals),
        "dead_letters": sum(row["resolved_at"] is None for row in letters),
        "dead_letters_resolved": sum(row["resolved_at"] is not None for row in letters),
        "parked_keys": len(parked),
    }
