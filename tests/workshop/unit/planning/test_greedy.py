"""Greedy plan under every rule of the workshop, on any workshop."""

from dataclasses import replace

from hypothesis import given

from services.workshop.planning import Workshop, plan
from tests.support.plan_rules import check
from tests.support.planning_workshops import job, reserved, small, technician, workshops


@given(workshops())
def test_greedy_plan_keeps_every_rule(workshop: Workshop) -> None:
    check(workshop, plan(workshop))


@given(workshops())
def test_same_snapshot_gives_same_plan(workshop: Workshop) -> None:
    shuffled = replace(workshop, technicians=workshop.technicians[::-1], bays=workshop.bays[::-1])
    assert plan(workshop) == plan(shuffled)


@given(workshops())
def test_wip_is_never_moved(workshop: Workshop) -> None:
    first = plan(workshop)
    begun = {a.job_id: a for a in first.assignments[:2]}
    later = replace(
        workshop,
        jobs=tuple(replace(j, fixed_assignment=begun.get(j.job_id)) for j in workshop.jobs),
        current_plan=first.assignments,
    )
    check(later, plan(later))


def test_work_pauses_during_break_and_night() -> None:
    workshop = replace(small(now=11 * 60), jobs=(job("long", 6 * 60),))
    (assignment,) = plan(workshop).assignments
    assert (assignment.start, assignment.finish) == (11 * 60, 24 * 60 + 9 * 60)


def test_hold_keeps_its_slot() -> None:
    taken = (
        reserved("t1", "b1", 8 * 60, 10 * 60),
        reserved("t2", "b2", 8 * 60, 9 * 60),
    )
    workshop = replace(small(), jobs=(job("new"),), reservations=taken)
    (assignment,) = plan(workshop).assignments
    assert (assignment.technician_ids, assignment.start) == (("t2",), 9 * 60)


def test_rush_order_goes_first() -> None:
    shop = small()
    shop = replace(shop, technicians=shop.technicians[:1])
    jobs = (job("early", 60, promise=9 * 60), job("rush", 60, promise=12 * 60, weight=10))
    first, _ = plan(replace(shop, jobs=jobs)).assignments
    assert first.job_id == "early"
    late = replace(jobs[1], promise=8 * 60 + 60)
    first, _ = plan(replace(shop, jobs=(jobs[0], late))).assignments
    assert first.job_id == "rush"


def test_vehicle_is_in_one_bay_at_a_time() -> None:
    jobs = (job("a", order_id="same"), job("b", order_id="same"))
    first, second = plan(replace(small(), jobs=jobs)).assignments
    assert first.finish <= second.start


def test_technician_with_scarce_skills_is_spared() -> None:
    workshop = small()
    (assignment,) = plan(replace(workshop, jobs=(job("plain"),))).assignments
    assert assignment.technician_ids == ("t1",)


def test_infeasibility_names_missing_resource() -> None:
    jobs = (
        job("paint", skill_code="paint"),
        job("hv", certificate="high_voltage"),
        job("booth", bay_type="paint_booth"),
        job("three", technicians_needed=3),
        job("barred", forbidden_technicians=frozenset({"t1", "t2"})),
        job("pinned", pinned_technicians=("t3",)),
        job("endless", 10_000),
        job("follows", after=("paint",)),
        job("circle1", after=("circle2",)),
        job("circle2", after=("circle1",)),
    )
    infeasibilities = {r.job_id: r for r in plan(replace(small(), jobs=jobs)).unplannable}
    assert {job_id: r.code for job_id, r in infeasibilities.items()} == {
        "paint": "no_skill",
        "hv": "no_certificate",
        "booth": "no_bay",
        "three": "too_few_technicians",
        "barred": "forbidden",
        "pinned": "pin_unfit",
        "endless": "no_time",
        "follows": "predecessor",
        "circle1": "predecessor",
        "circle2": "predecessor",
    }
    assert infeasibilities["paint"].detail == {"skill_code": "paint", "level": 1}
    assert infeasibilities["hv"].detail["certificate"] == "high_voltage"
    assert infeasibilities["booth"].detail["bay_type"] == "paint_booth"


def test_technician_with_lower_time_factor_finishes_earlier() -> None:
    workshop = replace(small(), technicians=(technician("slow", "mechanical", time_factor=1.2),))
    slow = plan(replace(workshop, jobs=(job("a", 100),))).assignments[0]
    fast = replace(workshop, technicians=(technician("fast", "mechanical", time_factor=0.8),))
    assert slow.finish - slow.start == 120
    assert plan(replace(fast, jobs=(job("a", 100),))).makespan == 8 * 60 + 80
