"""Simulated time that several processes share."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.clock import SimulatedClock, SystemClock, clock_from

MOMENT = datetime(2026, 3, 4, 1, 2, 3, 456789, tzinfo=UTC)


def test_simulated_clock_is_paused_and_shared(tmp_path: Path) -> None:
    one, other = SimulatedClock(tmp_path / "clock"), SimulatedClock(tmp_path / "clock")
    one.set(MOMENT)
    assert other.is_paused
    assert other.now() == MOMENT == other.now()


def test_running_clock_advances_from_set_time(tmp_path: Path) -> None:
    clock = SimulatedClock(tmp_path / "clock")
    clock.set(MOMENT, running=True)
    assert not clock.is_paused
    first, second = clock.now(), clock.now()
    assert MOMENT <= first <= second < MOMENT + timedelta(minutes=1)


def test_skewed_clock_differs_by_its_skew() -> None:
    difference = clock_from(None, skew_s=3600).now() - SystemClock().now()
    assert timedelta(minutes=59) < difference < timedelta(minutes=61)


def test_simulated_clock_may_be_skewed_in_one_process(tmp_path: Path) -> None:
    shared = SimulatedClock(tmp_path / "clock")
    shared.set(MOMENT)
    assert clock_from(tmp_path / "clock", skew_s=-60).now() == MOMENT - timedelta(minutes=1)
