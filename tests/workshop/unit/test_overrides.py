"""Rules of manual overrides (R12)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.domain import dispatch
from services.workshop.domain.job import Assignment, Job, JobStatus
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PEOPLE = ("t1", "t2", "t3")
JOB = Job(
    "j1",
    "S01",
    "o1",
    0,
    "MNT-001",
    1.0,
    "planned",
    NOW + 3 * HOUR,
    NOW,
    technician_ids=("t1",),
    bay_id="b1",
    planned_start_at=NOW,
    planned_finish_at=NOW + HOUR,
    version=3,
)

minutes = st.integers(0, 600).map(lambda each: timedelta(minutes=each))
lengths = st.integers(1, 300).map(lambda each: timedelta(minutes=each))


def violates(rule: str) -> pytest.RaisesExc[RuleViolation]:
    return pytest.raises(RuleViolation, check=lambda violation: violation.rule == rule)


@pytest.mark.parametrize(
    "change",
    [
        dispatch.pin,
        dispatch.unpin,
        lambda job: dispatch.forbid(job, "t1", PEOPLE, 1),
        lambda job: dispatch.allow(job, "t1"),
    ],
)
@pytest.mark.parametrize("status", ["in_progress", "paused", "finished", "passed", "cancelled"])
def test_only_planned_job_can_be_overridden(
    change: Callable[[Job], object], status: JobStatus
) -> None:
    with violates("wrong_status"):
        change(replace(JOB, status=status))


def test_job_without_slot_cannot_be_pinned() -> None:
    with violates("not_yet_assigned"):
        dispatch.pin(replace(JOB, bay_id=None))


def test_stale_override_gets_version_conflict() -> None:
    dispatch.require_seen(JOB, "3")
    with violates("version_conflict") as violation:
        dispatch.require_seen(JOB, "2")
    assert violation.value.values["version"] == "3"
    assert violation.value.values["planned_start_at"] == NOW.isoformat()


@given(st.lists(st.sampled_from(PEOPLE)), st.integers(1, 2))
def test_exclusion_keeps_enough_qualified_technicians(kept_away: list[str], needed: int) -> None:
    job = JOB
    for technician_id in kept_away:
        left = set(PEOPLE) - {*job.forbidden_technicians, technician_id}
        if len(left) < needed:
            with violates("too_few_technicians_left"):
                dispatch.forbid(job, technician_id, PEOPLE, needed)
        else:
            job = dispatch.forbid(job, technician_id, PEOPLE, needed)
    assert len(set(PEOPLE) - set(job.forbidden_technicians)) >= needed
    for technician_id in kept_away:
        job = dispatch.allow(job, technician_id)
    assert job.forbidden_technicians == ()


def test_excluding_pinned_technician_unpins_job() -> None:
    pinned = dispatch.pin(JOB)
    assert dispatch.forbid(pinned, "t2", PEOPLE, 1).pinned
    assert not dispatch.forbid(pinned, "t1", PEOPLE, 1).pinned


@given(minutes, minutes, lengths, lengths, st.booleans())
def test_swapped_jobs_do_not_overlap(
    start: timedelta, other_start: timedelta, length: timedelta, other_length: timedelta, same: bool
) -> None:
    slot = Assignment(("t1",), "b1", NOW + start, NOW + start + HOUR)
    other = Assignment(("t2",), "b1" if same else "b2", NOW + other_start, NOW + HOUR)
    first, second = dispatch.swap_starts((slot, length), (other, other_length))
    if same:
        assert first + length <= second or second + other_length <= first
        assert min(first, second) == min(slot.starts_at, other.starts_at)
    else:
        assert (first, second) == (other.starts_at, slot.starts_at)


@given(st.lists(lengths, min_size=1, max_size=5), st.integers(0, 60))
def test_order_lateness_is_that_of_last_job(
    finishes: list[timedelta], delivery_lead_min: int
) -> None:
    jobs = [replace(JOB, planned_finish_at=NOW + finish) for finish in finishes]
    late = dispatch.lateness_min(jobs, delivery_lead_min)
    assert late == max(0, int(max(finishes).total_seconds()) // 60 + delivery_lead_min - 180)
    gone = replace(JOB, status="cancelled", planned_finish_at=NOW + 99 * HOUR)
    assert dispatch.lateness_min([*jobs, gone], delivery_lead_min) == late
