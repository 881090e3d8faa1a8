"""Stores act side by side, and nothing happens before the platform has come to rest."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.demo.rounds import STEP_MIN, Process, Rounds
from deploy.demo.shop import Shift
from shared.clock import SimulatedClock

MIDNIGHT = datetime(2026, 3, 3, 16, tzinfo=UTC)


class Stage:
    """Rounds whose log shows what happened in which order."""

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
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_a_store_touches_its_plan_once_a_round(stage: Stage) -> None:
    for what, touches_plan in (("a", False), ("b", True), ("c", True)):
        stage.rounds.env.process(stage.does("S01", what, touches_plan=touches_plan))
    await stage.rounds.play(until=10)
    assert stage.log == ["a", "b", "rest", "look at S01", "c", "rest", "look at S01"]


async def test_stores_do_not_wait_for_each_other(stage: Stage) -> None:
    for store_id in ("S01", "S02"):
        for turn in (1, 2):
            does = stage.does(store_id, f"{store_id}/{turn}", touches_plan=True)
            stage.rounds.env.process(does)
    await stage.rounds.play(until=10)
    acted = [entry for entry in stage.log if "/" in entry]
    assert acted == ["S01/1", "S02/1", "S01/2", "S02/2"]
    assert stage.log.count("rest") == 2


async def test_clock_moves_and_timers_fire_before_anybody_acts(stage: Stage) -> None:
    def later() -> Process:
        yield stage.rounds.wait(60)
        assert stage.clock.now() == MIDNIGHT + timedelta(hours=1)
        yield from stage.does("S01", "late", touches_plan=False)

    stage.rounds.env.process(later())
    await stage.rounds.play(until=100)
    assert stage.log == ["rest", "late", "rest"]


async def test_nobody_acts_after_the_end(stage: Stage) -> None:
    def too_late() -> Process:
        yield stage.rounds.wait(60)
        yield from stage.does("S01", "too late", touches_plan=False)

    stage.rounds.env.process(too_late())
    await stage.rounds.play(until=59)
    assert stage.log == []


async def test_a_rejection_reaches_who_asked(stage: Stage) -> None:
    caught = []

    async def refused() -> None:
        raise LookupError("no")

    def asks() -> Process:
        try:
            yield stage.rounds.act("S01", refused, touches_plan=False)
        except LookupError as error:
            caught.append(str(error))

    stage.rounds.env.process(asks())
    await stage.rounds.play(until=10)
    assert caught == ["no"]


async def test_waits_end_on_the_nearest_step_but_never_on_this_one(stage: Stage) -> None:
    ends = []

    def waits(minutes: float) -> Process:
        yield stage.rounds.wait(minutes)
        ends.append((minutes, int(stage.rounds.env.now) // STEP_MIN))

    for minutes in (0, 1, 4, 5, 30):
        stage.rounds.env.process(waits(minutes))
    await stage.rounds.play(until=60)
    assert sorted(ends) == [(0, 1), (1, 1), (4, 1), (5, 2), (30, 10)]


def test_work_is_interrupted_by_the_break() -> None:
    shift = Shift([(720, 780)])
    assert list(shift.spells(700, 60)) == [(20, 60), (40, 0)]
    assert list(shift.spells(600, 60)) == [(60, 0)]
    assert list(shift.spells(660, 60)) == [(60, 0)]
    assert list(shift.spells(780, 60)) == [(60, 0)]
    assert (shift.rest_left(719), shift.rest_left(750), shift.rest_left(780)) == (0, 30, 0)
