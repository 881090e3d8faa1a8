"""The command that measures, on a platform that it starts itself, and the nights that it plays."""

import asyncio
import json
import sys

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.bench import customers
from tests.bench.own_platform import start_business_day


async def bench(*arguments: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "tests.bench", *arguments, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    shown: dict[str, float] = json.loads(printed)
    return shown


async def test_sheets_bench_applies_every_part() -> None:
    shown = await bench("sheets", "--parts", "20")
    assert shown["rows"] == 20
    assert 0 < shown["applying_s"] <= shown["import_s"]


async def test_nights_of_customers_double_no_task(servers: Platform, clock: SimulatedClock) -> None:
    morning = clock.now()
    start_business_day(servers)
    await servers.start_services(("crm",))
    try:
        found = await customers.measure(servers, 300, requests=50)
    finally:
        await servers.stop_services()
        clock.set(morning)
    shown = found.figures
    assert shown["customers"] == 300
    assert shown["tasks"] > 0
    assert shown["tasks_doubled"] == 0
    assert {"nightly_s", "work_list_p99_ms", "search_p99_ms"} <= shown.keys()
