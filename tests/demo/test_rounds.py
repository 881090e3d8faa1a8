"""Rounds of a simulation: stores act in parallel, and the next step waits until the platform is
idle.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.demo.rounds import STEP_MIN, Process, Rounds
from deploy.demo.shop import Shift
from shared.clock import SimulatedClock

MIDNIGHT = datetime(2026, 3, 3, 16, tzinfo=UTC)


class RoundsHarness:
    """Rounds whose log shows the order of events."""

    def __init__(self, folder: Path) -> None:
        self.log: list[str] = []
        self.clock = SimulatedClock(folder / "clock")
        self.rounds = Rounds(MIDNIGHT, self.clock, self._wait_until_idle, self._observe)

    async def _wait_until_idle(self) -> None:
        self.log.append("rest")

    async def _observe(self, store_id: str) -> None:
        self.log.append(f"look at {store_id}")

    def does(self, store_id: str, what: str, *, touches_plan: bool) -> Process:
        async def action() -> str:
            self.log.append(what)
            return what.upper()

        result = yield self.rounds.act(store_id, action, touches_plan=touches_plan)
        assert result == what.upper()


@pytest.fixture
def harness(tmp_path: Path) -> RoundsHarness:
    return RoundsHarness(tmp_path)


async def test_store_changes_plan_once_per_round(harness: RoundsHarness) -> None:
    for what, touches_plan in (("a", False), ("b", True), ("c", True)):
        harness.rounds.env.process(harness.does("S01", what, touches_plan=touches_plan))
    await harness.rounds.play(until=10)
    assert harness.log == ["a", "b", "rest", "look at S01", "c", "rest", "look at S01"]


async def test_stores_act_independently_in_each_round(harness: RoundsHarness) -> None:
    for store_id in ("S01", "S02"):
        for turn in (1, 2):
            does = harness.does(store_id, f"{store_id}/{turn}", touches_plan=True)
            harness.rounds.env.process(does)
    await harness.rounds.play(until=10)
    acted = [entry for entry in harness.log if "/" in entry]
    assert acted == ["S01/1", "S02/1", "S01/2", "S02/2"]
    assert harness.log.count("rest") == 2


async def test_timers_fire_before_actions_after_clock_moves(harness: RoundsHarness) -> None:
    def later() -> Process:
        yield harness.rounds.wait(60)
        assert harness.clock.now() == MIDNIGHT + timedelta(hours=1)
        yield from harness.does("S01", "late", touches_plan=False)

    harness.rounds.env.process(later())
    await harness.rounds.play(until=100)
    assert harness.log == ["rest", "late", "rest"]


async def test_action_after_end_is_not_run(harness: RoundsHarness) -> None:
    def too_late() -> Process:
        yield harness.rounds.wait(60)
        yield from harness.does("S01", "too late", touches_plan=False)

    harness.rounds.env.process(too_late())
    await harness.rounds.play(until=59)
    assert harness.log == []


async def test_rejection_reaches_calling_process(harness: RoundsHarness) -> None:
    caught = []

    async def refused() -> None:
        raise LookupError("no")

    def asks() -> Process:
        try:
            yield harness.rounds.act("S01", refused, touches_plan=False)
        except LookupError as error:
            caught.append(str(error))

    harness.rounds.env.process(asks())
    await harness.rounds.play(until=10)
    assert caught == ["no"]


async def test_wait_ends_on_nearest_later_step(harness: RoundsHarness) -> None:
    ends = []

    def waits(minutes: float) -> Process:
        yield harness.rounds.wait(minutes)
        ends.append((minutes, int(harness.rounds.env.now) // STEP_MIN))

    for minutes in (0, 1, 4, 5, 30):
        harness.rounds.env.process(waits(minutes))
    await harness.rounds.play(until=60)
    assert sorted(ends) == [(0, 1), (1, 1), (4, 1), (5, 2), (30, 10)]


def test_work_pauses_during_break() -> None:
    shift = Shift([(720, 780)])
    assert list(shift.spells(700, 60)) == [(20, 60), (40, 0)]
    assert list(shift.spells(600, 60)) == [(60, 0)]
    assert list(shift.spells(660, 60)) == [(60, 0)]
    assert list(shift.spells(780, 60)) == [(60, 0)]
    assert (shift.rest_left(719), shift.rest_left(750), shift.rest_left(780)) == (0, 30, 0)
