"""One CP-SAT model: the freed jobs are open, the others keep their team and mutual order."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ortools.sat.python import cp_model

from services.workshop.planning.model import Aim, Interval, PlanAssignment, PlanTask
from services.workshop.planning.objective import MOVE_PENALTY, WAITING_CUSTOMER_WEIGHT, deviation
from services.workshop.planning.shoptime import Kind, Options, ShopTime, Team
from services.workshop.planning.timeline import merged

BROKEN: Final = 20_000
LATE: Final = 100
CHANGED: Final = BROKEN * MOVE_PENALTY // 100
"""Weights of a broken promise, a minute late and a job moved, beside 1 for a minute's waiting."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one solve: deterministic and wall seconds, and the random seed."""

    effort: float
    seconds: float
    seed: int


@dataclass(frozen=True)
class CandidatePlan:
    """Teams and placing order of all movable jobs."""

    teams: Mapping[str, Team]
    order: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Result of a solve; ``exhausted`` when the neighborhood holds nothing better."""

    candidate: CandidatePlan | None
    exhausted: bool


class Neighborhood:
    """A model around an incumbent plan in which only ``freed`` jobs change team or order."""

    def __init__(
        self,
        shop: ShopTime,
        incumbent: Collection[PlanAssignment],
        freed: Collection[str],
        aim: Aim,
    ) -> None:
        self._shop, self._jobs = shop, shop.network.jobs
        self._model = cp_model.CpModel()
        self._finishes = {a.job_id: a.finish for a in incumbent}
        self._incumbent = {a.job_id: a for a in incumbent}
        self._last = max(shop.at(a.finish) for a in incumbent)
        self._starts: dict[str, cp_model.IntVar] = {}
        self._ends: dict[str, cp_model.LinearExprT] = {}
        self._picked: dict[str, dict[Team, cp_model.IntVar]] = {}
        self._kept: dict[str, PlanAssignment] = {}
        self._taken: defaultdict[Hashable, list[cp_model.IntervalVar]] = defaultdict(list)
        self._counted: defaultdict[Kind, list[cp_model.IntervalVar]] = defaultdict(list)
        self._work: defaultdict[str, list[cp_model.LinearExprT]] = defaultdict(list)
        self._blocked: defaultdict[Hashable, list[Interval]] = defaultdict(list)
        self._blocked_bays: defaultdict[str, list[Interval]] = defaultdict(list)
        for technician_id, gaps in shop.absences.items():
            self._blocked[technician_id].extend(gaps)
        for reserved in shop.workshop.reservations:
            self._block(reserved.slot, reserved.job.order_id)
        for assignment in incumbent:
            self._add(assignment, assignment.job_id in freed)
        self._keep_order()
        self._separate()
        self._follow()
        if aim == "makespan":
            self._minimize_makespan()
        else:
            self._keep_promises()

    def solve(self, limits: Limits) -> Outcome:
        """Search for a plan that is better than the incumbent."""
        solver = cp_model.CpSolver()
        solver.parameters.max_deterministic_time = limits.effort
        solver.parameters.max_time_in_seconds = limits.seconds
        solver.parameters.random_seed = limits.seed
        solver.parameters.num_workers = 1
        status = solver.solve(self._model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Outcome(None, status == cp_model.INFEASIBLE)
        starts = {job_id: solver.value(start) for job_id, start in self._starts.items()}
        teams = {job_id: kept.technician_ids for job_id, kept in self._kept.items()}
        for job_id, picked in self._picked.items():
            teams[job_id] = next(t for t, literal in picked.items() if solver.value(literal))
        order = sorted(starts, key=lambda job_id: (starts[job_id], job_id))
        return Outcome(CandidatePlan(teams, tuple(order)), status == cp_model.OPTIMAL)

    def _add(self, assignment: PlanAssignment, freed: bool) -> None:
        job, options = self._jobs[assignment.job_id], self._shop.options.get(assignment.job_id)
        if options is None or self._rigid(assignment, options):
            self._block(assignment, job.order_id)
            self._ends[job.job_id] = self._shop.at(assignment.finish)
            return
        earliest = self._shop.at(max(self._shop.workshop.now, job.earliest_start, job.parts_eta))
        longest = max(options.minutes.values())
        start = self._model.new_int_var(earliest, max(earliest, self._last) + longest, "")
        self._model.add_hint(start, self._shop.at(assignment.start))
        self._starts[job.job_id] = start
        if freed:
            self._free(job, options, assignment)
        else:
            self._keep(job, assignment)

    def _rigid(self, assignment: PlanAssignment, options: Options) -> bool:
        """Return whether the model must leave the job where it is, as it cannot place it there."""
        span = self._shop.span(assignment)
        return assignment.technician_ids not in options.minutes or any(
            span.start < gap.finish and gap.start < span.finish
            for technician_id in assignment.technician_ids
            for gap in self._shop.absences[technician_id]
        )

    def _block(self, assignment: PlanAssignment, order_id: str) -> None:
        span = self._shop.span(assignment)
        for resource in (*assignment.technician_ids, ("vehicle", order_id)):
            self._blocked[resource].append(span)
        self._blocked_bays[assignment.bay_id].append(span)

    def _keep(self, job: PlanTask, assignment: PlanAssignment) -> None:
        span = self._shop.span(assignment)
        start, minutes = self._starts[job.job_id], span.finish - span.start
        interval = self._model.new_fixed_size_interval_var(start, minutes, "")
        self._ends[job.job_id] = start + minutes
        self._kept[job.job_id] = assignment
        for technician_id in assignment.technician_ids:
            self._work[technician_id].append(minutes)
        for resource in (*assignment.technician_ids, ("vehicle", job.order_id)):
            self._taken[resource].append(interval)
        self._counted[self._shop.kind[assignment.bay_id]].append(interval)

    def _free(self, job: PlanTask, options: Options, assignment: PlanAssignment) -> None:
        start, span = self._starts[job.job_id], self._shop.span(assignment)
        minutes = options.minutes | {assignment.technician_ids: span.finish - span.start}
        size = self._model.new_int_var(min(minutes.values()), max(minutes.values()), "")
        end = self._model.new_int_var(0, self._last + 2 * max(minutes.values()), "")
        whole = self._model.new_interval_var(start, size, end, "")
        self._ends[job.job_id] = end
        self._taken["vehicle", job.order_id].append(whole)
        self._picked[job.job_id] = picked = {}
        for team, length in minutes.items():
            literal = picked[team] = self._model.new_bool_var("")
            self._model.add_hint(literal, team == assignment.technician_ids)
            self._model.add(size == length).only_enforce_if(literal)
            part = self._model.new_optional_fixed_size_interval_var(start, length, literal, "")
            for technician_id in team:
                self._taken[technician_id].append(part)
                self._work[technician_id].append(length * literal)
        self._model.add_exactly_one(picked.values())
        self._model.add_hint(size, span.finish - span.start)
        self._model.add_hint(end, span.finish)
        self._choose_bay(options, assignment, (start, size, end), whole)

    def _choose_bay(
        self,
        options: Options,
        assignment: PlanAssignment,
        bounds: tuple[cp_model.IntVar, cp_model.IntVar, cp_model.IntVar],
        whole: cp_model.IntervalVar,
    ) -> None:
        if len(options.kinds) == 1:
            self._counted[options.kinds[0]].append(whole)
            return
        chosen = []
        for kind in options.kinds:
            literal = self._model.new_bool_var("")
            self._model.add_hint(literal, kind == self._shop.kind[assignment.bay_id])
            part = self._model.new_optional_interval_var(*bounds, literal, "")
            self._counted[kind].append(part)
            chosen.append(literal)
        self._model.add_exactly_one(chosen)

    def _interval(self, span: Interval) -> cp_model.IntervalVar:
        return self._model.new_fixed_size_interval_var(span.start, span.finish - span.start, "")

    def _keep_order(self) -> None:
        """Keep the order of the kept jobs at each technician and vehicle."""
        lines: defaultdict[Hashable, list[str]] = defaultdict(list)
        for job_id, kept in sorted(self._kept.items(), key=lambda item: item[1].start):
            for resource in (*kept.technician_ids, ("vehicle", self._jobs[job_id].order_id)):
                lines[resource].append(job_id)
        for line in lines.values():
            for first, second in pairwise(line):
                self._model.add(
                    self._starts[second] >= self._ends[first] + self._lag(first, second)
                )

    def _lag(self, first: str, second: str) -> int:
        """Return the minutes in which the vehicle is moved between two jobs that share no bay."""
        if self._jobs[first].order_id != self._jobs[second].order_id:
            return 0
        move = self._shop.workshop.move_minutes
        before, after = (self._shop.span(self._incumbent[job_id]) for job_id in (first, second))
        apart = self._kinds(first).isdisjoint(self._kinds(second))
        return move if apart and after.start - before.finish >= move else 0

    def _kinds(self, job_id: str) -> frozenset[Kind | None]:
        """Return the kinds of bay in which the job may be."""
        if job_id in self._picked:
            return frozenset(self._shop.options[job_id].kinds)
        return frozenset({self._shop.kind.get(self._incumbent[job_id].bay_id)})

    def _separate(self) -> None:
        """Require that technicians and vehicles are in one place and that the bays suffice."""
        for resource, intervals in self._taken.items():
            fixed = [self._interval(span) for span in merged(self._blocked[resource])]
            self._model.add_no_overlap([*intervals, *fixed])
        for bay_id, spans in self._blocked_bays.items():
            if kind := self._shop.kind.get(bay_id):
                self._counted[kind] += [self._interval(span) for span in merged(spans)]
        people = len(self._shop.workshop.technicians)
        for kind, counted in self._counted.items():
            capacity = self._shop.capacity[kind]
            if capacity < people:
                closed = [self._interval(gap) for gap in self._shop.closed[kind]]
                demands = [1] * len(counted) + [capacity] * len(closed)
                self._model.add_cumulative([*counted, *closed], demands, capacity)

    def _follow(self) -> None:
        """Require that each job starts after its predecessors and the move of the vehicle."""
        for job_id, start in self._starts.items():
            for other in self._shop.network.before[job_id]:
                if other in self._ends:
                    self._model.add(start >= self._ends[other] + self._lag(other, job_id))

    def _minimize_makespan(self) -> None:
        """Minimize the last finish first; it leaves all technicians time for all of their work."""
        makespan = self._model.new_int_var(0, self._last - 1, "")
        for end in self._ends.values():
            self._model.add(makespan >= end)
        now = self._shop.at(self._shop.workshop.now)
        for minutes in self._work.values():
            self._model.add(makespan >= now + sum(minutes))
        self._model.minimize(makespan)

    def _keep_promises(self) -> None:
        costs: list[cp_model.LinearExprT] = []
        ends: defaultdict[str, list[str]] = defaultdict(list)
        for job_id in self._starts:
            ends[self._jobs[job_id].order_id].append(job_id)
        for job_ids in ends.values():
            costs += self._order_costs([self._ends[i] for i in job_ids], self._jobs[job_ids[0]])
        for job_id, picked in self._picked.items():
            before = self._shop.current_plan.get(job_id)
            if before and before.technician_ids in picked:
                costs.append(CHANGED * (1 - picked[before.technician_ids]))
        if self._shop.workshop.move_minutes:
            costs += self._takeovers()
        self._model.minimize(sum(costs))

    def _takeovers(self) -> Iterator[cp_model.LinearExprT]:
        """Yield the cost of each takeover of a vehicle by other technicians."""
        orders: defaultdict[str, list[str]] = defaultdict(list)
        for job_id in sorted(self._starts, key=lambda job_id: self._incumbent[job_id].start):
            orders[self._jobs[job_id].order_id].append(job_id)
        for job_ids in orders.values():
            for first, second in pairwise(job_ids):
                same = [self._both(first, second, team) for team in self._teams(first)]
                yield self._shop.workshop.move_minutes * (1 - sum(same))

    def _teams(self, job_id: str) -> Collection[Team]:
        return self._picked.get(job_id) or (self._kept[job_id].technician_ids,)

    def _both(self, first: str, second: str, team: Team) -> cp_model.LinearExprT:
        """Return whether the team does both jobs."""
        both = self._model.new_bool_var("")
        for job_id in (first, second):
            if job_id in self._picked:
                self._model.add(both <= self._picked[job_id].get(team, 0))
            elif self._kept[job_id].technician_ids != team:
                return 0
        return both

    def _order_costs(
        self, ends: list[cp_model.LinearExprT], job: PlanTask
    ) -> list[cp_model.LinearExprT]:
        latest = 1 << 24
        end = self._model.new_int_var(0, latest, "")
        for one in ends:
            self._model.add(end >= one)
        patience = WAITING_CUSTOMER_WEIGHT if job.waiting_customer else 1
        costs: list[cp_model.LinearExprT] = [job.weight * patience * end]
        if job.promise is not None:
            promised = self._shop.at(job.promise)
            late = self._model.new_int_var(0, latest, "")
            self._model.add(late >= end - promised)
            costs.append(job.weight * LATE * late)
            around = round(self._deviation(job.order_id))
            for limit in (promised - around, promised, promised + around):
                missed = self._model.new_bool_var("")
                self._model.add(end <= max(0, limit)).only_enforce_if(~missed)
                costs.append(job.weight * BROKEN // 3 * missed)
        return costs

    def _deviation(self, order_id: str) -> float:
        """Return the deviation of the order's finish, from its work and its incumbent slot."""
        own = [job for job in self._jobs.values() if job.order_id == order_id]
        work = sum(job.log_stddev * job.minutes for job in own)
        finish = max(self._finishes.get(job.job_id, 0) for job in own)
        return deviation(work, finish - self._shop.workshop.now)
