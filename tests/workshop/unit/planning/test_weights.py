"""Priority of work: comebacks, rush jobs and customers who wait in the store."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning import PlanTask, Workshop, plan
from tests.support.planning_workshops import DAY, job, small

minutes = st.integers(10, 300)
promises = st.none() | st.integers(500, 1200)
waits = st.booleans()


def first(*jobs: PlanTask) -> str:
    """Return the job that the only technician begins with."""
    shop: Workshop = replace(small(), technicians=small().technicians[:1], jobs=jobs)
    return plan(shop).assignments[0].job_id


@given(minutes, promises, waits, st.integers(1, 5), st.integers(1, 5))
def test_equal_order_with_higher_weight_goes_first(
    work: int, promise: int | None, waiting: bool, weight: int, more: int
) -> None:
    ordinary = job("a", work, promise=promise, waiting_customer=waiting, weight=weight)
    rush = replace(ordinary, job_id="b", order_id="rush", weight=weight + more)
    assert first(ordinary, rush) == "b"


@given(minutes, promises, st.integers(1, 5))
def test_equal_order_of_waiter_goes_first(work: int, promise: int | None, weight: int) -> None:
    away = job("a", work, promise=promise, weight=weight)
    waiting = replace(away, job_id="b", order_id="waits", waiting_customer=True)
    assert first(away, waiting) == "b"


def test_order_late_for_days_goes_first() -> None:
    morning = 9 * DAY + 8 * 60
    kept = job("kept", 8 * 60, log_stddev=0.0, promise=morning + 9 * 60)
    late = job("late", 60, log_stddev=0.0, promise=morning - 60)
    shop = replace(small(morning), technicians=small().technicians[:1])
    for promise, goes_first in ((morning - 60, "kept"), (morning - 6 * DAY, "late")):
        jobs = (kept, replace(late, promise=promise))
        assert plan(replace(shop, jobs=jobs)).assignments[0].job_id == goes_first
