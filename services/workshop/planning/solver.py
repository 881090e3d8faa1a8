"""Improving a plan by large neighbourhood search over CP-SAT models."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from random import Random
from time import monotonic
from typing import Final

from services.workshop.planning.greedy import decode, rating
from services.workshop.planning.model import Aim, Assignment, Plan, Workshop
from services.workshop.planning.neighbourhood import Limits, Neighbourhood, Outcome
from services.workshop.planning.placing import Floor
from services.workshop.planning.shoptime import ShopTime

EFFORT: Final[Mapping[Aim, float]] = {"closing": 0.5, "promises": 0.05}
"""Deterministic seconds for one neighbourhood; one takes a few seconds of a core."""
FIRST_SIZE: Final = 30
"""Jobs freed at first; an exhausted neighbourhood grows, an unfinished one shrinks."""
GROWTH: Final = 1.1


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
    """The best plan found from ``start`` in ``rounds`` of ``workers`` neighbourhoods each.

    The same arguments give the same plan unless the ``deadline`` of the monotonic clock cuts the
    search short.
    """
    search = _Search(workshop, start, aim, Random(seed))  # noqa: S311
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(rounds):
            left = deadline - monotonic()
            if search.settled or left <= 0:
                break
            search.step(pool, workers, left)
    return search.best


class _Search:
    def __init__(self, workshop: Workshop, start: Plan, aim: Aim, random: Random) -> None:
        self.best = start
        self._workshop, self._aim, self._random = workshop, aim, random
        self._floor = Floor(workshop)
        self._shop = ShopTime(workshop, self._floor)
        self._sizes = dict.fromkeys(range(len(_CHOICES)), float(FIRST_SIZE))
        self._movable = [a.job_id for a in start.assignments if a.job_id in self._shop.options]
        self.settled = not self._movable

    def step(self, pool: Executor, workers: int, seconds: float) -> None:
        """Search one neighbourhood a worker, then take the best of what they found."""
        kinds = [self._random.randrange(len(_CHOICES)) for _ in range(workers)]
        tasks = [(kind, self._freed(kind), self._random.getrandbits(30)) for kind in kinds]
        futures = [
            pool.submit(self._solve, freed, Limits(EFFORT[self._aim], seconds, seed))
            for _, freed, seed in tasks
        ]
        for (kind, freed, _), future in zip(tasks, futures, strict=True):
            self._learn(kind, len(freed), future.result())

    def _freed(self, kind: int) -> frozenset[str]:
        movable = [a for a in self.best.assignments if a.job_id in self._shop.options]
        return frozenset(_CHOICES[kind](self._shop, movable, self._random, int(self._sizes[kind])))

    def _solve(self, freed: frozenset[str], limits: Limits) -> Outcome:
        return Neighbourhood(self._shop, self.best.assignments, freed, self._aim).solve(limits)

    def _learn(self, kind: int, freed: int, outcome: Outcome) -> None:
        if outcome.exhausted:
            self._sizes[kind] = min(self._sizes[kind] * GROWTH, len(self._movable))
            self.settled = self.settled or freed == len(self._movable)
        elif outcome.proposal is None or self._aim == "promises":
            self._sizes[kind] = max(self._sizes[kind] / GROWTH, 4)
        if outcome.proposal is not None:
            found = outcome.proposal
            plan = decode(self._workshop, self._shop.network, self._floor, found.order, found.teams)
            self.best = min(self.best, plan, key=lambda plan: rating(plan, self._aim))


_Choice = Callable[[ShopTime, list[Assignment], Random, int], list[str]]


def _around_a_moment(
    _: ShopTime, movable: list[Assignment], random: Random, size: int
) -> list[str]:
    moment = random.choice(movable).start
    near = sorted(movable, key=lambda a: (abs(a.start + a.finish - 2 * moment), a.job_id))
    return [a.job_id for a in near[:size]]


def _of_some_people(_: ShopTime, movable: list[Assignment], random: Random, size: int) -> list[str]:
    people = sorted({technician_id for a in movable for technician_id in a.technician_ids})
    random.shuffle(people)
    rank = {technician_id: i for i, technician_id in enumerate(people)}
    chosen = sorted(movable, key=lambda a: (rank[a.technician_ids[0]], a.start))
    return [a.job_id for a in chosen[:size]]


def _of_some_orders(
    shop: ShopTime, movable: list[Assignment], random: Random, size: int
) -> list[str]:
    jobs = shop.network.jobs
    orders = sorted({jobs[a.job_id].order_id for a in movable})
    random.shuffle(orders)
    rank = {order_id: i for i, order_id in enumerate(orders)}
    chosen = sorted(movable, key=lambda a: (rank[jobs[a.job_id].order_id], a.start))
    return [a.job_id for a in chosen[:size]]


_CHOICES: Final[tuple[_Choice, ...]] = (_around_a_moment, _of_some_people, _of_some_orders)
