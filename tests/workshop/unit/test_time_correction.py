"""Time corrections by a manager, without any I/O (R13)."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.domain.correction import ClockCorrection, correct_time, to_event
from services.workshop.domain.job import Job
from shared.contracts.violations import RuleViolation

OPENED = datetime(2026, 3, 4, 0, tzinfo=UTC)
NOW = OPENED + timedelta(hours=10)


def violates(rule: str) -> AbstractContextManager[object]:
    return pytest.raises(RuleViolation, check=lambda violation: violation.rule == rule)


moments = st.integers(0, 599).map(lambda minutes: OPENED + timedelta(minutes=minutes))


def job(started_at: datetime, finished_at: datetime, paused_min: int = 0, **changes: Any) -> Job:
    plain = Job("j1", "S01", "o1", 0, "MNT-001", 1.0, "passed", NOW, OPENED, ("t1",), "b1")
    clocked_s = int((finished_at - started_at).total_seconds()) - 60 * paused_min
    times: dict[str, Any] = {
        "started_at": started_at,
        "finished_at": finished_at,
        "clocked_s": clocked_s,
    }
    return replace(plain, **times | changes)


def correct(
    given: Job,
    *others: Job,
    started_at: datetime | None = None,
    finished_at: datetime | None = None,
) -> tuple[Job, ClockCorrection]:
    return correct_time(
        given,
        others,
        started_at,
        finished_at,
        correction_id="c1",
        reason="other",
        by="m1",
        now=NOW,
    )


@st.composite
def clocks(draw: st.DrawFn) -> tuple[datetime, datetime]:
    first, second = sorted((draw(moments), draw(moments)))
    return first, second + timedelta(minutes=1)


@given(clocks(), clocks())
def test_time_correction_keeps_pauses_and_is_reversible(
    said: tuple[datetime, datetime], right: tuple[datetime, datetime]
) -> None:
    before = job(*said)
    if said == right:
        return
    after, record = correct(before, started_at=right[0], finished_at=right[1])
    assert after.clocked_s == (right[1] - right[0]).total_seconds()
    assert (record.original_clocked_s, record.clocked_s) == (before.clocked_s, after.clocked_s)
    assert to_event(after, record).clocked_s == after.clocked_s
    back, _ = correct(after, started_at=said[0], finished_at=said[1])
    assert back == before


@given(clocks(), clocks(), clocks())
def test_time_correction_overlapping_other_job_is_rejected(
    said: tuple[datetime, datetime],
    right: tuple[datetime, datetime],
    theirs: tuple[datetime, datetime],
) -> None:
    apart = theirs[0] >= said[1] or theirs[1] <= said[0]
    if said == right or not apart:
        return
    at_once = theirs[0] < right[1] and right[0] < theirs[1]
    with violates("clock_overlaps") if at_once else nullcontext():
        correct(job(*said), job(*theirs), started_at=right[0], finished_at=right[1])


def test_time_correction_to_zero_time_is_rejected() -> None:
    mostly_paused = job(OPENED, OPENED + timedelta(hours=2), paused_min=110)
    with violates("no_working_time"):
        correct(mostly_paused, finished_at=OPENED + timedelta(minutes=100))


def test_time_correction_needs_started_or_finished_job() -> None:
    planned = replace(job(OPENED, NOW), status="planned", started_at=None, finished_at=None)
    with violates("wrong_status"):
        correct(planned, started_at=OPENED)
    wip = replace(job(OPENED, NOW), status="in_progress", finished_at=None)
    with violates("wrong_status"):
        correct(wip, finished_at=NOW)
