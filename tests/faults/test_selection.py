"""Short selection of a run, and the content of its plan."""

import json
from pathlib import Path

from tests.faults.__main__ import table
from tests.faults.faults import FAULTS
from tests.faults.run import disturb
from tests.faults.schedule import Injection, described, plan

SEED = 3
SELECTED = (
    "same key twice",
    "malformed record: broken JSON",
    "kill -9 after commit",
    "http lost responses",
    "customer relations hangs",
    "database sessions ended",
)


async def test_selected_faults_lose_or_reorder_nothing(tmp_path: Path) -> None:
    lines: list[str] = []
    by_name = {fault.name: fault for fault in FAULTS}
    steps = tuple((Injection(by_name[name], SEED),) for name in SELECTED)
    result = await disturb(tmp_path, SEED, 6, lambda _: [steps], lines.append)
    assert result.ok, "\n".join([*lines, result.last_line])
    assert set(result.hits) == set(SELECTED)
    assert list(table(result).columns[0].cells) == sorted(SELECTED)
    assert set(json.loads(json.dumps(result.as_json()))["faults"]) == set(SELECTED)
    assert result.commands["acknowledged"] > 0


def test_same_seed_gives_same_fault_plan() -> None:
    assert plan(5, 30, FAULTS) == plan(5, 30, FAULTS)
    assert plan(5, 30, FAULTS) != plan(6, 30, FAULTS)


def test_half_hour_plan_injects_every_fault() -> None:
    steps = [step for steps in plan(5, 30, FAULTS) for step in steps]
    assert {each.fault.name for step in steps for each in step} == {each.name for each in FAULTS}
    assert any(len(step) == 2 for step in steps)


def test_short_plan_names_omitted_faults() -> None:
    long, short = (list(described(plan(5, minutes, FAULTS), FAULTS)) for minutes in (30, 1))
    assert not [line for line in long if line.startswith("not in this plan")]
    first, last = short
    named = [fault.name for fault in FAULTS if fault.name not in first]
    assert last == f"not in this plan: {', '.join(named)}"


def test_conflicting_faults_are_not_injected_together() -> None:
    for seed in range(20):
        for step in (step for steps in plan(seed, 30, FAULTS) for step in steps):
            disturbed = [thing for each in step for thing in each.fault.disturbs]
            assert len(disturbed) == len(set(disturbed))
