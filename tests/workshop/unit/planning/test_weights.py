"""Whose work goes first: comebacks, rush jobs and customers who wait in the store."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning import Job, Workshop, plan
from tests.workshop.unit.planning.shops import job, small

minutes = st.integers(10, 300)
promises = st.none() | st.integers(500, 1200)
waits = st.booleans()


def first(*jobs: Job) -> str:
    """The job that the only technician begins with."""
    shop: Workshop = replace(small(), technicians=small().technicians[:1], jobs=jobs)
    return plan(shop).assignments[0].job_id


@given(minutes, promises, waits, st.integers(1, 5), st.integers(1, 5))
def test_of_two_like_orders_the_weightier_goes_first(
    work: int, promise: int | None, waiting: bool, weight: int, more: int
) -> None:
    ordinary = job("a", work, promise=promise, waiting_customer=waiting, weight=weight)
    rush = replace(ordinary, job_id="b", order_id="rush", weight=weight + more)
    assert first(ordinary, rush) == "b"


@given(minutes, promises, st.integers(1, 5))
def test_of_two_like_orders_that_of_the_waiting_customer_goes_first(
    work: int, promise: int | None, weight: int
) -> None:
    away = job("a", work, promise=promise, weight=weight)
    waiting = replace(away, job_id="b", order_id="waits", waiting_customer=True)
    assert first(away, waiting) == "b"
