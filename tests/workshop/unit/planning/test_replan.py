"""Reasons of a changed plan, for each job that moves."""

from dataclasses import replace

from hypothesis import given

from services.workshop.planning import (
    Interval,
    PlanAssignment,
    PlanTask,
    Qualification,
    Technician,
    Workshop,
    plan,
    replan,
)
from services.workshop.planning.greedy import plan_rank
from tests.support.planning_workshops import (
    DAY,
    bay,
    job,
    reserved,
    shift,
    small,
    technician,
    workshops,
)

PLANNED = PlanAssignment(("t1",), "b1", 480, 540, "a")


def reason(workshop: Workshop, new: PlanTask, before: PlanAssignment = PLANNED) -> str:
    changed = replan(replace(workshop, jobs=(*workshop.jobs, new), current_plan=(before,)))
    return next(c.code for c in changed.changes if c.job_id == new.job_id)


@given(workshops())
def test_current_plan_is_kept_without_events(workshop: Workshop) -> None:
    current_plan = plan(workshop).assignments
    again = replan(replace(workshop, current_plan=current_plan))
    assert plan_rank(again.plan, "promises") <= plan_rank(plan(workshop), "promises")
    assert {c.job_id for c in again.changes} <= {a.job_id for a in again.plan.assignments}
    for change in again.changes:
        assert change.code in {
            "moved_earlier",
            "displaced",
            "plan_improved",
            "predecessor_moved",
            "vehicle_late",
        }


def expiring(technician_id: str, *, days: int) -> Technician:
    """Return a technician whose certificate expires after so many days."""
    skills, working = {"mechanical": 3}, shift()
    held = frozenset({"high_voltage"})
    until = tuple(window for window in working if window.start < days * DAY)
    return Technician(
        technician_id,
        skills,
        working,
        held,
        qualifications=(
            Qualification(skills, held, until),
            Qualification(skills, frozenset(), working[len(until) :]),
        ),
    )


def test_expired_certificate_moves_work_to_another() -> None:
    task = job("a", certificate="high_voltage", earliest_start=DAY)
    planned = replace(PLANNED, start=DAY + 480, finish=DAY + 540)
    shop = replace(small(), technicians=(expiring("t1", days=1), expiring("t2", days=2)))
    changed = replan(replace(shop, jobs=(task,), current_plan=(planned,)))
    assert [(each.code, each.after.technician_ids) for each in changed.changes] == [
        ("not_qualified", ("t2",))
    ]


def test_work_ends_before_its_certificate_expires() -> None:
    shop = replace(small(), technicians=(expiring("t1", days=1),))
    today = job("a", certificate="high_voltage")
    too_long = job("b", 14 * 60, certificate="high_voltage")
    plain = job("c", 14 * 60)
    new = plan(replace(shop, jobs=(today, too_long, plain)))
    assert {each.job_id for each in new.assignments} == {"a", "c"}
    assert [(each.job_id, each.code) for each in new.unplannable] == [("b", "no_time")]


def test_replanned_job_has_its_reason_code() -> None:
    shop = small()
    absent = replace(technician("t1", "mechanical"), working=(Interval(DAY + 480, DAY + 720),))
    t2 = shop.technicians[1]
    overrun = PlanAssignment(("t1",), "b1", 470, 600, "long")
    assert reason(shop, job("a", earliest_start=600)) == "vehicle_late"
    assert reason(shop, job("a", parts_eta=600)) == "part_late"
    assert reason(replace(shop, technicians=(absent, t2)), job("a")) == "technician_absent"
    assert reason(replace(shop, technicians=(t2,)), job("a")) == "technician_absent"
    assert reason(replace(shop, bays=(bay("b2", "lift"),)), job("a")) == "bay_closed"
    assert reason(shop, job("a", forbidden_technicians=frozenset({"t1"}))) == "override"
    assert reason(shop, job("a", pinned_bay="b2")) == "override"
    assert (
        reason(replace(shop, jobs=(job("long", fixed_assignment=overrun),)), job("a"))
        == "work_in_progress"
    )
    taken = (reserved("t1", "b1", 500, 560),)
    assert reason(replace(shop, reservations=taken), job("a")) == "reserved"
    assert reason(replace(shop, jobs=(job("b", order_id="o"),)), job("a", after=("b",))) == (
        "predecessor_moved"
    )
    assert reason(replace(shop, now=490), job("a")) == "late_start"
    assert reason(shop, job("a", 90)) == "duration_increased"
    later = replace(PLANNED, start=600, finish=660)
    assert reason(shop, job("a"), later) == "moved_earlier"


def test_rush_order_displaces_another() -> None:
    shop = replace(small(), technicians=(technician("t1", "mechanical"),))
    shop = replace(shop, jobs=(job("rush", 60, weight=9, promise=540),))
    changed = replan(
        replace(shop, jobs=(*shop.jobs, job("a", promise=700)), current_plan=(PLANNED,))
    )
    moved = next(c for c in changed.changes if c.job_id == "a")
    assert (moved.code, moved.detail) == ("displaced", {"job_id": "rush"})
    assert next(c for c in changed.changes if c.job_id == "rush").code == "new"
