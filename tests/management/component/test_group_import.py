"""A group folder is imported through the commands that people give (R40)."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from deploy.embedded.platform import Platform
from deploy.group_folder import GroupFileError, read_group
from deploy.group_import import Imported, import_group
from shared.calls import ServiceUnavailableError
from shared.clock import SimulatedClock

LOUNGE = {
    "area": "lounge",
    "zh": "休息区",
    "en": "Lounge",
    "due": "10:00",
    "items": [{"item": "tea", "zh": "茶水", "en": "Tea"}],
}


@pytest.fixture(scope="module")
async def management(empty_servers: Platform, clock: SimulatedClock) -> AsyncIterator[Platform]:
    """Yield management as a process, on empty data."""
    await empty_servers.start_services(("management",))
    yield empty_servers
    await empty_servers.stop_services()


@pytest.fixture
def folder(tmp_path: Path, empty_servers: Platform) -> Path:
    copied = tmp_path / "group"
    shutil.copytree(empty_servers.settings.group_folder, copied)
    return copied


async def imported(management: Platform, folder: Path, **options: Any) -> list[str]:
    lines: list[Imported] = []
    results = await import_group(
        folder, management.url("management"), management.issuer, lines.append, **options
    )
    assert lines == results
    return [str(line) for line in lines]


async def announced(management: Platform) -> int:
    """Return the number of states that were ever written to be sent."""
    connection = await asyncpg.connect(management.admin_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM management.outbox"))
    finally:
        await connection.close()


def edit(folder: Path, name: str, **changes: Any) -> None:
    file = folder / name
    content = yaml.safe_load(file.read_text()) | changes
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def rule(valid_from: str, visits: int) -> dict[str, Any]:
    tier = {"tier": "gold", "visits": visits, "spend_cents": 0, "max_days_since_last_visit": 365}
    return {"valid_from": valid_from, "period_days": 730, "tiers": [tier]}


async def test_second_import_changes_nothing(management: Platform, folder: Path) -> None:
    first = await imported(management, folder)
    assert "rules: loyalty from 2026-01-01: defined" in first
    assert "bays: S01-lift-1 of S01 from 2026-01-01: defined" in first
    assert {line.rpartition(": ")[2] for line in first} == {"defined"}
    assert await announced(management) == len(first) == len(read_group(folder))
    second = await imported(management, folder)
    assert second == [line.replace(": defined", ": unchanged") for line in first]
    assert await announced(management) == len(first)


async def test_versions_and_store_rules_are_imported(management: Platform, folder: Path) -> None:
    rules = [rule("2026-03-04", 3), rule("2026-04-01", 4), rule("2026-02-01", 2)]
    edit(folder, "loyalty.yaml", rules=rules)
    edit(folder, "messages.yaml", stores={"S02": {"notify_at_risk": True}})
    edit(folder, "catalog/invoicing.yaml", stores={"S02": {"dunning_days": [3]}})
    owners = [{"source": "feedback", "role": "dispatcher", "days": 2}]
    edit(folder, "corrective_actions.yaml", stores={"S02": {"rules": owners}})
    templates = {"group": ["vehicle_clean"], "S03": ["vehicle_clean", "customer_signed"]}
    edit(folder, "catalog/delivery.yaml", templates=templates, valid_from="2026-03-05")
    edit(folder, "facility_checks.yaml", stores={"S02": {"areas": [LOUNGE]}})
    lines = await imported(management, folder)
    assert [line for line in lines if line.endswith(": defined")] == [
        "rules: corrective_actions of S02 from 2026-01-01: defined",
        "rules: delivery_checklist from 2026-03-05: defined",
        "rules: delivery_checklist of S03 from 2026-03-05: defined",
        "rules: facility_checklist of S02 from 2026-01-01: defined",
        "rules: loyalty from 2026-03-04: defined",
        "rules: loyalty from 2026-04-01: defined",
        "rules: messages of S02 from 2026-01-01: defined",
        "rules: settlement of S02 from 2026-01-01: defined",
    ]
    assert {line.rpartition(": ")[2] for line in lines} == {"defined", "unchanged"}


async def test_new_rules_only_leave_known_ones(management: Platform, folder: Path) -> None:
    edit(folder, "loyalty.yaml", rules=[rule("2026-03-04", 9)])
    edit(folder, "messages.yaml", stores={"S03": {"notify_at_risk": True}})
    assert await imported(management, folder, only_new=True) == [
        "rules: messages of S03 from 2026-01-01: defined"
    ]


async def test_refused_rules_name_their_field(management: Platform, folder: Path) -> None:
    edit(folder, "loyalty.yaml", rules=[rule("2026-02-01", 9)])
    edit(folder, "messages.yaml", stores={"S99": {"notify_at_risk": True}})
    lines = await imported(management, folder)
    assert any(
        line.startswith("rules: loyalty from 2026-02-01: refused (valid_from: ") for line in lines
    )
    [unknown] = [line for line in lines if line.startswith("rules: messages of S99")]
    assert unknown == (
        "rules: messages of S99 from 2026-01-01: refused (for_store: There is no store S99. "
        "Known are, for example: S01, S02, S03, S04, S05, S06.)"
    )


@pytest.mark.parametrize(
    ("name", "changes", "place"),
    [
        ("loyalty.yaml", {"rules": [rule("2026-02-30", 9)]}, "loyalty.yaml: rules.0.valid_from"),
        ("loyalty.yaml", {"rule": []}, "loyalty.yaml.rule"),
        ("loyalty.yaml", {"rules": [rule("2026-02-01", -1)]}, "rules.0.tiers.0.visits"),
        ("messages.yaml", {"notify": True}, "messages.yaml.notify"),
        ("messages.yaml", {"stores": {"S01": {"quiet": 1}}}, "stores.S01.quiet"),
        ("catalog/invoicing.yaml", {"dunning_days": [-1]}, "invoicing.yaml.dunning_days.0"),
        ("catalog/delivery.yaml", {"valid_from": None}, "catalog/delivery.yaml.valid_from"),
        (
            "catalog/delivery.yaml",
            {"templates": {"S01": ["dance"]}},
            "templates.S01: There is no step dance",
        ),
        ("facility_checks.yaml", {"areas": [{}]}, "facility_checks.yaml.areas.0.area"),
        ("corrective_actions.yaml", {"rules": []}, "corrective_actions.yaml.rules"),
    ],
)
async def test_unreadable_file_is_named(
    management: Platform, folder: Path, name: str, changes: dict[str, Any], place: str
) -> None:
    edit(folder, name, **changes)
    with pytest.raises(GroupFileError, match=place):
        await imported(management, folder)


@pytest.mark.parametrize("content", ["rules: [", None])
async def test_file_that_is_no_yaml_is_named(
    management: Platform, folder: Path, content: str | None
) -> None:
    (folder / "loyalty.yaml").unlink()
    if content:
        (folder / "loyalty.yaml").write_text(content)
    with pytest.raises(GroupFileError, match=r"loyalty\.yaml"):
        await imported(management, folder)


async def test_import_without_management_can_be_repeated(
    management: Platform, folder: Path
) -> None:
    with pytest.raises(ServiceUnavailableError):
        await import_group(folder, "http://127.0.0.1:9", management.issuer)
