"""Sensitivity of the benches: each of them shows damage to the production planner."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.workshop.planning import Plan, PlanTask, PromiseQuote, Workshop, plan, replan
from services.workshop.planning.greedy import decode
from services.workshop.planning.network import Network
from services.workshop.planning.slot_search import ResourceSchedule
from tests.bench import fjsp, fjsp_larger, planning_latency, workshop_days
from tests.bench.erlang import expected_wait, simulated_wait
from tests.bench.policies import planned
from tests.bench.simulated_shop import Shop, scenario

INSTANCE = """4 3 1
 3  1 1 5  1 2 4  1 3 6
 3  1 2 7  1 1 3  1 3 2
 3  1 3 4  1 2 6  1 1 5
 3  1 1 2  1 3 8  1 2 3
"""


def damaged(workshop: Workshop, **_: object) -> Plan:
    """Plan as a damaged planner that takes the last job first."""
    backwards = sorted((job.job_id for job in workshop.jobs), reverse=True)
    return decode(workshop, Network(workshop.jobs), ResourceSchedule(workshop), backwards, {})


def test_simulated_wait_matches_erlang_formula() -> None:
    expected = expected_wait(3, 1.8, 120)
    assert simulated_wait(3, 1.8, 120, 6000, seed=3) == pytest.approx(expected, rel=0.1)


def test_damaged_planner_keeps_fewer_promises() -> None:
    days = scenario(seed=2, days=3, duration_distribution="lognormal")
    sound = workshop_days.compare(days)
    broken = workshop_days.compare(days, damaged)
    assert broken["ours"]["kept"] < sound["ours"]["kept"]
    assert workshop_days.closed_gap(broken) < workshop_days.closed_gap(sound)
    assert broken["first_come"] == sound["first_come"]


def test_damaged_planner_has_longer_makespan(
    tmp_path: Path,
) -> None:
    file = tmp_path / "small.txt"
    file.write_text(INSTANCE, encoding="utf-8")
    sound = fjsp.solve("small", fjsp.load(file), plan, seconds=10)
    broken = fjsp.solve("small", fjsp.load(file), damaged, seconds=10)
    assert set(sound) == {"instance", "makespan", "seconds"}
    assert broken["makespan"] > sound["makespan"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not whole numbers"),
        ("two 2\n1 1 1 3\n", "not whole numbers"),
        ("2 2 1\n1 1 1 3\n", "ends before its last operation"),
        ("1 2 1\n1 1 3 3\n", "names a machine that there is not"),
        ("1 2 1\n1 1 2 0\n", "durations of at least 1"),
        ("1 2 1\n1 1 2 5 7\n", "1 numbers follow"),
        ("1 2 1\n0\n", "no operations"),
    ],
)
def test_malformed_instance_file_gets_one_line_error(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bad.txt"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["fjsp", str(file)])
    with pytest.raises(SystemExit) as left:
        fjsp.main()
    message = str(left.value)
    assert message.startswith(f"{file}: ")
    assert problem in message
    assert "\n" not in message


def test_missing_instance_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["fjsp", "nowhere.txt"])
    with pytest.raises(SystemExit, match=r"nowhere.txt: No such file"):
        fjsp.main()


def test_slower_planner_has_higher_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = planning_latency.measure(5, seed=1, quotes=3, replans=2)
    slow = partial(plan, seconds=2, rounds=3)
    module = sys.modules[replan.__module__]
    monkeypatch.setattr(module, "plan", lambda shop, **_: slow(shop))
    assert planning_latency.measure(5, 1, 3, 2)["replan_p50_ms"] > sound["replan_p50_ms"]


def test_damaged_planner_promises_later() -> None:
    days = scenario(seed=4, days=2, duration_distribution="lognormal")
    sound = workshop_days.quoted(days)
    broken = workshop_days.quoted(days, damaged)
    assert set(sound["calibration"]) == {"0.5", "0.8", "0.9", "0.95"}
    ours, theirs = (sum(h["ours"] for h in q["promise_hours"].values()) for q in (sound, broken))
    assert 0 < ours < theirs
    assert 0 <= sound["warned_in_time"] <= 1


def test_booked_orders_hold_capacity_until_arrival() -> None:
    days = scenario(seed=4, days=2, duration_distribution="lognormal", booked=0.5)
    assert 0.3 < len(days.calls) / len(days.orders) < 0.7
    store, reserved = workshop_days.Quoting(0.9), set[str]()

    def promised(shop: Shop, jobs: tuple[PlanTask, ...]) -> PromiseQuote | None:
        reserved.update(each.job.order_id for each in shop.snapshot().reservations)
        return store.promised(shop, jobs)

    shop = Shop(days, planned(), promised)
    finished = shop.run().finished
    assert finished.keys() == {order[0].job.order_id for order in days.orders}
    assert reserved
    assert reserved <= days.calls.keys()
    assert not shop.reservations


@pytest.fixture
def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Return the output of a script that is called with these arguments."""

    def run(main: Callable[[], None], *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["script", *arguments])
        main()
        return capsys.readouterr().out

    return run


def test_larger_instances_are_written_and_solved(shown: Callable[..., str], tmp_path: Path) -> None:
    files = shown(fjsp_larger.main, str(tmp_path)).split()
    assert [Path(file).exists() for file in files] == [True] * len(fjsp_larger.FAMILIES)
    narrow = next(file for file in files if "narrow" in file)
    for own in ([], ["--plain"]):
        (found,) = json.loads(shown(fjsp.main, narrow, "--seconds", "1", "--json", *own))
        assert found["instance"] == "narrow1"
        assert 0 < found["makespan"] < 2000
    assert shown(fjsp.main, narrow, "--seconds", "0").startswith("narrow1: makespan ")


def test_latency_bench_shows_each_size(
    shown: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning_latency, "BUDGET", 0.1)
    counts = (
        "--technicians",
        "5",
        "6",
        "--quotes",
        "2",
        "--replans",
        "1",
        "--improved",
        "1",
        "--reserved",
        "0.5",
    )
    sizes = json.loads(shown(planning_latency.main, *counts, "--json"))
    assert [size["technicians"] for size in sizes] == [5, 6]
    assert all(figure > 0 for size in sizes for figure in size.values())
    assert len(shown(planning_latency.main, *counts).splitlines()) == 2


def test_workshop_days_bench_shows_every_policy(shown: Callable[..., str]) -> None:
    counts = ("--days", "1", "--foresight-rounds", "1", "--only", "policies", "--json")
    found: dict[str, Any] = json.loads(shown(workshop_days.main, *counts))
    assert set(found) == {"policies", "score", "queue_wait_min"}
    assert set(found["policies"]) == set(workshop_days.POLICIES)
    assert all(0 <= each["kept"] <= 1 for each in found["policies"].values())
