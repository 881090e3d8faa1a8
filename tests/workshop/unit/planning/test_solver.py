"""Search that improves the greedy plan, keeps every rule and is a function of its seed."""

from dataclasses import replace
from itertools import pairwise
from math import inf
from random import Random

import pytest
from hypothesis import given, settings

from services.workshop.planning import Interval, PlanAssignment, Workshop, plan
from services.workshop.planning.annealing import Annealing
from services.workshop.planning.greedy import decode, greedy, plan_rank
from services.workshop.planning.model import Aim
from services.workshop.planning.neighborhood import Limits, Neighborhood
from services.workshop.planning.shoptime import ShopTime
from services.workshop.planning.slot_search import ResourceSchedule
from tests.bench.fjsp import read
from tests.bench.fjsp_larger import FAMILIES, instance
from tests.support.plan_rules import check
from tests.support.planning_workshops import DAY, job, reserved, shift, small, workshops


@pytest.mark.parametrize("aim", ["promises", "makespan"])
@settings(max_examples=15)
@given(workshop=workshops())
def test_search_keeps_rules_and_never_worsens_plan(aim: Aim, workshop: Workshop) -> None:
    found = plan(workshop, seed=1, seconds=20, rounds=2, aim=aim)
    check(workshop, found)
    assert plan_rank(found, aim) <= plan_rank(plan(workshop, aim=aim), aim)


def crowded_workshop() -> Workshop:
    """Return sixteen jobs on two people, one of whom alone does electrical work."""
    minutes = (50, 30, 70, 20, 90, 40, 60, 25, 80, 35, 45, 55, 65, 15, 75, 85)
    jobs = tuple(
        job(
            f"j{i:02}",
            m,
            promise=480 + 90 * (i * 5 % 11 + 1),
            skill_code="electrical" if i % 3 == 0 else "mechanical",
            order_id=f"order-{i // 2}",
            weight=1 + i // 2 % 3,
        )
        for i, m in enumerate(minutes)
    )
    return replace(small(), jobs=jobs)


def test_search_improves_on_greedy() -> None:
    found = plan(crowded_workshop(), seed=3, seconds=60, rounds=4)
    assert found.objective < plan(crowded_workshop()).objective


@pytest.mark.parametrize("aim", ["promises", "makespan"])
def test_same_seed_gives_same_plan(aim: Aim) -> None:
    first = plan(crowded_workshop(), seed=3, seconds=60, rounds=4, workers=2, aim=aim)
    assert first == plan(crowded_workshop(), seed=3, seconds=60, rounds=4, workers=2, aim=aim)


def test_search_respects_wip_holds_and_absences() -> None:
    begun = PlanAssignment(("t1",), "b1", 470, 560, "begun")
    shop = crowded_workshop()
    away = tuple(w for w in shift() if not DAY <= w.start < 3 * DAY)
    people = (shop.technicians[0], replace(shop.technicians[1], working=away))
    taken = (reserved("t2", "b2", 500, 530),)
    jobs = (*shop.jobs, job("begun", 90, fixed_assignment=begun), job("late", 400, parts_eta=DAY))
    shop = replace(shop, technicians=people, jobs=jobs, reservations=taken)
    found = plan(shop, seed=2, seconds=60, rounds=4)
    check(shop, found)
    assert begun in found.assignments


def test_search_works_with_displaced_hold() -> None:
    begun = job("begun", 90, fixed_assignment=PlanAssignment(("t1",), "b1", 470, 560, "begun"))
    shop = replace(
        small(480), bays=small().bays[:1], reservations=(reserved("t2", "b1", 540, 600),)
    )
    shop = replace(shop, jobs=(begun, job("first", 30), job("second", 60, promise=660)))
    found = plan(shop)
    network = ShopTime(shop, ResourceSchedule(shop))
    model = Neighborhood(network, found.assignments, {"first", "second"}, "promises")
    assert model.solve(Limits(effort=1.0, seconds=10.0, seed=1)).candidate
    assert min(a.start for a in found.assignments if a.job_id != "begun") >= 600


def instance_with_known_optimum(seed: int, machines: int, makespan: int) -> str:
    """Return an instance whose machines are all busy from 0 to ``makespan``: nothing can be
    shorter.
    """
    rng = Random(seed)
    chains: list[list[tuple[int, int, int]]] = []
    busy = []
    for machine in range(machines):
        cuts = sorted({0, makespan, *rng.sample(range(3, makespan - 3), makespan // 7)})
        busy += [(start, finish, machine) for start, finish in pairwise(cuts)]
    for part in sorted(busy):
        open_chains = [chain for chain in chains if chain[-1][1] <= part[0]]
        if open_chains:
            rng.choice(open_chains).append(part)
        else:
            chains.append([part])
    lines = [f"{len(chains)} {machines} 2"]
    for chain in chains:
        parts = [str(len(chain))]
        for start, finish, machine in chain:
            other = (machine + rng.randrange(1, machines)) % machines
            parts.append(
                f"2 {machine + 1} {finish - start} {other + 1} {finish - start + rng.randint(0, 5)}"
            )
        lines.append(" ".join(parts))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_instance_without_calendars_is_solved_to_optimum(seed: int) -> None:
    workshop = read(instance_with_known_optimum(seed, machines=4, makespan=80))
    found = plan(workshop, seed=1, seconds=120, rounds=10, aim="makespan")
    assert found.makespan == 80
    check(workshop, found)


def test_annealing_shortens_greedy_makespan() -> None:
    workshop = read(instance(FAMILIES["narrow"], seed=1))
    first, schedule = greedy(workshop, "makespan"), ResourceSchedule(workshop)
    shop = ShopTime(workshop, schedule)
    annealing = Annealing(shop, first.assignments, length=5000, seed=1)
    found = annealing.advance(5000, deadline=inf)
    assert annealing.is_done
    reached = decode(workshop, shop.network, schedule, found.order, found.teams)
    check(workshop, reached)
    assert reached.makespan < first.makespan


def test_impossible_makespan_is_ruled_out_at_once() -> None:
    alike = tuple(job(f"j{i:02}", 30) for i in range(17))
    workshop = replace(small(), jobs=alike)
    best, shop = greedy(workshop, "makespan"), ShopTime(workshop, ResourceSchedule(workshop))
    freed = [a.job_id for a in best.assignments]
    outcome = Neighborhood(shop, best.assignments, freed, "makespan").solve(Limits(0.01, 10, 1))
    assert outcome.exhausted
    assert outcome.candidate is None


def test_job_without_working_time_is_unplannable() -> None:
    shop = small()
    idle = tuple(replace(t, working=(Interval(0, 0),)) for t in shop.technicians)
    found = plan(replace(shop, technicians=idle, jobs=(job("a"),)), seconds=5)
    assert [infeasibility.code for infeasibility in found.unplannable] == ["no_time"]
