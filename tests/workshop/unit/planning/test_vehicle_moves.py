"""Vehicle moves between bays, which take time, so that jobs stay together where they can (移位)."""

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.workshop.domain.resources import is_qualified
from services.workshop.planning import (
    PlanAssignment,
    PlanTask,
    Stay,
    Technician,
    Workshop,
    plan,
    quote,
    replan,
)
from services.workshop.planning.simulation import simulate_finishes
from tests.support.plan_rules import check
from tests.support.planning_workshops import bay, job, reserved, small, technician, technicians

MOVE = 10


def chained(*jobs: PlanTask) -> tuple[PlanTask, ...]:
    """Return the jobs as those of one order, one after the other."""
    before: tuple[str, ...] = ()
    chain = []
    for each in jobs:
        chain.append(replace(each, order_id="car", after=before))
        before = (each.job_id,)
    return tuple(chain)


def short_jobs_workshop() -> Workshop:
    """Return three short jobs of one vehicle, and three people with a bay each."""
    people = tuple(technician(f"t{i}", "mechanical", "electrical") for i in range(3))
    bays = (bay("b0", "lift"), bay("b1", "lift"), bay("b2", "lift", "quick"))
    jobs = chained(
        job("a", 12), job("b", 12, skill_code="electrical"), job("c", 12, bay_type="quick")
    )
    return replace(small(), technicians=people, bays=bays, jobs=jobs, move_minutes=MOVE)


def test_short_jobs_share_technician_and_bay() -> None:
    found = plan(short_jobs_workshop()).assignments
    assert {(a.technician_ids, a.bay_id) for a in found} == {(("t0",), "b2")}
    assert found[-1].finish == 480 + 36


@st.composite
def short_work(draw: st.DrawFn) -> Workshop:
    """Return short jobs of two vehicles in a shop where each vehicle needs several kinds of bay."""
    kinds = ("lift", "quick", "body")
    people = tuple(technician(f"t{i}", "mechanical") for i in range(draw(st.integers(1, 3))))
    others = draw(st.lists(st.sets(st.sampled_from(kinds), min_size=1), max_size=2))
    bays = tuple(
        bay(f"b{i}", *each) for i, each in enumerate([*[{each} for each in kinds], *others])
    )
    jobs: list[PlanTask] = []
    for i in range(draw(st.integers(3, 7))):
        order_id = draw(st.sampled_from(("car", "other")))
        before = [each.job_id for each in jobs if each.order_id == order_id]
        jobs.append(
            job(
                f"j{i}",
                draw(st.integers(5, 40)),
                order_id=order_id,
                bay_type=draw(st.sampled_from(kinds)),
                after=tuple(before[-1:]) if draw(st.booleans()) else (),
                parts_eta=draw(st.integers(470, 560)),
                promise=draw(st.none() | st.integers(500, 700)),
            )
        )
    stand = draw(st.sampled_from(bays)).bay_id
    return Workshop(
        480,
        people,
        bays,
        tuple(jobs),
        reservations=(reserved("t0", "b0", 500, 520, order_id="car"),)
        if draw(st.booleans())
        else (),
        move_minutes=draw(st.sampled_from((MOVE, 30))),
        done=(Stay(("t0",), stand, 400, draw(st.integers(450, 480)), "car"),),
    )


@settings(max_examples=60)
@given(workshop=short_work())
def test_plans_leave_time_to_move(workshop: Workshop) -> None:
    first = plan(workshop)
    check(workshop, first)
    begun = {a.job_id: a for a in first.assignments[:1]}
    later = replace(
        workshop,
        jobs=tuple(
            replace(each, fixed_assignment=begun.get(each.job_id)) for each in workshop.jobs
        ),
        current_plan=first.assignments,
        technicians=workshop.technicians[1:] or workshop.technicians,
    )
    check(later, replan(later).plan)


@settings(max_examples=40)
@given(workshop=short_work())
def test_quoted_slots_leave_time_to_move(workshop: Workshop) -> None:
    *known, new = workshop.jobs
    new = replace(new, after=())
    shop = replace(workshop, jobs=tuple(known))
    current_plan = plan(shop)
    promise = quote(replace(shop, current_plan=current_plan.assignments), (new,), 0.9)
    both = (*current_plan.assignments, *promise.assignments)
    check(replace(workshop, jobs=(*known, new)), replace(current_plan, assignments=both))


@settings(max_examples=15)
@given(workshop=short_work(), seed=st.integers(0, 3))
def test_searched_plans_leave_time_to_move(workshop: Workshop, seed: int) -> None:
    check(workshop, plan(workshop, seed=seed, seconds=20, rounds=2))


@settings(max_examples=30)
@given(
    people=technicians(),
    minutes=st.lists(st.integers(5, 40), min_size=2, max_size=5),
    needs=st.lists(st.sampled_from(("lift", "quick")), min_size=5, max_size=5),
    bays=st.lists(st.sets(st.sampled_from(("lift", "quick", "body")), min_size=1), max_size=4),
)
def test_order_stays_in_one_suitable_bay(
    people: tuple[Technician, ...], minutes: list[int], needs: list[str], bays: list[set[str]]
) -> None:
    skill_code, level = next(iter(people[0].skills.items()))
    jobs = chained(
        *(
            job(f"j{i}", each, skill_code=skill_code, level=level, bay_type=needs[i])
            for i, each in enumerate(minutes)
        )
    )
    assume(all(is_qualified(each, people[0]) for each in jobs))
    places = (bay("all", "lift", "quick"), *(bay(f"b{i}", *each) for i, each in enumerate(bays)))
    shop = Workshop(480, people, places, jobs, move_minutes=MOVE)
    greedy = plan(shop)
    assert len({a.bay_id for a in greedy.assignments}) == 1
    searched = plan(shop, seconds=10, rounds=1)
    assert len({a.bay_id for a in searched.assignments}) == 1


