"""Jobs, holds and requests as the planner's tasks (R11)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.domain.hold import HeldJob, Hold, expiry
from services.workshop.domain.job import Assignment, Job
from services.workshop.domain.resources import Operation
from services.workshop.planning import Durations, Workshop
from services.workshop.planning.real_time import minute
from services.workshop.planning.tasks import (
    PlanningContext,
    RequestedOperation,
    requested_tasks,
    workshop_at,
)
from shared.contracts.management import AppointmentRules, PromiseRules
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
OIL = Operation("MNT-001", "maintenance", 1, 0.5, "lift", 1, None, None)
CONTEXT = PlanningContext({"MNT-001": OIL}, (), 20, Durations())
PLANNED = Job(
    job_id="j1",
    store_id="S01",
    order_id="o1",
    line_number=0,
    op_code="MNT-001",
    standard_hours=0.5,
    status="planned",
    promised_at=NOW + 4 * HOUR,
    opened_at=NOW,
    technician_ids=("t1",),
    bay_id="b1",
    planned_start_at=NOW,
    planned_finish_at=NOW + HOUR,
)


def hold(order_id: str | None = None) -> Hold:
    slot = Assignment(("t1",), "b1", NOW + HOUR, NOW + 2 * HOUR)
    jobs = (HeldJob("h1", "MNT-001", slot), HeldJob("h2", "MNT-001", slot))
    return Hold("hold-1", "S01", "held", NOW, NOW, 0.95, NOW, 1.0, jobs, None, NOW, order_id, NOW)


def planned(jobs: list[Job], holds: list[Hold]) -> Workshop:
    return workshop_at(CONTEXT, NOW, (), (), jobs, holds)


def test_order_jobs_follow_their_turn() -> None:
    second = replace(PLANNED, job_id="j2", line_number=1)
    tasks = {task.job_id: task for task in planned([second, PLANNED], []).jobs}
    assert (tasks["j1"].after, tasks["j2"].after) == ((), ("j1",))
    assert tasks["j1"].promise == minute(PLANNED.promised_at) - 20


def test_held_jobs_are_reserved_in_turn() -> None:
    first, second = planned([], [hold()]).reservations
    assert (first.job.after, second.job.after) == ((), ("h1",))
    assert first.job.order_id == "hold-1"


def test_requested_work_follows_held_work_of_order() -> None:
    workshop = planned([PLANNED], [hold("o1")])
    (task,) = requested_tasks(
        CONTEXT, workshop, [PLANNED], [RequestedOperation("n1", "MNT-001")], "o1", NOW
    )
    assert task.after == ("h2",)
    assert task.earliest_start == minute(NOW + 2 * HOUR)


def test_unknown_requested_operation_is_rejected() -> None:
    with pytest.raises(RuleViolation) as caught:
        requested_tasks(CONTEXT, planned([], []), [], [RequestedOperation("n1", "X")], None, NOW)
    assert caught.value.rule == "unknown_code"


@given(st.integers(1, 240), st.integers(0, 480), st.integers(0, 600))
def test_hold_lasts_until_booked_customer_may_come(hold: int, grace: int, ahead: int) -> None:
    promises = PromiseRules(hold_minutes=hold)
    appointments = AppointmentRules(hold_grace_minutes=grace)
    soon = NOW + timedelta(minutes=hold)
    assert expiry(NOW, None, promises, appointments) == soon
    booked_at = NOW + timedelta(minutes=ahead)
    kept = expiry(NOW, booked_at, promises, appointments)
    assert kept == max(soon, booked_at + timedelta(minutes=grace))
