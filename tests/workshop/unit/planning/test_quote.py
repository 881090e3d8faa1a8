"""Quote of a promise: the earliest that holds with its confidence, with its limiting factors."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning import (
    Calibration,
    CannotPromiseError,
    PlanAssignment,
    PlanTask,
    PromiseQuote,
    ReservedTask,
    Technician,
    Workshop,
    plan,
    quote,
)
from tests.support.plan_rules import check
from tests.support.planning_workshops import (
    DAY,
    SKILL_CODES,
    job,
    jobs,
    reserved,
    shift,
    small,
    workshops,
)


@given(workshops(), jobs(first=100, most=3), st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_promise_with_higher_confidence_is_never_earlier(
    workshop: Workshop, new: tuple[PlanTask, ...], p: float, q: float
) -> None:
    planned = replace(workshop, current_plan=plan(workshop).assignments)
    new = tuple(replace(j, order_id="new") for j in new)
    low, high = sorted((p, q))
    try:
        sure = quote(planned, new, high)
    except CannotPromiseError:
        return
    assert quote(planned, new, low).finish <= sure.finish


@given(workshops(), jobs(most=1))
def test_additional_technician_never_delays_single_job(
    workshop: Workshop, new: tuple[PlanTask, ...]
) -> None:
    """Check one job only: of several, one may go to the technician that the next one needs."""
    empty = replace(workshop, jobs=())
    try:
        alone = quote(empty, new, 0.5)
    except CannotPromiseError:
        return
    more = replace(
        empty,
        technicians=(*empty.technicians, Technician("t9", dict.fromkeys(SKILL_CODES, 3), shift())),
    )
    assert quote(more, new, 0.5).assignments[0].finish <= alone.assignments[0].finish


@given(workshops(), jobs(first=100, most=3))
def test_quote_fits_beside_current_plan(workshop: Workshop, new: tuple[PlanTask, ...]) -> None:
    current_plan = plan(workshop).assignments
    planned = replace(workshop, current_plan=current_plan)
    try:
        promise = quote(planned, tuple(replace(j, order_id="new") for j in new), 0.9)
    except CannotPromiseError:
        return
    for mine in promise.assignments:
        for other in current_plan:
            apart = mine.finish <= other.start or other.finish <= mine.start
            shared = set(mine.technician_ids) & set(other.technician_ids)
            assert apart or not (shared or mine.bay_id == other.bay_id)


@given(workshops(), jobs(first=100, most=3))
def test_same_work_has_same_promise_under_other_ids(
    workshop: Workshop, new: tuple[PlanTask, ...]
) -> None:
    planned = replace(workshop, current_plan=plan(workshop).assignments)
    asked = tuple(replace(j, order_id="new", after=()) for j in new)
    renamed = tuple(replace(j, job_id=f"again-{j.job_id}") for j in asked)
    try:
        promise = quote(planned, asked, 0.9)
    except CannotPromiseError:
        return
    assert quote(planned, renamed, 0.9).finish == promise.finish


def booked(workshop: Workshop, new: tuple[PlanTask, ...], promise: PromiseQuote) -> Workshop:
    """Return the workshop with the promise's slots reserved."""
    jobs = {job.job_id: job for job in new}
    reserved = (ReservedTask(jobs[slot.job_id], slot) for slot in promise.assignments)
    return replace(workshop, reservations=(*workshop.reservations, *reserved))


calibrations = st.builds(
    Calibration,
    st.lists(st.floats(-3, 3), max_size=5).map(tuple),
    st.dictionaries(st.sampled_from((0.5, 0.8, 0.95)), st.floats(-5, 5)),
)


@given(workshops(), st.lists(jobs(most=3), min_size=1, max_size=4), calibrations)
def test_promise_never_precedes_its_own_hold(
    workshop: Workshop, orders: list[tuple[PlanTask, ...]], calibration: Calibration
) -> None:
    shop = replace(workshop, current_plan=plan(workshop).assignments)
    for n, order in enumerate(orders):
        new = tuple(replace(j, job_id=f"{n}-{j.job_id}", order_id=f"{n}", after=()) for j in order)
        try:
            promise = quote(shop, new, 0.5 + 0.15 * n, calibration)
        except CannotPromiseError:
            continue
        assert promise.finish >= max(slot.finish for slot in promise.assignments)
        assert promise.finish >= promise.calibrated
        shop = booked(shop, new, promise)
        check(shop, plan(shop))


