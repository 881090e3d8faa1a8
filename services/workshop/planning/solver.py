"""Improvement of a plan by large neighborhood search over CP-SAT models.

If the aim is the makespan, annealing runs beside it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from random import Random
from time import monotonic
from typing import Final

from services.workshop.planning.annealing import Annealing
from services.workshop.planning.greedy import decode, plan_rank
from services.workshop.planning.model import Aim, Plan, PlanAssignment, Workshop
from services.workshop.planning.neighborhood import CandidatePlan, Limits, Neighborhood, Outcome
from services.workshop.planning.shoptime import ShopTime
from services.workshop.planning.slot_search import ResourceSchedule

EFFORT: Final[Mapping[Aim, float]] = {"makespan": 0.15, "promises": 0.05}
"""Deterministic seconds for one neighborhood; a tenth takes up to a second of a core."""
FIRST_SIZE: Final = 30
"""Jobs freed at first; an exhausted neighborhood grows, an unfinished one shrinks."""
GROWTH: Final = 1.1
PATIENCE: Final = 1.05
"""Factor of effort for the next round after one without a result."""
STEPS: Final = 10_000
"""Annealing steps of one round for the makespan; it takes up to a second of a core."""
FIRST_ANNEALING_STEPS: Final = 2 * STEPS
"""Steps of the first annealing; each next one is twice as long as the one before."""


def improve(
    workshop: Workshop,
    start: Plan,
    *,
    aim: Aim,
    seed: int,
    deadline: float,
    workers: int,
    rounds: int,
) -> Plan:
    """Return the best plan found from ``start`` in ``rounds`` of ``workers`` neighborhoods each.

    For the makespan, annealing takes part.

    The same arguments give the same plan unless the ``deadline`` of the monotonic clock cuts the
    search short.
    """
    search = _Search(workshop, start, aim, Random(seed))  # noqa: S311
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(rounds):
            if search.exhausted or monotonic() >= deadline:
                break
            search.step(pool, workers, deadline)
    return search.best


class _Search:
    def __init__(self, workshop: Workshop, start: Plan, aim: Aim, random: Random) -> None:
        self.best = start
        self._workshop, self._aim, self._random = workshop, aim, random
        self._schedule = ResourceSchedule(workshop)
        self._shop = ShopTime(workshop, self._schedule)
        self._sizes = dict.fromkeys(range(len(_CHOICES)), float(FIRST_SIZE))
        self._movable = [a.job_id for a in start.assignments if a.job_id in self._shop.options]
        self._effort = EFFORT[aim]
        self.exhausted = not self._movable
        self._annealing = (
            self._new_annealing(FIRST_ANNEALING_STEPS)
            if aim == "makespan" and self._movable
            else None
        )

    def step(self, pool: Executor, workers: int, deadline: float) -> None:
        """Continue annealing, search one neighborhood per worker, and take the best result."""
        kinds = [self._random.randrange(len(_CHOICES)) for _ in range(workers)]
        tasks = [(kind, self._freed(kind), self._random.getrandbits(30)) for kind in kinds]
        if self._annealing and self._annealing.is_done:
            self._annealing = self._new_annealing(2 * self._annealing.length)
        annealing = (
            pool.submit(self._annealing.advance, STEPS, deadline) if self._annealing else None
        )
        futures = [pool.submit(self._solve, freed, seed, deadline) for _, freed, seed in tasks]
        before, outcomes = self.best, [future.result() for future in futures]
        if annealing:
            self._take(annealing.result())
        for (kind, freed, _), outcome in zip(tasks, outcomes, strict=True):
            self._learn(kind, len(freed), outcome)
        self._effort = self._effort * PATIENCE if self.best is before else EFFORT[self._aim]

    def _freed(self, kind: int) -> frozenset[str]:
        movable = [a for a in self.best.assignments if a.job_id in self._shop.options]
        urgent = _critical(self._shop, movable) if self._aim == "makespan" else movable
        size = int(self._sizes[kind])
        return frozenset(_CHOICES[kind](self._shop, movable, urgent, self._random, size))

    def _solve(self, freed: frozenset[str], seed: int, deadline: float) -> Outcome:
        model = Neighborhood(self._shop, self.best.assignments, freed, self._aim)
        return model.solve(Limits(self._effort, max(0.0, deadline - monotonic()), seed))

    def _learn(self, kind: int, freed: int, outcome: Outcome) -> None:
        if outcome.exhausted:
            self._sizes[kind] = min(self._sizes[kind] * GROWTH, len(self._movable))
            self.exhausted = self.exhausted or freed == len(self._movable)
        elif outcome.candidate is None or self._aim == "promises":
            self._sizes[kind] = max(self._sizes[kind] / GROWTH, 4)
        if outcome.candidate is not None:
            self._take(outcome.candidate)

    def _new_annealing(self, length: int) -> Annealing:
        return Annealing(self._shop, self.best.assignments, length, self._random.getrandbits(30))

    def _take(self, found: CandidatePlan) -> None:
        plan = decode(self._workshop, self._shop.network, self._schedule, found.order, found.teams)
        self.best = min(self.best, plan, key=lambda plan: plan_rank(plan, self._aim))


_Choice = Callable[[ShopTime, list[PlanAssignment], list[PlanAssignment], Random, int], list[str]]
"""Job ids to free, so many of the movable assignments, from the urgent ones outwards."""


def _around_a_moment(
    _: ShopTime, movable: list[PlanAssignment], __: list[PlanAssignment], random: Random, size: int
) -> list[str]:
    moment = random.choice(movable).start
    near = sorted(movable, key=lambda a: (abs(a.start + a.finish - 2 * moment), a.job_id))
    return [a.job_id for a in near[:size]]


def _of_some_people(
    _: ShopTime,
    movable: list[PlanAssignment],
    urgent: list[PlanAssignment],
    random: Random,
    size: int,
) -> list[str]:
    return _whole_groups(movable, urgent, random, size, lambda a: a.technician_ids[0])


def _of_some_orders(
    shop: ShopTime,
    movable: list[PlanAssignment],
    urgent: list[PlanAssignment],
    random: Random,
    size: int,
) -> list[str]:
    jobs = shop.network.jobs
    return _whole_groups(movable, urgent, random, size, lambda a: jobs[a.job_id].order_id)


def _whole_groups(
    movable: list[PlanAssignment],
    urgent: list[PlanAssignment],
    random: Random,
    size: int,
    group: Callable[[PlanAssignment], str],
) -> list[str]:
    """Return groups in random order, those of urgent jobs first."""
    groups = sorted({group(a) for a in movable})
    random.shuffle(groups)
    first = {group(a) for a in urgent}
    rank = {name: (name not in first, i) for i, name in enumerate(groups)}
    chosen = sorted(movable, key=lambda a: (rank[group(a)], a.start))
    return [a.job_id for a in chosen[:size]]


def _critical(shop: ShopTime, movable: list[PlanAssignment]) -> list[PlanAssignment]:
    """Return the jobs of the chains without a pause that end with the last finish (关键路径)."""
    ending: defaultdict[tuple[str, int], list[PlanAssignment]] = defaultdict(list)
    for a in movable:
        for resource in _resources(shop, a):
            ending[resource, a.finish].append(a)
    last = max(a.finish for a in movable)
    found: dict[str, PlanAssignment] = {}
    chain = [a for a in movable if a.finish == last]
    while chain:
        a = chain.pop()
        if a.job_id not in found:
            found[a.job_id] = a
            chain += [b for resource in _resources(shop, a) for b in ending[resource, a.start]]
    return list(found.values())


def _resources(shop: ShopTime, a: PlanAssignment) -> tuple[str, ...]:
    return *a.technician_ids, shop.network.jobs[a.job_id].order_id


_CHOICES: Final[tuple[_Choice, ...]] = (_around_a_moment, _of_some_people, _of_some_orders)
