"""Shortening the makespan by simulated annealing (模拟退火), one job at a time.

The annealing knows the vehicles and the teams, in shop minutes; bays, absences and work in progress
it leaves to decoding.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import pairwise
from math import exp
from random import Random
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from services.workshop.planning.model import PlanAssignment
from services.workshop.planning.neighborhood import CandidatePlan
from services.workshop.planning.shoptime import ShopTime, Team
from services.workshop.planning.timeline import NEVER

START_TEMPERATURE: Final = 0.4
END_TEMPERATURE: Final = 0.02
"""Minutes by which a step may typically worsen the makespan, as shares of the mean job.

The first holds at the start of the search, the second at its end.
"""
DEADLINE_CHECK_INTERVAL: Final = 100
"""Steps between two checks of the deadline."""
Name = TypeVar("Name", bound=Hashable)
NOBODY: Final = -1
"""The job before the first and after the last one; its start and its tail are 0."""


class _Insertion(NamedTuple):
    makespan: int
    team: Team
    position: int
    minutes: int


class Annealing:
    """A search from plan to plan: a job of a chain that ends last goes to its best other slot.

    A longer makespan is accepted less often as more of its ``length`` in steps is done.
    """

    def __init__(
        self, shop: ShopTime, start: Collection[PlanAssignment], length: int, seed: int
    ) -> None:
        movable = [a for a in start if a.job_id in shop.options]
        movable.sort(key=lambda a: (a.start, a.finish, a.job_id))
        jobs = [shop.network.jobs[a.job_id] for a in movable]
        spans = [shop.span(a) for a in movable]
        now = shop.workshop.now
        self.length = length
        self._steps = 0
        self._random = Random(seed)  # noqa: S311
        self._job_ids = [job.job_id for job in jobs]
        self._earliest = [shop.at(max(now, job.earliest_start, job.parts_eta)) for job in jobs]
        self._teams = [a.technician_ids for a in movable]
        self._minutes = [*(span.finish - span.start for span in spans), 0]
        self._options = [
            shop.options[job_id].minutes | {team: minutes}
            for job_id, team, minutes in zip(
                self._job_ids, self._teams, self._minutes[:-1], strict=True
            )
        ]
        self._lines = _grouped(self._teams)
        self._earlier, self._later = _links(_grouped([job.order_id for job in jobs]), len(jobs))
        self._previous, self._next = _links(self._lines, len(jobs))
        self._sequence = list(range(len(jobs)))
        self._finishes, self._tails = self._forward(), self._backward()
        self._makespan, self._critical = self._chains()
        self._mean_minutes = sum(self._minutes) / len(jobs)
        self._best = self._makespan, self._candidate()

    @property
    def is_done(self) -> bool:
        """True when all steps are done."""
        return self._steps >= self.length

    def advance(self, steps: int, deadline: float) -> CandidatePlan:
        """Return the best plan so far after as many steps, or fewer by the ``deadline``."""
        for step in range(steps):
            if step % DEADLINE_CHECK_INTERVAL == 0 and monotonic() >= deadline:
                break
            self._step(
                self._mean_minutes
                * START_TEMPERATURE
                * (END_TEMPERATURE / START_TEMPERATURE) ** (self._steps / self.length)
            )
            self._steps += 1
            if self._makespan < self._best[0]:
                self._best = self._makespan, self._candidate()
        return self._best[1]

    def _step(self, temperature: float) -> None:
        job = self._random.choice(self._critical)
        team, minutes = self._teams[job], self._minutes[job]
        position = self._lines[team].index(job)
        finishes, tails = self._finishes, self._tails
        self._take_out(job)
        self._finishes, self._tails = self._forward(), self._backward()
        found = self._best_insertion(job, (team, position))
        if found and (
            found.makespan <= self._makespan
            or self._random.random() < exp((self._makespan - found.makespan) / temperature)
        ):
            self._put(job, found.team, found.position, found.minutes)
            self._sequence = self._sorted()
            self._finishes, self._tails = self._forward(), self._backward()
            self._makespan, self._critical = self._chains()
        else:
            self._put(job, team, position, minutes)
            self._finishes, self._tails = finishes, tails

    def _take_out(self, job: int) -> None:
        before, after = self._previous[job], self._next[job]
        self._next[before], self._previous[after] = after, before
        self._previous[job] = self._next[job] = NOBODY
        self._lines[self._teams[job]].remove(job)
        self._minutes[job] = 0

    def _put(self, job: int, team: Team, position: int, minutes: int) -> None:
        line = self._lines[team]
        before = line[position - 1] if position else NOBODY
        after = line[position] if position < len(line) else NOBODY
        self._previous[job], self._next[job] = before, after
        self._next[before] = self._previous[after] = job
        line.insert(position, job)
        self._teams[job], self._minutes[job] = team, minutes

    def _best_insertion(self, job: int, old: tuple[Team, int]) -> _Insertion | None:
        """Return the slot of the shortest chain for the job taken out, other than its old slot.

        Equal slots are drawn by lot.
        """
        finishes, tails = self._finishes, self._tails
        others = max(finishes)
        ready = max(finishes[self._earlier[job]], self._earliest[job])
        rest = tails[self._later[job]]
        best, shortest, equal = None, NEVER, 0
        for team, minutes in self._options[job].items():
            line = self._lines[team]
            for position in self._room(job, line):
                free = finishes[line[position - 1]] if position else 0
                after = tails[line[position]] if position < len(line) else 0
                chain = max(ready, free) + minutes + max(rest, after)
                if chain > shortest or (team, position) == old:
                    continue
                equal = equal + 1 if chain == shortest else 1
                shortest = chain
                if self._random.random() * equal < 1:
                    best = _Insertion(max(chain, others), team, position, minutes)
        return best

    def _room(self, job: int, line: list[int]) -> range:
        """Return the positions in the line that cannot close a cycle with the job.

        No job that waits for it goes before the first, no job that it waits for after the last.
        """
        finishes, minutes = self._finishes, self._minutes
        earlier, later = self._earlier[job], self._later[job]
        begun = finishes[earlier] - minutes[earlier]
        first = last = len(line)
        while first and line[first - 1] != earlier and finishes[line[first - 1]] > begun:
            first -= 1
        if later != NOBODY:
            due, last = finishes[later], first
            while last < len(line) and line[last] != later:
                if finishes[line[last]] - minutes[line[last]] >= due:
                    break
                last += 1
        return range(first, last + 1)

    def _forward(self) -> list[int]:
        """Return when each job finishes, and 0."""
        earlier, previous, minutes = self._earlier, self._previous, self._minutes
        earliest = self._earliest
        finishes = [0] * len(minutes)
        for i in self._sequence:
            ready, free, start = finishes[earlier[i]], finishes[previous[i]], earliest[i]
            if ready > start:
                start = ready
            if free > start:
                start = free
            finishes[i] = start + minutes[i]
        return finishes

    def _backward(self) -> list[int]:
        """Return the minutes from the start of each job to the end of its longest chain, and 0."""
        later, after, minutes = self._later, self._next, self._minutes
        tails = [0] * len(minutes)
        for i in reversed(self._sequence):
            left, other = tails[later[i]], tails[after[i]]
            if other > left:
                left = other
            tails[i] = left + minutes[i]
        return tails

    def _chains(self) -> tuple[int, list[int]]:
        """Return the last finish, and the jobs of the chains that end with it (关键路径)."""
        makespan = max(self._finishes)
        times = zip(self._finishes, self._tails, self._minutes, strict=True)
        critical = [
            i for i, (finish, tail, own) in enumerate(times) if finish + tail - own == makespan
        ]
        return makespan, critical

    def _sorted(self) -> list[int]:
        """Return all jobs, each after its predecessors."""
        later, after = self._later, self._next
        missing = [
            (earlier != NOBODY) + (previous != NOBODY)
            for earlier, previous in zip(self._earlier[:-1], self._previous[:-1], strict=True)
        ]
        found = [i for i, count in enumerate(missing) if not count]
        for i in found:
            for follower in (later[i], after[i]):
                if follower != NOBODY:
                    missing[follower] -= 1
                    if not missing[follower]:
                        found.append(follower)
        return found

    def _candidate(self) -> CandidatePlan:
        order = sorted(
            range(len(self._job_ids)), key=lambda i: (self._finishes[i] - self._minutes[i], i)
        )
        return CandidatePlan(
            dict(zip(self._job_ids, self._teams, strict=True)),
            tuple(self._job_ids[i] for i in order),
        )


def _grouped(names: Sequence[Name]) -> defaultdict[Name, list[int]]:
    """Return the jobs of each vehicle or team, in order."""
    lines: defaultdict[Name, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        lines[name].append(i)
    return lines


def _links(lines: Mapping[Name, list[int]], jobs: int) -> tuple[list[int], list[int]]:
    """Return for each job, and NOBODY, its predecessor and its successor in its line."""
    before, after = [NOBODY] * (jobs + 1), [NOBODY] * (jobs + 1)
    for line in lines.values():
        for first, second in pairwise(line):
            after[first], before[second] = second, first
    return before, after