def test_wip_keeps_vehicle_in_its_bay() -> None:
    begun = PlanAssignment(("t1",), "b1", 470, 500, "begun")
    shop = replace(small(), move_minutes=MOVE, bays=(bay("b1", "lift"), bay("b2", "lift", "quick")))
    first, *rest = chained(
        job("begun", 30, log_stddev=0.0, fixed_assignment=begun), job("next", 20)
    )
    _, stays = plan(replace(shop, jobs=(first, *rest))).assignments
    assert (stays.technician_ids, stays.bay_id, stays.start) == (("t1",), "b1", 500)
    late = replace(rest[0], parts_eta=600)
    crowded = replace(shop, bays=(bay("b1", "lift", "quick"), bay("b2", "lift")))
    _, waits = plan(replace(crowded, jobs=(first, late))).assignments
    assert (waits.technician_ids, waits.bay_id, waits.start) == (("t1",), "b1", 600)
    moved = replace(rest[0], bay_type="quick")
    _, moves = plan(replace(shop, jobs=(first, moved))).assignments
    assert (moves.bay_id, moves.start) == ("b2", 510)


def test_finished_work_leaves_vehicle_in_its_bay() -> None:
    done = (Stay(("t2",), "b2", 440, 478, "car"),)
    shop = replace(small(), move_minutes=MOVE, done=done, jobs=chained(job("next", 20)))
    (stays,) = plan(shop).assignments
    assert (stays.technician_ids, stays.bay_id, stays.start) == (("t2",), "b2", 480)
    (moves,) = plan(replace(shop, bays=shop.bays[:1])).assignments
    assert (moves.bay_id, moves.start) == ("b1", 488)


def test_short_jobs_go_to_one_qualified_technician() -> None:
    jobs = chained(job("a", 12), job("b", 12, skill_code="electrical"))
    promise = quote(replace(small(), move_minutes=MOVE), jobs, 0.9)
    assert [a.technician_ids for a in promise.assignments] == [("t2",), ("t2",)]
    long = (replace(jobs[0], minutes=90), jobs[1])
    first, _ = quote(replace(small(), move_minutes=MOVE), long, 0.9).assignments
    assert first.technician_ids == ("t1",)


def test_simulation_includes_move_time() -> None:
    shop = replace(small(), bays=(bay("b1", "lift"), bay("b2", "quick")))
    jobs = chained(
        job("lift", 30, log_stddev=0.0), job("quick", 20, log_stddev=0.0, bay_type="quick")
    )
    still = quote(shop, jobs, 0.9)
    moved = quote(replace(shop, move_minutes=MOVE), jobs, 0.9)
    assert moved.expected == still.expected + MOVE
    assert [rest.code for rest in still.limiting_factors] == ["work", "work"]
    assert [rest.code for rest in moved.limiting_factors] == ["work", "move"]
    assert moved.limiting_factors[1].detail == {"at": 520, "bay_id": "b2"}


def test_simulated_vehicle_moves_after_finished_work() -> None:
    done = (Stay(("t1",), "b1", 440, 480, "car"),)
    shop = replace(
        small(), move_minutes=MOVE, done=done, jobs=chained(job("a", 20, log_stddev=0.0))
    )
    known = {each.job_id: each for each in shop.jobs}
    (there,) = [PlanAssignment(("t2",), "b2", 490, 510, "a")]
    assert set(simulate_finishes(shop, known, [there])["a"]) == {510.0}
    assert set(simulate_finishes(shop, known, [replace(there, bay_id="b1")])["a"]) == {500.0}


def test_reserved_work_on_vehicle_explains_change() -> None:
    slot = PlanAssignment(("t1",), "b1", 480, 540, "next")
    shop = replace(small(), move_minutes=MOVE, jobs=chained(job("next")), current_plan=(slot,))
    (change,) = replan(
        replace(shop, reservations=(reserved("t2", "b2", 475, 505, order_id="car"),))
    ).changes
    assert (change.code, change.detail) == ("vehicle_late", {"at": 515})
    late = replace(shop, reservations=(reserved("t2", "b2", 550, 580, order_id="car"),))
    assert replan(late).changes == ()


def test_vehicle_move_explains_plan_change() -> None:
    shop = replace(small(), move_minutes=MOVE)
    first, second = chained(job("first", 60, pinned_bay="b2"), job("second", 30, pinned_bay="b1"))
    current_plan = (
        PlanAssignment(("t1",), "b2", 480, 540, "first"),
        PlanAssignment(("t1",), "b1", 540, 570, "second"),
    )
    (change,) = replan(replace(shop, jobs=(first, second), current_plan=current_plan)).changes
    assert (change.job_id, change.code, change.detail) == ("second", "vehicle_late", {"at": 550})
    done = (Stay(("t1",), "b2", 400, 535, "car"),)
    alone = replace(
        shop, jobs=(replace(second, after=()),), current_plan=current_plan[1:], done=done
    )
    (change,) = replan(alone).changes
    assert (change.code, change.detail) == ("vehicle_late", {"at": 545})
