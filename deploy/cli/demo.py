"""``aftersales demo``: one business day of a simulated group on the real platform."""

import asyncio
import json
import math
import shlex
import shutil
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.box import SIMPLE
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.audit import AuditResult, run_audit
from deploy.cli.audit import Verbose, show
from deploy.cli.import_ import show as show_imported
from deploy.cli.terminal import console, print_error, print_line
from deploy.cli.up import run_until_told
from deploy.demo.clients import ErrorResponseError
from deploy.demo.day import MORNING, DayFigures, Show, play_day
from deploy.demo.group import write_group
from deploy.demo.idle import NotIdleError
from deploy.embedded.kafka import kafka_libraries
from deploy.embedded.platform import Platform, remove_data
from deploy.embedded.settings import EmbeddedSettings
from deploy.group_folder import load_stores, read_yaml
from deploy.group_import import import_group
from shared.clock import SimulatedClock
from shared.group import Store

_INTERRUPTED = 130


def demo(
    stores: Annotated[int, typer.Option(min=1, max=200, help="Stores of the group.")] = 3,
    orders: Annotated[int, typer.Option(min=1, help="Orders of the whole group.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same day.")] = 7,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the KPIs to this file.")
    ] = None,
    data: Annotated[Path, typer.Option("--data", help="Data folder of the day.")] = Path(
        "var/demo"
    ),
    stay_open: Annotated[
        bool,
        typer.Option(
            "--open", help="Open the day in the desk until Ctrl-C; play it first if needed."
        ),
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Play one business day of a simulated group through the HTTP interfaces, and audit it."""
    if orders < stores:
        raise typer.BadParameter("every store needs an order", param_hint="--orders")
    settings = EmbeddedSettings(data=data, group_folder=data / "group", clock_file=data / "clock")
    kafka_libraries(settings.cache, print_line)
    size = {"stores": stores, "orders": orders, "seed": seed}
    figures = _kept_figures(settings, size) if stay_open else None
    if figures:
        print_line("this day was played before; without --open it is played again")
    else:
        figures = _play_and_report(settings, size, verbose)
    if json_file:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    if figures["audit"] != "ok":
        raise typer.Exit(1)
    if stay_open:
        _keep_open(settings)
    else:
        arguments = shlex.join([*sys.argv[2:], "--open"])
        print_line("nothing is left running; to look at this day in the desk:")
        print_line(f"  make demo ARGS={shlex.quote(arguments)}")


def _play_and_report(
    settings: EmbeddedSettings, size: Mapping[str, int], verbose: bool
) -> dict[str, Any]:
    """Play a day on an emptied data folder, show it and return its figures as JSON."""
    begun_at = time.monotonic()
    _prepare_folder(settings, **size)
    try:
        day, audit = asyncio.run(_play(settings, size["orders"], size["seed"]))
    except asyncio.CancelledError:
        print_line("stopped, nothing is left running")
        raise typer.Exit(_INTERRUPTED) from None
    except (ErrorResponseError, NotIdleError, httpx.TransportError) as error:
        logs = settings.data / "logs"
        print_error(f"the day could not be played: {error} (logs in {logs})")
        raise typer.Exit(1) from None
    wall_s = time.monotonic() - begun_at
    show(audit, verbose=verbose)
    console.print(report_table(day, load_stores(settings.group_folder)))
    print_line(f"played and stopped in {wall_s:.0f} s")
    figures = _as_json(day, audit, wall_s)
    if audit.ok:
        _day_file(settings).write_text(json.dumps({"size": size, "figures": figures}))
    return figures


def _prepare_folder(settings: EmbeddedSettings, *, stores: int, orders: int, seed: int) -> None:
    """Empty the data folder, write the group of this seed, and set the clock to the morning."""
    _day_file(settings).unlink(missing_ok=True)
    remove_data(settings)
    shutil.rmtree(settings.group_folder, ignore_errors=True)
    write_group(settings.group_folder, stores, math.ceil(orders / stores), seed)
    clock_file = _clock_file(settings)
    clock_file.unlink(missing_ok=True)
    SimulatedClock(clock_file).set(MORNING)


def _clock_file(settings: EmbeddedSettings) -> Path:
    assert settings.clock_file  # noqa: S101
    return settings.clock_file


def _day_file(settings: EmbeddedSettings) -> Path:
    """Return the file that says which day was played on the data folder, and its figures."""
    return settings.data / "day.json"


def _kept_figures(settings: EmbeddedSettings, size: Mapping[str, int]) -> dict[str, Any] | None:
    """Return the figures of the day on the data folder; None if it is another day, or none."""
    file = _day_file(settings)
    kept = json.loads(file.read_text()) if file.exists() else {}
    return kept["figures"] if kept.get("size") == size else None


async def _play(
    settings: EmbeddedSettings, orders: int, seed: int
) -> tuple[DayFigures, AuditResult]:
    task = asyncio.current_task()
    assert task  # noqa: S101
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    platform = Platform(settings, print_line)
    await platform.start()
    try:
        await import_group(
            settings.group_folder, platform.url("management"), platform.issuer, show_imported
        )
        with _showing(orders) as advance:
            day = await play_day(platform, orders, seed, advance)
        print_line("auditing")
        audit = await run_audit(platform.admin_url, platform.kafka.client, settings)
    finally:
        await platform.stop()
    return day, audit


@contextmanager
def _showing(orders: int) -> Iterator[Show]:
    """Show the progress of the day: a bar on a terminal, otherwise a line for each hour."""
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
    """Progress output, one line per simulated hour."""

    def __init__(self) -> None:
        self._told = ""

    def show(self, now: datetime, delivered: int) -> None:
        hour = f"{now:%m-%d %H}:00"
        if hour != self._told:
            print_line(f"{hour}  {delivered} delivered")
            self._told = hour


def report_table(day: DayFigures, stores: Mapping[str, Store]) -> Table:
    """Return the daily reports (日报), a row a store; a narrow terminal folds names, no figures."""
    table = Table(
        title=f"日报 Daily report {day.day}",
        caption=f"营业日 Covers {_covered(day, stores)}",
        box=SIMPLE,
        show_edge=False,
        padding=0,
    )
    table.add_column("门店\nStore", overflow="fold")
    for name in (
        "工单\nOrders",
        "交车\nDelivered",
        "产值\nInvoiced",
        "收款\nReceived",
        "准时率\nOn time",
        "等待\nWait",
        "回访\nFollow-ups",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for store_id, report in day.reports.items():
        wait = report.greet_wait_median_s
        table.add_row(
            f"{store_id} {stores[store_id].zh}",
            str(report.orders),
            str(report.delivered),
            _yuan(report.invoiced_cents),
            _yuan(report.received_cents),
            _percent(report.on_time_rate_initial),
            "–" if wait is None else f"{wait / 60:.0f} min",
            str(report.follow_ups_scheduled),
        )
    table.add_section()
    table.add_row(
        "集团 Group",
        str(day.total("orders")),
        str(day.total("delivered")),
        _yuan(day.total("invoiced_cents")),
        _yuan(day.total("received_cents")),
        _percent(day.on_time_rate_initial),
        "",
        str(day.total("follow_ups_scheduled")),
    )
    return table


def _keep_open(settings: EmbeddedSettings) -> None:
    """Run the played day's platform until a signal arrives; its clock does not move."""
    now = SimulatedClock(_clock_file(settings)).now()
    zone = next(iter(load_stores(settings.group_folder).values())).timezone
    manager = next(
        person
        for person in read_yaml(settings.group_folder, "staff.yaml")["staff"]
        if "group_manager" in person["roles"]
    )
    notes = (
        f"the clock stands at {now.astimezone(zone):%Y-%m-%d %H:%M}",
        f"sign in as {manager['zh']} {manager['en']}, who sees the whole group, or as anybody else",
    )
    if not asyncio.run(run_until_told(settings, notes=notes)):
        raise typer.Exit(_INTERRUPTED)


def _as_json(day: DayFigures, audit: AuditResult, wall_s: float) -> dict[str, Any]:
    return {
        "stores": len(day.reports),
        "orders_opened": day.total("orders"),
        "jobs_assigned": day.jobs_assigned,
        "vehicles_delivered": day.total("delivered"),
        "follow_ups_scheduled": day.total("follow_ups_scheduled"),
        "invoiced_cents": day.total("invoiced_cents"),
        "received_cents": day.total("received_cents"),
        "on_time_rate_initial": day.on_time_rate_initial,
        "events_published": day.events_published,
        "reports": {
            store_id: report.model_dump(mode="json") for store_id, report in day.reports.items()
        },
        "audit": "ok" if audit.ok else [str(difference) for difference in audit.differences],
        "wall_s": round(wall_s, 1),
    }


def _covered(day: DayFigures, stores: Mapping[str, Store]) -> str:
    """Return the span from closing to closing on the stores' clocks; by store where it differs."""
    store_ids: dict[str, list[str]] = defaultdict(list)
    for store_id, report in day.reports.items():
        ends = (report.covers_from, report.covers_until)
        zone = stores[store_id].timezone
        span = " – ".join(f"{each.astimezone(zone):%m-%d %H:%M}" for each in ends if each)
        store_ids[span].append(store_id)
    if len(store_ids) == 1:
        return next(iter(store_ids))
    return "; ".join(f"{span} {', '.join(ids)}" for span, ids in store_ids.items())


def _yuan(cents: int) -> str:
    return f"¥{cents / 100:,.2f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
