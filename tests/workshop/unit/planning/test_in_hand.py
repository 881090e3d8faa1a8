"""Work in hand takes longer the longer it has taken, and a plan reckons with that."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning import Assignment, Job, Workshop, expected_finish, plan
from services.workshop.planning.in_hand import CAUTION, LEAST, reckoned, whole_minutes
from services.workshop.planning.model import NORMAL
from tests.workshop.unit.planning.shops import held, job, small, technician

BEGUN = Assignment(("t1",), "b1", 480, 540, "begun")


def in_hand(**given: object) -> Workshop:
    """Half an hour of an hour's work is done at half past eight."""
    begun = job("begun", 60, spread=0.3, frozen=BEGUN)
    return replace(small(now=510), jobs=(replace(begun, **given),))  # type: ignore[arg-type]


def kept_until(workshop: Workshop) -> int:
    (begun,) = (j.frozen for j in reckoned(workshop).jobs if j.frozen)
    return begun.finish


laws = st.lists(st.floats(-3, 5), min_size=3, max_size=70).map(lambda law: np.array(sorted(law)))
minutes = st.integers(0, 900)
shares = st.floats(0.01, 0.99)


@given(
    laws, st.integers(5, 300), st.floats(0, 0.9), st.integers(0, 900), st.integers(0, 60), shares
)
def test_who_has_worked_longer_is_done_later(
    law: np.ndarray, median: int, spread: float, spent: int, more: int, share: float
) -> None:
    whole = float(whole_minutes(law, median, spread, spent, share))
    assert whole >= spent or not spread
    assert float(whole_minutes(law, median, spread, spent + more, share)) >= whole - 1e-6
    assert float(whole_minutes(law, median, spread, spent, min(1, share + 0.01))) >= whole - 1e-6


def test_a_job_that_runs_over_is_expected_to_be_one_of_the_long_ones() -> None:
    often, rarely = [-0.5, -0.2, 0.0, 0.2, 0.5] * 12, [4.0] * 6
    law, team = sorted(often + rarely), (technician("t1", "mechanical"),)
    hour = job("a", 60, spread=0.25)

    def finish(now: int) -> int:
        return expected_finish(hour, team, 480, now, law, 0.5)

    assert finish(480) == 540
    assert 540 <= finish(530) <= 560
    assert finish(570) == 480 + 164
    assert finish(645) >= 645 + LEAST


def test_time_off_is_not_spent() -> None:
    team, law = (technician("t1", "mechanical"),), list(NORMAL)
    (before, after) = (
        expected_finish(job("a", 60, spread=0.3), team, 700, now, law, 0.5) for now in (720, 780)
    )
    assert before == after
    assert before >= 780 + 40


def test_a_plan_reckons_with_the_long_cases_and_shows_the_expected_one() -> None:
    shop = in_hand()
    (begun,) = shop.jobs
    long = expected_finish(begun, shop.technicians[:1], 480, shop.now, NORMAL, CAUTION)
    assert kept_until(shop) == long > 560
    assert plan(shop).assignments == (BEGUN,)
    assert kept_until(in_hand(spread=0.0)) == 540


def test_nobody_waits_for_work_in_hand_where_somebody_free_can_begin() -> None:
    slower = technician("t2", "mechanical", pace=1.4)
    shop = replace(in_hand(), technicians=(small().technicians[0], slower), now=535)
    waiting = replace(shop, jobs=(*shop.jobs, job("next", 50, release=535)))
    begins = next(a for a in plan(waiting).assignments if a.job_id == "next")
    assert (begins.technician_ids, begins.start) == (("t2",), 535)
    sure = replace(waiting, jobs=tuple(replace(j, spread=0.0) for j in waiting.jobs))
    begins = next(a for a in plan(sure).assignments if a.job_id == "next")
    assert (begins.technician_ids, begins.start) == (("t1",), 540)


def test_what_is_reserved_behind_work_in_hand_is_not_touched() -> None:
    behind = held("t2", "b1", 550, 600)
    assert kept_until(replace(in_hand(), held=(behind,))) == 550
    elsewhere = held("t2", "b2", 550, 600)
    assert kept_until(replace(in_hand(), held=(elsewhere,))) == kept_until(in_hand())


def test_planned_work_is_not_in_hand() -> None:
    planned: Job = job("begun", 60, frozen=replace(BEGUN, start=520, finish=580))
    assert kept_until(replace(in_hand(), jobs=(planned,))) == 580