@given(workshops(), jobs(most=1), st.integers(2, 5), st.floats(0.5, 0.98))
def test_equal_bookings_of_one_bay_promise_in_order(
    workshop: Workshop, wanted: tuple[PlanTask, ...], count: int, confidence: float
) -> None:
    bays = tuple(b for b in workshop.bays if wanted[0].bay_type in b.capabilities)[:1]
    shop = replace(workshop, bays=bays)
    shop = replace(shop, current_plan=plan(shop).assignments)
    known_until = min((t.working[-1].finish for t in shop.technicians if t.working), default=0)
    promises: list[PromiseQuote] = []
    for n in range(count):
        new = (replace(wanted[0], job_id=f"n{n}", order_id=f"new-{n}"),)
        try:
            promise = quote(shop, new, confidence)
        except CannotPromiseError:
            break
        if promise.finish >= known_until:
            break
        promises.append(promise)
        shop = booked(shop, new, promise)
    for first, second in pairwise(promises):
        assert first.finish < second.finish
        assert first.expected < second.expected
        assert first.assignments[0].finish <= second.assignments[0].start


def test_promise_behind_hold_includes_its_uncertainty() -> None:
    shop = replace(small(), technicians=small().technicians[:1])
    uncertain, sure = (
        quote(
            replace(shop, reservations=(reserved("t1", "b1", 480, 540, log_stddev=log_stddev),)),
            (job("a"),),
            0.95,
        )
        for log_stddev in (0.3, 0.0)
    )
    assert uncertain.assignments == sure.assignments
    assert uncertain.finish > sure.finish > sure.assignments[0].finish


def test_displaced_hold_still_delays_later_work() -> None:
    begun = job(
        "begun",
        65,
        log_stddev=0.0,
        fixed_assignment=PlanAssignment(("t1",), "b1", 480, 545, "begun"),
    )
    shop = replace(small(), technicians=small().technicians[:1], jobs=(begun,))
    shop = replace(shop, reservations=(reserved("t1", "b1", 540, 600, log_stddev=0.0),))
    promise = quote(shop, (job("a", log_stddev=0.0),), 0.95)
    assert promise.assignments[0].start == 600
    assert promise.finish >= 545 + 60 + 60


def test_reserved_work_never_starts_before_its_slot() -> None:
    shop = replace(small(), technicians=small().technicians[:1])
    shop = replace(shop, reservations=(reserved("t1", "b1", 540, 600, log_stddev=0.0),))
    promise = quote(shop, (job("a", earliest_start=540, log_stddev=0.0),), 0.95)
    assert (promise.assignments[0].start, promise.expected) == (600, 660)


def test_quote_names_its_limiting_factor() -> None:
    workshop = small()

    def factor(new: PlanTask, *taken: ReservedTask) -> str:
        return quote(replace(workshop, reservations=taken), (new,), 0.5).limiting_factors[0].code

    bays = (reserved("", "b1", 480, 600), reserved("", "b2", 480, 600))
    both = (reserved("t1", "b1", 480, 600), reserved("t2", "b2", 480, 600))
    assert factor(job("a")) == "work"
    assert factor(job("a", parts_eta=DAY + 540)) == "part"
    assert factor(job("a", earliest_start=540)) == "vehicle"
    assert factor(job("a", parts_eta=DAY + 60)) == "part"
    assert factor(job("a"), *bays) == "bay"
    assert factor(job("a"), *both) == "queue"
    assert factor(job("a", skill_code="electrical"), *both) == "technician"
    assert quote(replace(workshop, now=60), (job("a"),), 0.5).limiting_factors[0].code == "shift"


def test_quote_without_qualified_technician_is_rejected() -> None:
    with pytest.raises(CannotPromiseError) as infeasible:
        quote(small(), (job("a", skill_code="paint"),), 0.95)
    assert infeasible.value.infeasibility.code == "no_skill"
    with pytest.raises(ValueError, match="confidence"):
        quote(small(), (job("a"),), 1.0)
    with pytest.raises(ValueError, match="jobs"):
        quote(small(), (), 0.95)


def test_unplanned_jobs_count_as_ahead() -> None:
    workshop = replace(small(), jobs=(job("x", 120), job("y", 120)))
    assert quote(workshop, (job("a", 60),), 0.5).assignments[0].start == 600
