"""Work in progress: its expected remaining time grows with its duration, and the plan has a
buffer.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning import PlanAssignment, PlanTask, Workshop, expected_finish, plan
from services.workshop.planning.model import NORMAL
from services.workshop.planning.wip import (
    BUFFER_QUANTILE,
    MIN_REMAINING_MINUTES,
    total_minutes_quantile,
    with_overrun_buffers,
)
from tests.support.planning_workshops import job, reserved, small, technician

BEGUN = PlanAssignment(("t1",), "b1", 480, 540, "begun")


def wip(**given: Any) -> Workshop:
    """Return a workshop at half past eight with half an hour of an hour's work done."""
    begun = job("begun", 60, log_stddev=0.3, fixed_assignment=BEGUN)
    return replace(small(now=510), jobs=(replace(begun, **given),))


def buffer_until(workshop: Workshop) -> int:
    (begun,) = (
        j.fixed_assignment for j in with_overrun_buffers(workshop).jobs if j.fixed_assignment
    )
    return begun.finish


quantiles = st.lists(st.floats(-3, 5), min_size=3, max_size=70).map(
    lambda residual_quantiles: np.array(sorted(residual_quantiles))
)
minutes = st.integers(0, 900)
shares = st.floats(0.01, 0.99)


@given(
    quantiles,
    st.integers(5, 300),
    st.floats(0, 0.9),
    st.integers(0, 900),
    st.integers(0, 60),
    shares,
)
def test_expected_total_time_grows_with_time_spent(
    residual_quantiles: np.ndarray,
    median: int,
    log_stddev: float,
    spent: int,
    more: int,
    share: float,
) -> None:
    whole = float(total_minutes_quantile(residual_quantiles, median, log_stddev, spent, share))
    assert whole >= spent or not log_stddev
    assert (
        float(total_minutes_quantile(residual_quantiles, median, log_stddev, spent + more, share))
        >= whole - 1e-6
    )
    assert (
        float(
            total_minutes_quantile(
                residual_quantiles, median, log_stddev, spent, min(1, share + 0.01)
            )
        )
        >= whole - 1e-6
    )


def test_overrunning_job_is_expected_to_be_long() -> None:
    often, rarely = [-0.5, -0.2, 0.0, 0.2, 0.5] * 12, [4.0] * 6
    residual_quantiles, team = sorted(often + rarely), (technician("t1", "mechanical"),)
    hour = job("a", 60, log_stddev=0.25)

    def finish(now: int) -> int:
        return expected_finish(hour, team, 480, now, residual_quantiles, 0.5)

    assert finish(480) == 540
    assert 540 <= finish(530) <= 560
    assert finish(570) == 480 + 164
    assert finish(645) >= 645 + MIN_REMAINING_MINUTES


def test_break_does_not_count_as_time_spent() -> None:
    team, residual_quantiles = (technician("t1", "mechanical"),), list(NORMAL)
    (before, after) = (
        expected_finish(job("a", 60, log_stddev=0.3), team, 700, now, residual_quantiles, 0.5)
        for now in (720, 780)
    )
    assert before == after
    assert before >= 780 + 40


def test_plan_buffers_long_cases_and_shows_expected_finish() -> None:
    shop = wip()
    (begun,) = shop.jobs
    long = expected_finish(begun, shop.technicians[:1], 480, shop.now, NORMAL, BUFFER_QUANTILE)
    assert buffer_until(shop) == long > 560
    assert plan(shop).assignments == (BEGUN,)
    assert buffer_until(wip(log_stddev=0.0)) == 540


def test_free_technician_starts_job_instead_of_waiting() -> None:
    slower = technician("t2", "mechanical", time_factor=1.4)
    shop = replace(wip(), technicians=(small().technicians[0], slower), now=535)
    waiting = replace(shop, jobs=(*shop.jobs, job("next", 50, earliest_start=535)))
    begins = next(a for a in plan(waiting).assignments if a.job_id == "next")
    assert (begins.technician_ids, begins.start) == (("t2",), 535)
    sure = replace(waiting, jobs=tuple(replace(j, log_stddev=0.0) for j in waiting.jobs))
    begins = next(a for a in plan(sure).assignments if a.job_id == "next")
    assert (begins.technician_ids, begins.start) == (("t1",), 540)


def test_overrun_buffer_ends_at_next_reservation() -> None:
    behind = reserved("t2", "b1", 550, 600)
    assert buffer_until(replace(wip(), reservations=(behind,))) == 550
    elsewhere = reserved("t2", "b2", 550, 600)
    assert buffer_until(replace(wip(), reservations=(elsewhere,))) == buffer_until(wip())


def test_planned_work_has_no_overrun_buffer() -> None:
    planned: PlanTask = job("begun", 60, fixed_assignment=replace(BEGUN, start=520, finish=580))
    assert buffer_until(replace(wip(), jobs=(planned,))) == 580
