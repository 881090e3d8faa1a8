"""A promise is the earliest that holds with its confidence, and says what it rests on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning import (
    CannotPromiseError,
    Job,
    Reservation,
    Technician,
    Workshop,
    plan,
    quote,
)
from tests.workshop.unit.planning.shops import DAY, TRADES, job, jobs, shift, small, workshops


@given(workshops(), jobs(first=100, most=3), st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_a_surer_promise_is_never_earlier(
    workshop: Workshop, new: tuple[Job, ...], p: float, q: float
) -> None:
    planned = replace(workshop, running=plan(workshop).assignments)
    new = tuple(replace(j, order_id="new") for j in new)
    low, high = sorted((p, q))
    try:
        sure = quote(planned, new, high)
    except CannotPromiseError:
        return
    assert quote(planned, new, low).finish <= sure.finish


@given(workshops(), jobs(most=3))
def test_one_more_technician_never_delays_an_empty_workshop(
    workshop: Workshop, new: tuple[Job, ...]
) -> None:
    empty = replace(workshop, jobs=())
    new = tuple(replace(j, order_id="new") for j in new)
    try:
        alone = quote(empty, new, 0.5)
    except CannotPromiseError:
        return
    more = replace(
        empty,
        technicians=(*empty.technicians, Technician("t9", dict.fromkeys(TRADES, 3), shift())),
    )
    assert quote(more, new, 0.5).expected <= alone.expected


@given(workshops(), jobs(first=100, most=3))
def test_a_quote_fits_beside_the_running_plan(workshop: Workshop, new: tuple[Job, ...]) -> None:
    running = plan(workshop).assignments
    planned = replace(workshop, running=running)
    try:
        promise = quote(planned, tuple(replace(j, order_id="new") for j in new), 0.9)
    except CannotPromiseError:
        return
    for mine in promise.assignments:
        for other in running:
            apart = mine.finish <= other.start or other.finish <= mine.start
            shared = set(mine.technician_ids) & set(other.technician_ids)
            assert apart or not (shared or mine.bay_id == other.bay_id)


def test_what_a_promise_rests_on() -> None:
    workshop = small()

    def rest(new: Job, *held: Reservation) -> str:
        return quote(replace(workshop, held=held), (new,), 0.5).rests_on[0].code

    bays = (Reservation((), "b1", 480, 600), Reservation((), "b2", 480, 600))
    both = (Reservation(("t1",), "b1", 480, 600), Reservation(("t2",), "b2", 480, 600))
    assert rest(job("a")) == "work"
    assert rest(job("a", parts_at=DAY + 540)) == "part"
    assert rest(job("a", release=540)) == "vehicle"
    assert rest(job("a", parts_at=DAY + 60)) == "part"
    assert rest(job("a"), *bays) == "bay"
    assert rest(job("a"), *both) == "queue"
    assert rest(job("a", trade="electrical"), *both) == "technician"
    assert quote(replace(workshop, now=60), (job("a"),), 0.5).rests_on[0].code == "shift"


def test_what_nobody_can_do_is_refused() -> None:
    with pytest.raises(CannotPromiseError) as refused:
        quote(small(), (job("a", trade="paint"),), 0.95)
    assert refused.value.refusal.code == "no_skill"
    with pytest.raises(ValueError, match="confidence"):
        quote(small(), (job("a"),), 1.0)
    with pytest.raises(ValueError, match="jobs"):
        quote(small(), (), 0.95)


def test_jobs_without_a_plan_are_counted_as_ahead() -> None:
    workshop = replace(small(), jobs=(job("x", 120), job("y", 120)))
    assert quote(workshop, (job("a", 60),), 0.5).assignments[0].start == 600
