"""Early warning of a promise at risk, with its cause and the best new promise."""

from dataclasses import replace

from services.workshop.planning import PlanAssignment, PlanTask, Workshop, assess_risks
from tests.support.planning_workshops import job, reserved, small

PLANNED = PlanAssignment(("t1",), "b1", 480, 540, "a")


def workshop(
    *jobs: PlanTask, current_plan: tuple[PlanAssignment, ...] = (PLANNED,), now: int = 480
) -> Workshop:
    return replace(small(now), jobs=jobs, current_plan=current_plan)


def test_earlier_promise_has_lower_probability() -> None:
    def probability(promise: int) -> float:
        return assess_risks(workshop(job("a", 60, promise=promise)))[0].probability

    assert probability(500) < 0.05
    assert 0.4 < probability(541) < 0.6
    assert probability(700) > 0.95


def test_overrun_puts_waiting_job_at_risk() -> None:
    begun = PlanAssignment(("t1",), "b1", 480, 540, "long")
    waiting = PlanAssignment(("t1",), "b1", 540, 600, "a")
    jobs = (job("long", 60, fixed_assignment=begun), job("a", 60, promise=640))
    early = assess_risks(workshop(*jobs, current_plan=(begun, waiting), now=500))[0]
    late_begun = replace(begun, finish=590)
    jobs = (replace(jobs[0], fixed_assignment=late_begun), jobs[1])
    late = assess_risks(workshop(*jobs, current_plan=(late_begun, waiting), now=580))[0]
    assert late.probability < early.probability
    assert (early.code, late.code) == ("queue", "overrun")
    assert late.detail == {"job_id": "long"}
    assert late.best_promise > 640


def test_reservation_puts_waiting_job_at_risk() -> None:
    waiting = PlanAssignment(("t1",), "b1", 540, 600, "a")
    shop = workshop(job("a", 60, promise=610), current_plan=(waiting,))
    (alone,) = assess_risks(shop)
    (behind,) = assess_risks(replace(shop, reservations=(reserved("t1", "b1", 480, 540),)))
    assert (alone.code, behind.code, behind.detail) == ("work", "reserved", {"at": 480})
    assert behind.probability < alone.probability
    assert behind.best_promise > alone.best_promise >= waiting.finish


def test_late_part_is_the_risk_cause() -> None:
    (risk,) = assess_risks(workshop(job("a", 60, promise=560, parts_eta=600)))
    assert (risk.code, risk.probability) == ("part_late", 0.0)
    assert risk.best_promise > 660


def test_lowest_probability_is_assessed_first() -> None:
    second = replace(PLANNED, technician_ids=("t2",), bay_id="b2", job_id="b")
    third = replace(PLANNED, start=540, finish=600, job_id="c")
    jobs = (job("a", promise=700), job("b", promise=500), job("c"))
    found = assess_risks(workshop(*jobs, current_plan=(PLANNED, second, third)))
    assert [risk.order_id for risk in found] == ["order-b", "order-a"]
