"""Clock of each technician, and the standard hours that it earns (R13)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.domain import job as jobs
from services.workshop.domain.clocking import Clocking, split_credits
from services.workshop.domain.correction import correct_time, to_event
from services.workshop.domain.job import Job
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEAM = ("t1", "t2")


def team_job(job_id: str = "j1") -> Job:
    return Job(
        job_id, "S01", job_id, 0, "MEC-016", 3.0, "planned", NOW + 600 * MINUTE, NOW, TEAM, job_id
    )


def begun(job: Job) -> Job:
    return jobs.start(job, "t1", [], NOW + 180 * MINUTE, NOW)[0]


@given(
    st.decimals("0.05", "40", places=2),
    st.lists(st.integers(0, 40_000), min_size=1, max_size=5),
)
def test_credits_sum_to_standard_hours(hours: Decimal, clocked: list[int]) -> None:
    clockings = [
        Clocking(technician_id=f"t{number}", clocked_s=each) for number, each in enumerate(clocked)
    ]
    split = split_credits(float(hours), clockings)
    earned = [Decimal(str(credit.standard_hours)) for credit in split]
    assert sum(earned) == hours
    for each, part in zip(clocked, earned, strict=True):
        share = Decimal(each) / sum(clocked) if any(clocked) else Decimal(1) / len(clocked)
        assert abs(part - hours * share) < Decimal("0.001")


def test_team_clocks_separately_and_splits_credit() -> None:
    job, started = jobs.resume(begun(team_job()), "t2", [], NOW + 30 * MINUTE)
    job, left = jobs.pause(job, "t1", "other_job", NOW + 60 * MINUTE)
    assert (job.status, started, left) == ("in_progress", [], [])
    job, _ = jobs.resume(job, "t1", [], NOW + 90 * MINUTE)
    job, unfinished = jobs.finish(job, "t1", NOW + 120 * MINUTE)
    assert (job.status, unfinished) == ("in_progress", [])
    job, (event,) = jobs.finish(job, "t2", NOW + 120 * MINUTE)
    assert (job.status, event.clocked_s) == ("finished", 120 * 60)
    credited = [(each.technician_id, each.clocked_s, each.standard_hours) for each in event.credits]
    assert credited == [("t1", 90 * 60, 1.5), ("t2", 90 * 60, 1.5)]
    correction: dict[str, Any] = {
        "correction_id": "c",
        "reason": "other",
        "by": "m",
        "now": NOW + 300 * MINUTE,
    }
    later = NOW + 180 * MINUTE
    corrected, record = correct_time(job, [], None, later, **correction)
    assert [each.clocked_s for each in to_event(corrected, record).credits] == [135 * 60] * 2


def test_only_technician_who_clocked_is_credited() -> None:
    _, (event,) = jobs.finish(begun(team_job()), "t1", NOW + 60 * MINUTE)
    assert [(each.technician_id, each.standard_hours) for each in event.credits] == [("t1", 3.0)]


def test_clocked_out_technician_cannot_finish_job() -> None:
    with pytest.raises(RuleViolation, check=lambda violation: violation.rule == "not_clocked_in"):
        jobs.finish(begun(team_job()), "t2", NOW + MINUTE)


def test_technician_on_another_job_cannot_join() -> None:
    elsewhere, _ = jobs.resume(begun(team_job("j2")), "t2", [], NOW)
    with pytest.raises(RuleViolation, check=lambda violation: violation.rule == "technician_busy"):
        jobs.resume(begun(team_job()), "t2", [elsewhere], NOW)


def test_missed_punch_closes_every_clock() -> None:
    job, _ = jobs.resume(begun(team_job()), "t2", [], NOW + 30 * MINUTE)
    closed, _ = jobs.close_missed_punch(job, NOW + 60 * MINUTE)
    assert [each.clocked_s for each in closed.clockings] == [60 * 60, 30 * 60]
    assert [each.resumed_at for each in closed.clockings] == [None, None]
