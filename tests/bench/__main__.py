"""Measure, with ``--json`` for programs: ``python -m tests.bench WHAT``."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict

from tests.bench import commands, customers, group, group_size, ingest, replanning, sheets
from tests.bench.group_size import Comparison, Rounds, Size
from tests.bench.own_platform import own_platform


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", choices=_MEASURES, nargs="?", default="ingest")
    parser.add_argument("--events", type=int, default=40_000, help="at least so many are published")
    parser.add_argument("--rounds", type=int, default=3, help="each way; the median counts")
    parser.add_argument("--seconds", type=float, default=40.0, help="of commands")
    parser.add_argument("--changes", type=int, default=100, help="of a rule, and of a role")
    parser.add_argument("--backlog", type=int, default=100_000, help="of events before changes")
    parser.add_argument("--stores", type=int, default=7_000, help="of the large group")
    parser.add_argument("--parts", type=int, default=20_000, help="of the large group")
    parser.add_argument("--operations", type=int, default=3_000, help="of the large group")
    parser.add_argument("--visits", type=int, default=50, help="of customers, in each group")
    parser.add_argument("--customers", type=int, default=20_000, help="each with a vehicle")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    # New topics have no leader for a moment; the clients log this at length and retry.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asyncio.run(_MEASURES[given.what](given))


async def _ingest(given: argparse.Namespace) -> None:
    async with own_platform(services=()) as platform:
        found = await ingest.measure(platform, given.events, given.seed, given.rounds)
    show_ingest(found, given.json)


async def _commands(given: argparse.Namespace) -> None:
    async with own_platform() as platform:
        found = await commands.measure(platform, given.seconds, given.seed)
    show_commands(found, given.json)


async def _replanning(given: argparse.Namespace) -> None:
    async with own_platform() as platform:
        found = await replanning.measure(platform)
    show_replans(found, given.json)


async def _group(given: argparse.Namespace) -> None:
    async with (
        own_platform(services=(), ready_timeout_s=_REPLAYING_S) as servers,
        own_platform(services=(), ready_timeout_s=_REPLAYING_S) as others,
    ):
        small = await group_size.load(servers, Size(_SMALL_GROUP, parts=0, operations=0))
        large = await group_size.load(others, Size(given.stores, given.parts, given.operations))
        await group_size.measure([small, large], Rounds(visits=given.visits))
        effect = await group.measure(others, given.backlog, given.changes)
    sizes = Comparison(small, large)
    show_figures(sizes.details | asdict(effect) | sizes.figures, given.json)


async def _sheets(given: argparse.Namespace) -> None:
    async with own_platform(services=("management",)) as platform:
        found = await sheets.measure(platform, given.parts)
    show_figures(found.figures, given.json)


async def _customers(given: argparse.Namespace) -> None:
    async with own_platform(services=("management", "crm")) as platform:
        found = await customers.measure(platform, given.customers)
    show_figures(found.figures, given.json)


_SMALL_GROUP = 6
_REPLAYING_S = 3600.0

_MEASURES = {
    "ingest": _ingest,
    "commands": _commands,
    "replanning": _replanning,
    "group": _group,
    "sheets": _sheets,
    "customers": _customers,
}


def show_ingest(found: ingest.Throughput, as_json: bool) -> None:
    if as_json:
        figures = {
            "events": found.events,
            "minimal_loop_per_s": round(found.minimal_per_s),
            "reporting_ingest_per_s": round(found.reporting_per_s),
            "ratio": round(found.ratio, 3),
        }
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    sys.stdout.write(
        f"minimal consumer loop    {found.minimal_per_s:8,.0f} events/s\n"
        f"reporting's real ingest  {found.reporting_per_s:8,.0f} events/s\n"
        f"ratio                    {found.ratio:8.2f}\n"
    )


def show_commands(found: dict[str, commands.Waits], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({name: asdict(each) for name, each in found.items()}) + "\n")
        return
    sys.stdout.write(
        f"{'':15} {'count':>6} {'p50 ms':>8} {'p99 ms':>8} {'× p50':>7} {'× p99':>7}\n"
    )
    for name, each in found.items():
        sys.stdout.write(
            f"{name:15} {each.count:6} {each.p50_ms:8.1f} {each.p99_ms:8.1f} "
            f"{each.ratio_p50:7.1f} {each.ratio_p99:7.1f}\n"
        )


def show_replans(found: replanning.Replans, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found.figures) + "\n")
        return
    for name, figure in found.figures.items():
        sys.stdout.write(f"{name:18} {figure:8g}\n")


def show_figures(found: Mapping[str, float], as_json: bool) -> None:
    figures = {name: round(figure, 3) for name, figure in found.items()}
    if as_json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for name, figure in figures.items():
        sys.stdout.write(f"{name:18} {figure:8g}\n")


if __name__ == "__main__":
    main()
