"""The real services and the desk, all together."""

import asyncio
import json
import shutil
from collections import Counter
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from deploy.cli import app
from deploy.cli.status import survey
from deploy.embedded.platform import ALL, Platform
from deploy.embedded.processes import Launch, execute
from deploy.embedded.secrets import SERVICES
from deploy.group_folder import read_group
from deploy.subscribers.administration import Cluster
from tests.bench import commands, replanning
from tests.bench.__main__ import show_commands, show_replans
from tests.support.fake_servers import token_endpoint
from tests.support.monitoring import watched
from tests.support.polling import PATIENCE_S
from tests.support.realm import realm_claims

MEMORY_LIMIT = 2.5e9
_SERIES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}


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


async def test_platform_exports_what_alerts_and_dashboards_watch(platform: Platform) -> None:
    series = set[tuple[str, str | None]]()
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        for name in ALL:
            response = await client.get(f"{platform.url(name)}/metrics")
            for family in text_string_to_metric_families(response.raise_for_status().text):
                series |= {(f"{family.name}{end}", None) for end in _SERIES.get(family.type, ("",))}
                series |= {(each.name, each.labels.get("what")) for each in family.samples}
    of_administration = {("aftersales_kafka", each.name) for each in fields(Cluster)}
    series |= of_administration  # tests/embedded/test_subscriber_administration.py reads them
    for each in watched():
        assert (each.metric, each.labels.get("what")) in series, each


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
    assert (await shown("import", str(sheet), *reason, "--store", "S01")).splitlines() == [
        "labor_rate: 0 new, 0 changed, 1 unchanged, 0 with warnings",
        "nothing changes: all of it holds already",
        "labor_rate: 0 applied, 0 refused",
    ]
    place = ["--names", "南京启岳江宁店", "Qiyue Nanjing", "--city", "南京", "Nanjing"]
    asked = ["new-store", "S90", "--like", "S01", "--first-day", "2026-03-10", *place]
    assert "S90 opens on 2026-03-10 with 13 bays" in await shown(*asked)


async def test_deployments_settings_define_group(platform: Platform, tmp_path: Path) -> None:
    folder, sheet = tmp_path / "group", tmp_path / "rates.csv"
    shutil.copytree(platform.settings.group_folder, folder)
    loyalty = yaml.safe_load((folder / "loyalty.yaml").read_text())
    later = {"valid_from": "2026-03-12", "period_days": 731}
    loyalty["rules"].append(loyalty["rules"][-1] | later)
    (folder / "loyalty.yaml").write_text(yaml.safe_dump(loyalty, allow_unicode=True))
    sheet.write_text("code,for_store,price_cents\nbody,S01,330.50\n")
    claims = realm_claims("administration")
    subject = claims.pop("sub")

    with token_endpoint(lambda: platform.issuer.token(subject, **claims)) as endpoint:
        settings = endpoint.settings() | {
            "AFTERSALES_MANAGEMENT_URL": platform.url("management"),
            "AFTERSALES_EMBEDDED_DATA": str(tmp_path / "none"),
        }

        async def shown(*arguments: str) -> list[str]:
            invoke = CliRunner(env=settings).invoke
            result = await asyncio.to_thread(invoke, app, arguments)
            assert result.exit_code == 0, result.output
            return result.output.splitlines()

        rules = next(each for each in await shown("import", str(folder)) if "rules" in each)
        assert "1 defined" in rules
        reason = ["--valid-from", "2026-03-11", "--reason", "钣金调价", "--kind", "labor_rate"]
        applied = "labor_rate: 1 applied, 0 refused"
        assert (await shown("import", str(sheet), *reason))[-1] == applied
        of_store = sheet.with_name("own.csv")
        of_store.write_text("code,for_store,price_cents\nbody,S01,331.50\n")
        assert (await shown("import", str(of_store), *reason, "--store", "S01"))[-1] == applied
        place = ["--names", "南京启岳浦口店", "Qiyue Pukou", "--city", "南京", "Nanjing"]
        asked = ["new-store", "S91", "--like", "S01", "--first-day", "2026-03-10", *place]
        assert (await shown(*asked))[0].startswith("S91 opens on 2026-03-10 with 13 bays")
        assert (await shown("republish"))[0].endswith(" states announced again")
        assert endpoint.given > 6, "tokens are renewed between calls"
    assert not (tmp_path / "none").exists()


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
