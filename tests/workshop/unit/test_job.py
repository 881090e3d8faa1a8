"""Rules of a job, without any I/O (R12, R13, R14)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.domain import job as jobs
from services.workshop.domain.capacity import free_minutes
from services.workshop.domain.horizon import check_ahead
from services.workshop.domain.job import Assignment, Job
from services.workshop.domain.reasons import Reason
from shared.contracts.violations import RuleViolation
from shared.contracts.workshop import JobAssigned, JobReassigned, JobStopped, VehicleReady

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DELIVERY_LEAD = timedelta(minutes=20)
PLACE = Assignment(("t1",), "b1", NOW, NOW + HOUR)


def assign(
    job: Job, line_number: Assignment, code: str
) -> tuple[Job, list[JobAssigned | JobReassigned]]:
    return jobs.assign(
        job, line_number, delivery_lead=DELIVERY_LEAD, reason=Reason(code), by="planner"
    )


def new_job(job_id: str = "j1", line_number: int = 0, order_id: str = "o1") -> Job:
    return Job(job_id, "S01", order_id, line_number, "MNT-001", 1.0, "planned", NOW + 3 * HOUR, NOW)


def planned(job_id: str = "j1", **changes: Any) -> Job:
    job, _ = assign(new_job(job_id), PLACE, "promised")
    return replace(job, **changes)


def started(**changes: Any) -> Job:
    return jobs.start(planned(**changes), "t1", [], NOW + HOUR, NOW)[0]


def violates(rule: str) -> pytest.RaisesExc[RuleViolation]:
    return pytest.raises(RuleViolation, check=lambda violation: violation.rule == rule)


def test_job_is_assigned_once_then_reassigned() -> None:
    job, first = assign(new_job(), PLACE, "promised")
    _, same = assign(job, PLACE, "again")
    moved = replace(PLACE, bay_id="b2")
    manual_override = Reason("override", {"why": "workload"})
    _, second = jobs.assign(
        job, moved, delivery_lead=DELIVERY_LEAD, reason=manual_override, by="S01-dispatcher-1"
    )
    assert isinstance(first[0], JobAssigned)
    assert first[0].promisable_at == PLACE.ends_at + DELIVERY_LEAD
    assert same == []
    assert isinstance(second[0], JobReassigned)
    assert (second[0].reason, second[0].by) == ("override", "S01-dispatcher-1")


def test_wip_cannot_be_reassigned() -> None:
    with violates("wrong_status"):
        assign(started(), replace(PLACE, bay_id="b2"), "x")


def test_only_assigned_technician_starts_job() -> None:
    with violates("not_your_job"):
        jobs.start(planned(), "t9", [], NOW + HOUR, NOW)


def test_technician_cannot_work_on_two_jobs() -> None:
    other = started(job_id="j2", order_id="o2", bay_id="b2")
    with violates("technician_busy"):
        jobs.start(planned(), "t1", [other], NOW + HOUR, NOW)


def test_bay_of_paused_job_stays_occupied() -> None:
    paused, _ = jobs.pause(started(), "t1", "break", NOW)
    other = replace(paused, job_id="j2", order_id="o2", technician_ids=("t2",))
    with violates("bay_occupied"):
        jobs.start(planned(), "t1", [other], NOW + HOUR, NOW)


def test_jobs_of_order_start_by_line_number() -> None:
    earlier = planned(job_id="j0", line_number=0, technician_ids=("t2",), bay_id="b2")
    with violates("predecessor_open"):
        jobs.start(planned(line_number=1), "t1", [earlier], NOW + HOUR, NOW)


@given(st.lists(st.integers(1, 7200), min_size=2, max_size=8))
def test_paused_time_is_not_clocked(seconds: list[int]) -> None:
    job, now, worked = started(), NOW, 0
    for number, span in enumerate(seconds):
        now += timedelta(seconds=span)
        if number % 2 == 0:
            job, _ = jobs.pause(job, "t1", "break", now)
            worked += span
        else:
            job, _ = jobs.resume(job, "t1", [], now)
    if job.status == "paused":
        job, _ = jobs.resume(job, "t1", [], now)
    finished, (event,) = jobs.finish(job, "t1", now)
    assert finished.clocked_s == event.clocked_s == worked


@given(st.integers(-7200, 7200))
def test_missed_punch_ends_with_shift_or_at_start(seconds: int) -> None:
    shift_end = NOW + timedelta(seconds=seconds)
    closed, (event,) = jobs.close_missed_punch(started(), shift_end)
    assert closed.status == "paused"
    assert closed.clocked_s == max(0, seconds)
    assert closed.missed_punches == 1
    assert (event.auto_closed, event.paused_at) == (True, max(NOW, shift_end))


def test_paused_job_has_no_missed_punch() -> None:
    paused, _ = jobs.pause(started(), "t1", "break", NOW)
    assert jobs.close_missed_punch(paused, NOW + HOUR) == (paused, [])


def test_excluded_technician_cannot_start_job() -> None:
    with violates("technician_forbidden"):
        jobs.start(planned(forbidden_technicians=("t1",)), "t1", [], NOW + HOUR, NOW)


def test_diagnosis_and_recommendation_need_wip() -> None:
    with violates("wrong_status"):
        jobs.diagnose(planned(), "t1", ["ENG-IDLE-COLD"], NOW)
    with violates("not_your_job"):
        jobs.find_additional_work(started(), "t9", "a1", ["MNT-001"], [], NOW)


def test_vehicle_is_ready_with_its_last_job() -> None:
    done, _ = jobs.finish(started(), "t1", NOW + HOUR)
    waiting = planned(job_id="j2", line_number=1)
    _, first = jobs.pass_inspection(done, "i1", [done, waiting], NOW)
    _, last = jobs.pass_inspection(done, "i1", [done, replace(waiting, status="passed")], NOW)
    assert not any(isinstance(event, VehicleReady) for event in first)
    assert isinstance(last[-1], VehicleReady)


def test_technician_cannot_inspect_own_work() -> None:
    done, _ = jobs.finish(started(), "t1", NOW + HOUR)
    with violates("self_inspection"):
        jobs.pass_inspection(done, "t1", [done], NOW)
    with violates("self_inspection"):
        jobs.fail_inspection(done, "t1", ["x"], rework_job_id="r", rework_share=0.5, now=NOW)


@given(st.integers(100, 10_000))
def test_failed_quality_inspection_creates_rework_job(share_bp: int) -> None:
    done, _ = jobs.finish(started(), "t1", NOW + HOUR)
    failed, rework, (event,) = jobs.fail_inspection(
        done, "i1", ("no_leaks",), rework_job_id="r1", rework_share=share_bp / 10_000, now=NOW
    )
    assert (failed.status, rework.status, rework.rework_of) == ("failed", "planned", "j1")
    assert (event.rework_job_id, rework.standard_hours) == (
        "r1",
        done.standard_hours * (share_bp / 10_000),
    )


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), max_size=3),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), max_size=3),
)
def test_free_minutes_are_working_minutes_not_booked(
    work: list[tuple[int, int]], busy: list[tuple[int, int]]
) -> None:
    def spans(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        ends, result = 0, []
        for gap, length in pairs:
            result.append((ends + gap, ends + gap + length))
            ends += gap + length
        return result

    working, taken = spans(work), spans(busy)
    free = free_minutes({"t1": ["body", "paint"]}, {"t1": working}, {"t1": taken}, 0, 300)
    minutes = [
        minute
        for minute in range(300)
        if any(a <= minute < b for a, b in working) and not any(a <= minute < b for a, b in taken)
    ]
    assert sum(value for (skill_code, _), value in free.items() if skill_code == "body") == len(
        minutes
    )
    assert free == {
        (skill_code, slot): count
        for skill_code in ("body", "paint")
        for slot in range(0, 300, 30)
        if (count := sum(slot <= minute < slot + 30 for minute in minutes))
    }


def test_time_beyond_planning_horizon_is_rejected() -> None:
    check_ahead("at", NOW + timedelta(days=365), NOW)
    with violates("too_far_ahead"):
        check_ahead("at", NOW + timedelta(days=366), NOW)


def test_withdrawn_work_stops_and_makes_vehicle_ready() -> None:
    begun = started()
    waiting = planned("j2", line_number=1, op_code="MNT-006")
    done = planned("j3", line_number=2, op_code="MNT-007", status="passed")
    ended, events = jobs.withdraw([begun, waiting, done], ["MNT-001", "MNT-006"], NOW + HOUR)
    assert [(job.status, job.clocked_s) for job in ended] == [("stopped", 3600), ("cancelled", 0)]
    *stopped, vehicle_ready = events
    assert [event.clocked_s for event in stopped if isinstance(event, JobStopped)] == [3600, 0]
    assert (len(stopped), type(vehicle_ready)) == (2, VehicleReady)


def test_withdrawn_work_keeps_other_jobs() -> None:
    begun, waiting = started(), planned("j2", line_number=1, op_code="MNT-006")
    ended, events = jobs.withdraw([begun, waiting], ["MNT-006"], NOW)
    assert [job.job_id for job in ended] == ["j2"]
    assert not any(isinstance(event, VehicleReady) for event in events)
    finished, _ = jobs.finish(begun, "t1", NOW + HOUR)
    _, passed = jobs.pass_inspection(finished, "i1", [finished, *ended], NOW + HOUR)
    assert any(isinstance(event, VehicleReady) for event in passed)


def test_withdrawn_parts_publish_no_second_ready() -> None:
    assert jobs.withdraw([planned(status="passed")], [], NOW) == ([], [])


def test_work_done_includes_rework_of_job() -> None:
    both, _ = jobs.resume(started(technician_ids=("t1", "t2")), "t2", [], NOW)
    alone, _ = jobs.finish(both, "t1", NOW + HOUR)
    finished, _ = jobs.finish(alone, "t2", NOW + HOUR)
    failed, rework, _ = jobs.fail_inspection(
        finished, "i1", ["leak"], rework_job_id="j2", rework_share=0.5, now=NOW + HOUR
    )
    waiting = planned("j3", op_code="MNT-006")
    done = jobs.work_done([failed, rework, waiting], NOW + 2 * HOUR)
    assert [(each.op_code, each.state, each.labor_s) for each in done] == [
        ("MNT-001", "begun", 7200),
        ("MNT-006", "open", 0),
    ]
