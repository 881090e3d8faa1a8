"""Search for the earliest finish of a job among technicians, bays and the vehicle's other work."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple

from services.workshop.planning.model import (
    Bay,
    Infeasibility,
    PlanAssignment,
    PlanTask,
    Slot,
    Technician,
    Workshop,
)
from services.workshop.planning.teams import (
    Candidates,
    Need,
    candidates,
    duration,
    need,
    shared_hours,
)
from services.workshop.planning.timeline import NEVER, Busy, Calendar, calendar, common, first_slot
from services.workshop.planning.vehicle import Vehicle

MIN_GAIN_MINUTES: Final = 20
"""Minutes that a job must gain before it leaves technicians and bay of the current plan."""
SHORT_TASK_MOVES: Final = 6
"""Greatest number of vehicle moves that a short job takes."""
MULTISKILL_PENALTY: Final = 10
"""Minutes that a plan gives up for each further skill that stays free for other work."""

_Rank = tuple[int, int, int, tuple[str, ...], int, str, int]
"""Rank of a slot; less is better.

Finish with all costs, start negated, breadth of skills, technicians, breadth of bay, bay, finish.
The costs are those of leaving the current plan, of technicians with many skills, of moving the
vehicle and of a takeover by other technicians.
"""


class _TeamOption(NamedTuple):
    """A team that may do jobs of the given minutes; the same for every plan."""

    technician_ids: tuple[str, ...]
    minutes: int
    breadth: int
    multiskill_penalty: int
    calendar: Calendar
    busy: tuple[Busy, ...]


class _Later(NamedTuple):
    """Minutes of later moves caused by what a bay or a technician cannot do of an order."""

    bays: Mapping[str, int]
    people: Mapping[str, int]


_NOTHING_LATER: Final = _Later({}, {})
_TeamOptions = Mapping[tuple[str, ...], _TeamOption]


class _Team(NamedTuple):
    """A team with the earliest time it could have if a bay were always free.

    ``cost`` is its finish with the ``price`` of the team, ``back`` its start negated: no slot that
    the team can have ranks before the first four figures.
    """

    cost: int
    back: int
    breadth: int
    technician_ids: tuple[str, ...]
    price: int
    team_option: _TeamOption


class _BayOption(NamedTuple):
    """A bay with the earliest time it could have if the fastest team were always free.

    ``cost`` is its finish with the costs of leaving the current plan and of moving the vehicle,
    which is ``price``.
    """

    cost: int
    breadth: int
    bay_id: str
    start: int
    price: int
    hours: Calendar
    busy: tuple[Busy, Busy]


class ResourceSchedule:
    """Occupation of technicians, bays and vehicles while a plan is being made.

    ``multiskill_penalty`` is the price in minutes of each further skill of the people chosen.
    """

    def __init__(self, workshop: Workshop, multiskill_penalty: int = 0) -> None:
        self._multiskill_penalty = multiskill_penalty
        self.now = workshop.now
        self._technicians = tuple(sorted(workshop.technicians, key=lambda t: t.technician_id))
        self._bays = tuple(sorted(workshop.bays, key=lambda b: b.bay_id))
        self._by_id = {t.technician_id: t for t in self._technicians}
        self._team_options: dict[str, _TeamOptions] = {}
        self._team_options_alike: dict[Hashable, _TeamOptions] = {}
        self._calendars: dict[tuple[str, ...], Calendar] = {}
        self._shared: dict[tuple[Calendar, Calendar], Calendar] = {}
        self._hours = _distinct_hours(self._bays)
        self._current_plan = {assignment.job_id: assignment for assignment in workshop.current_plan}
        self._chosen: Mapping[str, tuple[str, ...]] = {}
        self._candidates: dict[str, Candidates | Infeasibility] = {}
        self._suited: dict[Need, Candidates] = {}
        self._people: defaultdict[str, Busy] = defaultdict(Busy)
        self._taken_bays: defaultdict[str, Busy] = defaultdict(Busy)
        self._orders = _orders(workshop.jobs) if workshop.move_minutes else {}
        self._move = workshop.move_minutes
        self._later: dict[str, _Later] = {}
        self._later_alike: dict[tuple[Need, ...], _Later] = {}
        self._vehicles: dict[str, Vehicle] = {}
        self._done = workshop.done
        self._place_vehicles()

    def clear(self, chosen: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Free all resources for another plan, in which ``chosen`` fixes the teams of jobs."""
        self._chosen = chosen or {}
        for busy in chain(self._people.values(), self._taken_bays.values()):
            busy.forget()
        for vehicle in self._vehicles.values():
            vehicle.forget()
        self._place_vehicles()

    def take(self, slot: Slot, order_id: str | None = None) -> None:
        """Reserve technicians, bay and, for an order's job, the vehicle."""
        for technician_id in slot.technician_ids:
            self._people[technician_id].take(slot.start, slot.finish)
        self._taken_bays[slot.bay_id].take(slot.start, slot.finish)
        if order_id is not None:
            self.vehicle(order_id).take(slot)

    def _place_vehicles(self) -> None:
        """Place the vehicles with earlier work where that work was done."""
        for stay in self._done:
            self.vehicle(stay.order_id).take(stay)

    def vehicle(self, order_id: str) -> Vehicle:
        """Return the vehicle of an order."""
        found = self._vehicles.get(order_id)
        if found is None:
            found = self._vehicles[order_id] = Vehicle(self._move)
        return found

    def _moves_later(self, job: PlanTask) -> _Later:
        """Return the later moves of a slot that does not serve all jobs of the order.

        A long job does not keep from others a bay or a technician that serves many needs.
        """
        if job.minutes > SHORT_TASK_MOVES * self._move:
            return _NOTHING_LATER
        found = self._later.get(job.order_id)
        if found is None:
            jobs = self._orders.get(job.order_id, [])
            wanted = tuple(need(each) for each in jobs)
            found = self._later_alike.get(wanted) or self._unserved(jobs)
            self._later[job.order_id] = self._later_alike[wanted] = found
        return found

    def _unserved(self, jobs: list[PlanTask]) -> _Later:
        """Return a move for each job that a bay does not serve or a technician cannot do."""
        if len(jobs) < 2:
            return _NOTHING_LATER
        bays = dict.fromkeys((bay.bay_id for bay in self._bays), self._move * len(jobs))
        people = dict.fromkeys(self._by_id, self._move * len(jobs))
        for able in (self.candidates(job) for job in jobs):
            if isinstance(able, Candidates):
                for bay in able.bays:
                    bays[bay.bay_id] -= self._move
                for technician in able.technicians:
                    people[technician.technician_id] -= self._move
        return _Later(bays, people)

    def candidates(self, job: PlanTask) -> Candidates | Infeasibility:
        """Return the technicians and the bays that may serve the job."""
        found = self._candidates.get(job.job_id)
        if found is None:
            found = self._suited.get(need(job)) or candidates(job, self._technicians, self._bays)
            self._candidates[job.job_id] = found
            if isinstance(found, Candidates):
                self._suited[need(job)] = found
        return found

    def calendar(self, technician_ids: tuple[str, ...]) -> Calendar:
        """Return when all these technicians work together."""
        if technician_ids not in self._calendars:
            self._calendars[technician_ids] = shared_hours([self._by_id[i] for i in technician_ids])
        return self._calendars[technician_ids]

    def _team_hours(self, members: tuple[Technician, ...]) -> Calendar:
        """Return when these candidates for a job work together and are qualified for it."""
        if any(technician.qualifications for technician in members):
            return shared_hours(members)
        return self.calendar(tuple(technician.technician_id for technician in members))

    def _shared_hours(self, team: Calendar, bay: Calendar) -> Calendar:
        """Return when the team can work in the bay."""
        if (team, bay) not in self._shared:
            self._shared[team, bay] = calendar(common(team.windows, bay.windows))
        return self._shared[team, bay]

    def find_slot(self, job: PlanTask, ready: int) -> PlanAssignment | Infeasibility:
        """Return the earliest finish of a job that may start from ``ready``; nothing is taken yet.

        A job keeps its slot of the current plan unless it gains more than ``MIN_GAIN_MINUTES``
        minutes. The vehicle keeps its bay and its technicians unless more is gained than a move
        takes. Of equal finishes the latest start wins, then the team that has the vehicle, then the
        team with the fewest skills and the bay with the fewest types, so that scarce resources stay
        free; ids decide the rest.
        """
        found = self.candidates(job)
        if isinstance(found, Infeasibility):
            return found
        earliest = self.earliest(job, ready)
        before = self._current_plan.get(job.job_id)
        start, finish, most = self._unmoved(job, found, earliest)
        teams = self._teams(job, found, earliest, most)
        # No other team is free so early, and another bay would only add the cost of moving.
        if before and len(teams) == 1 and teams[0].cost == most:
            return replace(before, start=start, finish=finish)
        fastest = min((team.team_option.minutes for team in teams), default=1)
        bay_options = self._bay_options(job, found, earliest, fastest, most)
        best: _Rank = most, NEVER, 0, (), 0, "", NEVER
        plain = sorted(bay_options, key=_plainness)
        for team in teams:
            if team.cost > best[0]:
                break
            if team[:4] < best:
                best = self._meet(job, team, bay_options, plain, best)
        _, back, _, technician_ids, _, bay_id, finish = best
        if finish >= NEVER:
            return _no_time(job)
        return PlanAssignment(technician_ids, bay_id, -back, finish, job.job_id)

    def slot_in_current_plan(self, job: PlanTask, ready: int) -> PlanAssignment | Infeasibility:
        """Return the job's slot of the current plan, if it may start from ``ready`` and is free."""
        before, found = self._current_plan.get(job.job_id), self.candidates(job)
        if before is None or isinstance(found, Infeasibility):
            return _no_time(job)
        start, finish, _ = self._unmoved(job, found, before.start)
        is_free = (start, finish) == (before.start, before.finish)
        return before if is_free and start >= self.earliest(job, ready) else _no_time(job)

    def _unmoved(self, job: PlanTask, found: Candidates, earliest: int) -> tuple[int, int, int]:
        """Return start, finish and cost with technicians and bay of the current plan, or NEVER."""
        before = self._current_plan.get(job.job_id)
        if before is None or all(bay.bay_id != before.bay_id for bay in found.bays):
            return NEVER, NEVER, NEVER
        team_option = self._team_options_for(job, found).get(before.technician_ids)
        if (
            team_option is None
            or self._chosen.get(job.job_id, team_option.technician_ids)
            != team_option.technician_ids
        ):
            return NEVER, NEVER, NEVER
        hours = self._shared_hours(team_option.calendar, self._hours[before.bay_id])
        vehicle = self.vehicle(job.order_id)
        busy = *team_option.busy, self._taken_bays[before.bay_id], vehicle.busy(before.bay_id)
        start, finish = first_slot(hours, team_option.minutes, earliest, busy)
        later = self._moves_later(job)
        more = team_option.multiskill_penalty + vehicle.taking_over(
            team_option.technician_ids, later.people
        )
        more += vehicle.moving(before.bay_id, later.bays)
        return start, finish, min(NEVER, finish + more)

    def _meet(
        self,
        job: PlanTask,
        team: _Team,
        bay_options: list[_BayOption],
        plain: list[_BayOption],
        best: _Rank,
    ) -> _Rank:
        """Return the better of ``best`` and the team's best slot; bays free first are tried first.

        The search ends at the first bay that the team gets at its own earliest time.
        """
        team_option = team.team_option
        before = self._current_plan.get(job.job_id)
        away = MIN_GAIN_MINUTES if before else 0
        home = (
            before.bay_id
            if before and before.technician_ids == team_option.technician_ids
            else None
        )
        soon = [option for option in plain if option.cost <= team.cost]
        for option in chain(soon, (option for option in bay_options if option.cost > team.cost)):
            if option.cost > best[0]:
                break
            hours = self._shared_hours(team_option.calendar, option.hours)
            earliest, busy = max(-team.back, option.start), (*team_option.busy, *option.busy)
            more = team.price + option.price + (0 if option.bay_id == home else away)
            start, finish = first_slot(hours, team_option.minutes, earliest, busy, best[0] - more)
            if finish < NEVER:
                placement = (
                    -start,
                    team.breadth,
                    team_option.technician_ids,
                    option.breadth,
                    option.bay_id,
                )
                best = min(best, (finish + more, *placement, finish))
                if finish + more == team.cost:
                    break
        return best

    def earliest(self, job: PlanTask, ready: int) -> int:
        """Return when the vehicle and the parts are there and the predecessors are done."""
        return max(ready, self.now, job.earliest_start, job.parts_eta)

    def people_free(self, job: PlanTask, ready: int) -> int:
        """Return when a team could start if a bay were always free, or NEVER."""
        found = self.candidates(job)
        if isinstance(found, Infeasibility):
            return NEVER
        teams = self._teams(job, found, self.earliest(job, ready), NEVER)
        return min((-team.back for team in teams), default=NEVER)

    def _teams(self, job: PlanTask, found: Candidates, earliest: int, most: int) -> list[_Team]:
        """Return teams by their cost if a bay were always free; none above ``most``."""
        teams = []
        before = self._current_plan.get(job.job_id)
        present = before.technician_ids if before else None
        vehicle, later = self.vehicle(job.order_id), self._moves_later(job).people
        for team_option in self._eligible(job, found):
            ids = team_option.technician_ids
            price = team_option.multiskill_penalty + vehicle.taking_over(ids, later)
            more = price + MIN_GAIN_MINUTES if present and present != ids else price
            busy = *team_option.busy, vehicle.anywhere
            start, finish = first_slot(
                team_option.calendar, team_option.minutes, earliest, busy, most - more
            )
            if finish < NEVER:
                breadth = 0 if vehicle.has(ids) else team_option.breadth
                teams.append(_Team(finish + more, -start, breadth, ids, price, team_option))
        teams.sort()
        return teams

    def _eligible(self, job: PlanTask, found: Candidates) -> Iterable[_TeamOption]:
        team_options = self._team_options_for(job, found)
        chosen = self._chosen.get(job.job_id)
        return (team_options[chosen],) if chosen else team_options.values()

    def _team_options_for(self, job: PlanTask, found: Candidates) -> _TeamOptions:
        team_options = self._team_options.get(job.job_id)
        if team_options is None:
            alike = need(job), job.minutes, *sorted(job.own_minutes.items())
            team_options = self._team_options_alike.get(alike)
            if team_options is None:
                made = (
                    self._team_option(members, duration(job, members))
                    for members in found.teams(job)
                )
                team_options = self._team_options_alike[alike] = {
                    team_option.technician_ids: team_option for team_option in made
                }
            self._team_options[job.job_id] = team_options
        return team_options

    def _team_option(self, members: tuple[Technician, ...], minutes: int) -> _TeamOption:
        ids = tuple(t.technician_id for t in members)
        return _TeamOption(
            ids,
            minutes,
            _breadth(members),
            self._multiskill_penalty * _further(members),
            self._team_hours(members),
            tuple(self._people[i] for i in ids),
        )

    def _bay_options(
        self, job: PlanTask, found: Candidates, earliest: int, minutes: int, most: int
    ) -> list[_BayOption]:
        """Return bays by their cost for the fastest team if they were free; none above ``most``."""
        bay_options = []
        before = self._current_plan.get(job.job_id)
        present = before.bay_id if before else None
        vehicle, later = self.vehicle(job.order_id), self._moves_later(job).bays
        for bay in found.bays:
            name, price = bay.bay_id, vehicle.moving(bay.bay_id, later)
            more = price + MIN_GAIN_MINUTES if present and present != name else price
            hours, busy = self._hours[name], (self._taken_bays[name], vehicle.busy(name))
            start, finish = first_slot(hours, minutes, earliest, busy, most - more)
            if finish < NEVER:
                breadth = len(bay.capabilities)
                bay_options.append(
                    _BayOption(finish + more, breadth, name, start, price, hours, busy)
                )
        bay_options.sort(key=lambda option: option[:3])
        return bay_options


def _orders(jobs: tuple[PlanTask, ...]) -> Mapping[str, list[PlanTask]]:
    """Return the jobs of each order that have not begun."""
    found: defaultdict[str, list[PlanTask]] = defaultdict(list)
    for job in jobs:
        if not job.fixed_assignment:
            found[job.order_id].append(job)
    return found


def _no_time(job: PlanTask) -> Infeasibility:
    return Infeasibility(
        job.job_id, "no_time", {"skill_code": job.skill_code, "bay_type": job.bay_type}
    )


def _plainness(option: _BayOption) -> tuple[int, str]:
    return option.breadth, option.bay_id


def _breadth(members: tuple[Technician, ...]) -> int:
    return sum(sum(t.skills.values()) + len(t.certificates) for t in members)


def _further(members: tuple[Technician, ...]) -> int:
    """Return the number of skills of the team beyond one each."""
    return sum(len(t.skills) - 1 for t in members)


def _distinct_hours(bays: tuple[Bay, ...]) -> dict[str, Calendar]:
    """Return each bay's calendar; bays that open at the same times share one."""
    return {bay.bay_id: calendar(bay.open) for bay in bays}
