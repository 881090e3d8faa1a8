"""``aftersales demo``: one business day of a simulated group on the real platform."""

import asyncio
import json
import math
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.audit import AuditResult, run_audit
from deploy.cli.audit import show
from deploy.cli.terminal import console, print_error, print_line
from deploy.demo.clients import ErrorResponseError
from deploy.demo.day import MORNING, DayFigures, Show, play_day
from deploy.demo.group import write_group
from deploy.demo.idle import NotIdleError
from deploy.embedded.kafka import kafka_libraries
from deploy.embedded.platform import DESK, Platform, remove_data
from deploy.embedded.secrets import SERVICES
from deploy.embedded.settings import EmbeddedSettings
from shared.clock import SimulatedClock
from shared.contracts.reporting import DailyReportPublished
from shared.group import Store, load_stores

_INTERRUPTED = 130


def demo(
    stores: Annotated[int, typer.Option(min=1, max=200, help="Stores of the group.")] = 3,
    orders: Annotated[int, typer.Option(min=1, help="Orders of the whole group.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same day.")] = 7,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
    data: Annotated[Path, typer.Option("--data", help="Data folder, begun anew.")] = Path(
        "var/demo"
    ),
) -> None:
    """Play one business day of a simulated group through the HTTP interfaces, and audit it."""
    if orders < stores:
        raise typer.BadParameter("every store needs an order", param_hint="--orders")
    begun_at = time.monotonic()
    settings = _settings_on_empty_data(data, stores, orders, seed)
    kafka_libraries(settings.cache, print_line)
    try:
        day, audit, addresses = asyncio.run(_play(settings, orders, seed))
    except asyncio.CancelledError:
        print_line("stopped, nothing is left running")
        raise typer.Exit(_INTERRUPTED) from None
    except (ErrorResponseError, NotIdleError, httpx.TransportError) as error:
        print_error(f"the day could not be played: {error} (logs in {data / 'logs'})")
        raise typer.Exit(1) from None
    wall_s = time.monotonic() - begun_at
    show(audit)
    console.print(_report(day, settings))
    _explain(settings, addresses, wall_s)
    if json_file:
        json_file.write_text(json.dumps(_as_json(day, audit, wall_s), indent=2) + "\n")
    if not audit.ok:
        raise typer.Exit(1)


def _settings_on_empty_data(data: Path, stores: int, orders: int, seed: int) -> EmbeddedSettings:
    """Settings on a data folder with nothing in it but the group of this seed."""
    settings = EmbeddedSettings(data=data, group_folder=data / "group", clock_file=data / "clock")
    remove_data(settings)
    shutil.rmtree(data / "group", ignore_errors=True)
    (data / "clock").unlink(missing_ok=True)
    write_group(data / "group", stores, math.ceil(orders / stores), seed)
    SimulatedClock(data / "clock").set(MORNING)
    return settings


async def _play(
    settings: EmbeddedSettings, orders: int, seed: int
) -> tuple[DayFigures, AuditResult, dict[str, str]]:
    task = asyncio.current_task()
    assert task  # noqa: S101
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    platform = Platform(settings, print_line)
    await platform.start()
    try:
        with _showing(orders) as advance:
            day = await play_day(platform, orders, seed, advance)
        print_line("auditing")
        audit = await run_audit(platform.admin_url, platform.kafka.bootstrap, settings)
        addresses = {name: platform.url(name) for name in (DESK, *SERVICES)}
    finally:
        await platform.stop()
    return day, audit, addresses


@contextmanager
def _showing(orders: int) -> Iterator[Show]:
    """Show how far the day has come: a bar on a terminal, otherwise a line for each hour."""
    if not console.is_terminal:
        yield _Hours().show
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("delivered"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        line = progress.add_task("", total=orders)

        def advance(now: datetime, delivered: int) -> None:
            progress.update(line, description=f"{now:%m-%d %H:%M}", completed=delivered)

        yield advance


class _Hours:
    """Tells each simulated hour once."""

    def __init__(self) -> None:
        self._told = ""

    def show(self, now: datetime, delivered: int) -> None:
        hour = f"{now:%m-%d %H}:00"
        if hour != self._told:
            print_line(f"{hour}  {delivered} delivered")
            self._told = hour


def _report(day: DayFigures, settings: EmbeddedSettings) -> Table:
    """The daily reports (日报), one row a store."""
    table = Table(title=f"日报 Daily report {day.day}")
    table.add_column("门店 Store")
    table.add_column("营业日 Covers")
    for name in (
        "工单 Orders",
        "交车 Delivered",
        "产值 Invoiced",
        "回款 Received",
        "准时交车率 On time",
        "接待等待 Wait",
        "回访 Follow-ups",
    ):
        table.add_column(name, justify="right")
    stores = load_stores(settings.group_folder)
    for store_id, report in day.reports.items():
        wait = report.greet_wait_median_s
        table.add_row(
            f"{store_id} {stores[store_id].zh}",
            _covered(report, stores[store_id]),
            str(report.orders),
            str(report.delivered),
            _yuan(report.invoiced_cents),
            _yuan(report.received_cents),
            _percent(report.on_time_first),
            "–" if wait is None else f"{wait / 60:.0f} min",
            str(report.follow_ups_scheduled),
        )
    table.add_section()
    table.add_row(
        "集团 Group",
        "",
        str(day.total("orders")),
        str(day.total("delivered")),
        _yuan(day.total("invoiced_cents")),
        _yuan(day.total("received_cents")),
        _percent(day.on_time_first),
        "",
        str(day.total("follow_ups_scheduled")),
    )
    return table


def _explain(settings: EmbeddedSettings, addresses: dict[str, str], wall_s: float) -> None:
    print_line(f"played and stopped in {wall_s:.0f} s, nothing is left running")
    print_line("to bring this day up, with its clock standing still:")
    print_line(
        f"  AFTERSALES_EMBEDDED_GROUP_FOLDER={settings.group_folder} "
        f"AFTERSALES_EMBEDDED_CLOCK_FILE={settings.clock_file} "
        f"{sys.argv[0]} up --data {settings.data}"
    )
    print_line("then open")
    print_line(f"  desk       {addresses[DESK]}")
    for service in SERVICES:
        print_line(f"  {service:<10} {addresses[service]}/openapi.json")


def _as_json(day: DayFigures, audit: AuditResult, wall_s: float) -> dict[str, Any]:
    return {
        "stores": len(day.reports),
        "orders_opened": day.total("orders"),
        "jobs_assigned": day.jobs_assigned,
        "vehicles_delivered": day.total("delivered"),
        "follow_ups_scheduled": day.total("follow_ups_scheduled"),
        "invoiced_cents": day.total("invoiced_cents"),
        "received_cents": day.total("received_cents"),
        "on_time_first": day.on_time_first,
        "events_published": day.events_published,
        "reports": {
            store_id: report.model_dump(mode="json") for store_id, report in day.reports.items()
        },
        "audit": "ok" if audit.ok else [str(difference) for difference in audit.differences],
        "wall_s": round(wall_s, 1),
    }


def _covered(report: DailyReportPublished, place: Store) -> str:
    """From closing time to closing time on the store's clocks."""
    return " – ".join(
        f"{each.astimezone(place.timezone):%m-%d %H:%M}"
        for each in (report.covers_from, report.covers_until)
        if each
    )


def _yuan(cents: int) -> str:
    return f"¥{cents / 100:,.2f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
