"""The real services and the desk, all together."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.cli.status import survey
from deploy.embedded.platform import ALL, Platform
from deploy.embedded.processes import Launch, execute
from deploy.embedded.secrets import SERVICES
from deploy.group_folder import read_group
from tests.bench import commands, replanning, sheets
from tests.bench.__main__ import show_commands, show_figures, show_replans

MEMORY_LIMIT = 2.5e9


@pytest.fixture(scope="module")
def launch() -> Launch:
    """Return the launcher that executes services as in production, with memory of their own."""
    return execute


async def test_platform_starts_idle_within_memory_limit(platform: Platform) -> None:
    rows = {row.name: row for row in await survey(platform.settings)}
    assert set(rows) == {"kafka", "postgres", *ALL}
    assert all(row.alive for row in rows.values())
    for service in SERVICES:
        backlog = rows[service].service
        assert backlog
        assert (backlog.lag, backlog.outbox, backlog.parked_keys) == (0, 0, 0)
    assert sum(row.memory for row in rows.values()) < MEMORY_LIMIT


async def test_operator_commands_show_running_platform(platform: Platform, tmp_path: Path) -> None:
    async def shown(*arguments: str) -> str:
        data = ["--data", str(platform.settings.data)]
        result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, *data])
        assert result.exit_code == 0, result.output
        return result.output

    assert {row["name"] for row in json.loads(await shown("status", "--json"))} == {
        "kafka",
        "postgres",
        *ALL,
    }
    assert "reception" in await shown("status")
    assert json.loads(await shown("audit", "--json"))["audit"] == "ok"
    assert "audit: ok" in await shown("audit")
    folder = platform.settings.group_folder
    counts = Counter(each.collection for each in read_group(folder))
    assert list(counts) == ["stores", "rules", "bays", "staff", "catalog"]
    assert (await shown("import", str(folder))).splitlines() == [
        f"{collection}: {count} unchanged" for collection, count in counts.items()
    ]
    sheet = tmp_path / "rates.csv"
    sheet.write_text("code,for_store,price_cents\nbody,S01,320.50\n", encoding="gb18030")
    reason = ["--valid-from", "2026-03-10", "--reason", "钣金调价", "--kind", "labor_rate"]
    assert (await shown("import", str(sheet), *reason)).splitlines() == [
        "labor_rate: 1 new, 0 changed, 0 unchanged, 0 with warnings",
        "labor_rate: 1 applied, 0 refused",
    ]
    place = ["--names", "南京启岳江宁店", "Qiyue Nanjing", "--city", "南京", "Nanjing"]
    asked = ["new-store", "S90", "--like", "S01", "--first-day", "2026-03-10", *place]
    assert "S90 opens on 2026-03-10 with 13 bays" in await shown(*asked)


async def test_command_bench_times_every_command(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    crew = commands.Crew(advisors=3, think_s=0.2)
    found = await commands.measure(platform, seconds=3.0, seed=1, crew=crew)
    steps = {"arrival", "greeting", "estimate", "opening", "deposit"}
    assert set(found) == {commands.MINIMAL, "all commands", *steps}
    assert found["all commands"].count == sum(found[step].count for step in steps)
    show_commands(found, as_json=True)
    assert json.loads(capsys.readouterr().out)["opening"]["count"] == found["opening"].count
    show_commands(found, as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == len(found) + 1


async def test_replanning_bench_measures_plan_changes(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    size = replanning.Size(orders=4, absences=1, watched_s=3.0, pause_s=0.5)
    found = await replanning.measure(platform, size)
    assert found.jobs >= size.orders
    assert len(found.greedy_s) == 1
    show_replans(found, as_json=True)
    assert json.loads(capsys.readouterr().out) == found.figures
    show_replans(found, as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == len(found.figures)


async def test_sheets_bench_applies_every_part(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await sheets.measure(platform, rows=20)
    show_figures(found.figures, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["rows"] == 20
    assert 0 < shown["applying_s"] <= shown["import_s"] < 60
