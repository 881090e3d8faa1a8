"""Finding the earliest finish of one job among technicians, bays and the vehicle's other work."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple

from services.workshop.planning.model import (
    Assignment,
    Bay,
    Job,
    Refusal,
    Reservation,
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

STABILITY: Final = 20
"""Minutes that a job must gain before it leaves the people and the bay of the running plan."""
SHORT: Final = 6
"""Moves of a vehicle that a short job takes at most."""
VERSATILITY: Final = 10
"""Minutes that a plan gives up for each further trade that stays free for other work."""

_Rank = tuple[int, int, int, tuple[str, ...], int, str, int]
"""Finish with all costs, start negated, breadth of skills, technicians, breadth of bay, bay,
finish. The costs are those of leaving the running plan, of versatile people, of moving the vehicle
and of others who take it over."""


class _Crew(NamedTuple):
    """A team that may do jobs of so many minutes; the same for every plan."""

    technician_ids: tuple[str, ...]
    minutes: int
    breadth: int
    versatility: int
    calendar: Calendar
    busy: tuple[Busy, ...]


class _Later(NamedTuple):
    """Minutes of moves that a bay, or a technician, brings by what it cannot do of an order."""

    bays: Mapping[str, int]
    people: Mapping[str, int]


_NOTHING_LATER: Final = _Later({}, {})
_Crews = Mapping[tuple[str, ...], _Crew]


class _Team(NamedTuple):
    """A team with the earliest possession it could have if a bay were always free.

    ``cost`` is its finish with the ``price`` of the team, ``back`` its start negated: no place that
    the team can have ranks before the first four figures.
    """

    cost: int
    back: int
    breadth: int
    technician_ids: tuple[str, ...]
    price: int
    crew: _Crew


class _Stand(NamedTuple):
    """A bay with the earliest possession it could have if the fastest team were always free.

    ``cost`` is its finish with the costs of leaving the running plan and of moving the vehicle,
    which is ``price``.
    """

    cost: int
    breadth: int
    bay_id: str
    start: int
    price: int
    hours: Calendar
    busy: tuple[Busy, Busy]


class Floor:
    """The shop floor while a plan is being made: who and what is taken when.

    ``versatility`` is the price in minutes of each further trade of the people chosen.
    """

    def __init__(self, workshop: Workshop, versatility: int = 0) -> None:
        self._versatility = versatility
        self.now = workshop.now
        self._technicians = tuple(sorted(workshop.technicians, key=lambda t: t.technician_id))
        self._bays = tuple(sorted(workshop.bays, key=lambda b: b.bay_id))
        self._by_id = {t.technician_id: t for t in self._technicians}
        self._crews: dict[str, _Crews] = {}
        self._crews_alike: dict[Hashable, _Crews] = {}
        self._calendars: dict[tuple[str, ...], Calendar] = {}
        self._shared: dict[tuple[Calendar, Calendar], Calendar] = {}
        self._hours = _distinct_hours(self._bays)
        self._running = {assignment.job_id: assignment for assignment in workshop.running}
        self._chosen: Mapping[str, tuple[str, ...]] = {}
        self._candidates: dict[str, Candidates | Refusal] = {}
        self._suited: dict[Need, Candidates] = {}
        self._people: defaultdict[str, Busy] = defaultdict(Busy)
        self._taken_bays: defaultdict[str, Busy] = defaultdict(Busy)
        self._orders = _orders(workshop.jobs) if workshop.move_minutes else {}
        self._move = workshop.move_minutes
        self._later: dict[str, _Later] = {}
        self._later_alike: dict[tuple[Need, ...], _Later] = {}
        self._vehicles: dict[str, Vehicle] = {}
        self._done = workshop.done
        self._stand()

    def clear(self, chosen: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Free everything, for another plan, in which ``chosen`` fixes the teams of jobs."""
        self._chosen = chosen or {}
        for busy in chain(self._people.values(), self._taken_bays.values()):
            busy.forget()
        for vehicle in self._vehicles.values():
            vehicle.forget()
        self._stand()

    def take(self, reservation: Reservation, order_id: str | None = None) -> None:
        """Reserve technicians, bay and, for an order's job, the vehicle."""
        for technician_id in reservation.technician_ids:
            self._people[technician_id].take(reservation.start, reservation.finish)
        self._taken_bays[reservation.bay_id].take(reservation.start, reservation.finish)
        if order_id is not None:
            self.vehicle(order_id).take(reservation)

    def _stand(self) -> None:
        """The vehicles that have been worked on stand where that was."""
        for stay in self._done:
            self.vehicle(stay.order_id).take(stay)

    def vehicle(self, order_id: str) -> Vehicle:
        """The vehicle of an order."""
        found = self._vehicles.get(order_id)
        if found is None:
            found = self._vehicles[order_id] = Vehicle(self._move)
        return found

    def _moves_later(self, job: Job) -> _Later:
        """What a place of the job brings later, as not all jobs of the order can be done there.

        A long job does not keep a bay or a technician that serves many needs from others.
        """
        if job.minutes > SHORT * self._move:
            return _NOTHING_LATER
        found = self._later.get(job.order_id)
        if found is None:
            jobs = self._orders.get(job.order_id, [])
            wanted = tuple(need(each) for each in jobs)
            found = self._later_alike.get(wanted) or self._unserved(jobs)
            self._later[job.order_id] = self._later_alike[wanted] = found
        return found

    def _unserved(self, jobs: list[Job]) -> _Later:
        """A move for each of the jobs that a bay does not serve, or a technician cannot do."""
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

    def candidates(self, job: Job) -> Candidates | Refusal:
        """Who may do the job where."""
        found = self._candidates.get(job.job_id)
        if found is None:
            found = self._suited.get(need(job)) or candidates(job, self._technicians, self._bays)
            self._candidates[job.job_id] = found
            if isinstance(found, Candidates):
                self._suited[need(job)] = found
        return found

    def calendar(self, technician_ids: tuple[str, ...]) -> Calendar:
        """When all these technicians work together."""
        if technician_ids not in self._calendars:
            self._calendars[technician_ids] = shared_hours([self._by_id[i] for i in technician_ids])
        return self._calendars[technician_ids]

    def _shared_hours(self, team: Calendar, bay: Calendar) -> Calendar:
        """When the team can work in the bay."""
        if (team, bay) not in self._shared:
            self._shared[team, bay] = calendar(common(team.windows, bay.windows))
        return self._shared[team, bay]

    def place(self, job: Job, ready: int) -> Assignment | Refusal:
        """The earliest finish of a job that may start from ``ready``; nothing is taken yet.

        A job keeps its place of the running plan unless it gains more than ``STABILITY`` minutes.
        The vehicle keeps its bay and its technicians unless more is gained than a move takes. Of
        equal finishes the latest start wins, then who has the vehicle, then the team with the
        fewest skills and the plainest bay, so that what is scarce stays free; ids decide the rest.
        """
        found = self.candidates(job)
        if isinstance(found, Refusal):
            return found
        earliest = self.earliest(job, ready)
        before = self._running.get(job.job_id)
        start, finish, most = self._unmoved(job, found, earliest)
        teams = self._teams(job, found, earliest, most)
        # Nobody else is free so early, and another bay would only add the cost of moving.
        if before and len(teams) == 1 and teams[0].cost == most:
            return replace(before, start=start, finish=finish)
        fastest = min((team.crew.minutes for team in teams), default=1)
        stands = self._stands(job, found, earliest, fastest, most)
        best: _Rank = most, NEVER, 0, (), 0, "", NEVER
        plain = sorted(stands, key=_plainness)
        for team in teams:
            if team.cost > best[0]:
                break
            if team[:4] < best:
                best = self._meet(job, team, stands, plain, best)
        _, back, _, technician_ids, _, bay_id, finish = best
        if finish >= NEVER:
            return _no_time(job)
        return Assignment(technician_ids, bay_id, -back, finish, job.job_id)

    def standing(self, job: Job, ready: int) -> Assignment | Refusal:
        """The job's place of the running plan, if it may start from ``ready`` and is still free."""
        before, found = self._running.get(job.job_id), self.candidates(job)
        if before is None or isinstance(found, Refusal):
            return _no_time(job)
        start, finish, _ = self._unmoved(job, found, before.start)
        stands = (start, finish) == (before.start, before.finish)
        return before if stands and start >= self.earliest(job, ready) else _no_time(job)

    def _unmoved(self, job: Job, found: Candidates, earliest: int) -> tuple[int, int, int]:
        """Start, finish and cost with the people and in the bay of the running plan, or NEVER."""
        before = self._running.get(job.job_id)
        if before is None or all(bay.bay_id != before.bay_id for bay in found.bays):
            return NEVER, NEVER, NEVER
        crew = self._crews_for(job, found).get(before.technician_ids)
        if crew is None or self._chosen.get(job.job_id, crew.technician_ids) != crew.technician_ids:
            return NEVER, NEVER, NEVER
        hours = self._shared_hours(crew.calendar, self._hours[before.bay_id])
        vehicle = self.vehicle(job.order_id)
        busy = *crew.busy, self._taken_bays[before.bay_id], vehicle.busy(before.bay_id)
        start, finish = first_slot(hours, crew.minutes, earliest, busy)
        later = self._moves_later(job)
        more = crew.versatility + vehicle.taking_over(crew.technician_ids, later.people)
        more += vehicle.moving(before.bay_id, later.bays)
        return start, finish, min(NEVER, finish + more)

    def _meet(
        self, job: Job, team: _Team, stands: list[_Stand], plain: list[_Stand], best: _Rank
    ) -> _Rank:
        """The best of ``best`` and of what the team can have, the bays that may be free first.

        The plainest bay that the team gets at its own earliest time cannot be beaten by another.
        """
        crew = team.crew
        before = self._running.get(job.job_id)
        away = STABILITY if before else 0
        home = before.bay_id if before and before.technician_ids == crew.technician_ids else None
        soon = [stand for stand in plain if stand.cost <= team.cost]
        for stand in chain(soon, (stand for stand in stands if stand.cost > team.cost)):
            if stand.cost > best[0]:
                break
            hours = self._shared_hours(crew.calendar, stand.hours)
            earliest, busy = max(-team.back, stand.start), (*crew.busy, *stand.busy)
            more = team.price + stand.price + (0 if stand.bay_id == home else away)
            start, finish = first_slot(hours, crew.minutes, earliest, busy, best[0] - more)
            if finish < NEVER:
                place = -start, team.breadth, crew.technician_ids, stand.breadth, stand.bay_id
                best = min(best, (finish + more, *place, finish))
                if finish + more == team.cost:
                    break
        return best

    def earliest(self, job: Job, ready: int) -> int:
        """When the vehicle and the parts are there and what goes before is done."""
        return max(ready, self.now, job.release, job.parts_at)

    def people_free(self, job: Job, ready: int) -> int:
        """When a team could start if a bay were always free, or NEVER."""
        found = self.candidates(job)
        if isinstance(found, Refusal):
            return NEVER
        teams = self._teams(job, found, self.earliest(job, ready), NEVER)
        return min((-team.back for team in teams), default=NEVER)

    def _teams(self, job: Job, found: Candidates, earliest: int, most: int) -> list[_Team]:
        """Teams by what they would cost if a bay were always free; none above ``most``."""
        teams = []
        before = self._running.get(job.job_id)
        present = before.technician_ids if before else None
        vehicle, later = self.vehicle(job.order_id), self._moves_later(job).people
        for crew in self._eligible(job, found):
            ids = crew.technician_ids
            price = crew.versatility + vehicle.taking_over(ids, later)
            more = price + STABILITY if present and present != ids else price
            busy = *crew.busy, vehicle.anywhere
            start, finish = first_slot(crew.calendar, crew.minutes, earliest, busy, most - more)
            if finish < NEVER:
                breadth = 0 if vehicle.has(ids) else crew.breadth
                teams.append(_Team(finish + more, -start, breadth, ids, price, crew))
        teams.sort()
        return teams

    def _eligible(self, job: Job, found: Candidates) -> Iterable[_Crew]:
        crews = self._crews_for(job, found)
        chosen = self._chosen.get(job.job_id)
        return (crews[chosen],) if chosen else crews.values()

    def _crews_for(self, job: Job, found: Candidates) -> _Crews:
        crews = self._crews.get(job.job_id)
        if crews is None:
            alike = need(job), job.minutes, *sorted(job.own_minutes.items())
            crews = self._crews_alike.get(alike)
            if crews is None:
                made = (self._crew(members, duration(job, members)) for members in found.teams(job))
                crews = self._crews_alike[alike] = {crew.technician_ids: crew for crew in made}
            self._crews[job.job_id] = crews
        return crews

    def _crew(self, members: tuple[Technician, ...], minutes: int) -> _Crew:
        ids = tuple(t.technician_id for t in members)
        return _Crew(
            ids,
            minutes,
            _breadth(members),
            self._versatility * _further(members),
            self.calendar(ids),
            tuple(self._people[i] for i in ids),
        )

    def _stands(
        self, job: Job, found: Candidates, earliest: int, minutes: int, most: int
    ) -> list[_Stand]:
        """Bays by what they would cost the fastest team if it were free; none above ``most``."""
        stands = []
        before = self._running.get(job.job_id)
        present = before.bay_id if before else None
        vehicle, later = self.vehicle(job.order_id), self._moves_later(job).bays
        for bay in found.bays:
            name, price = bay.bay_id, vehicle.moving(bay.bay_id, later)
            more = price + STABILITY if present and present != name else price
            hours, busy = self._hours[name], (self._taken_bays[name], vehicle.busy(name))
            start, finish = first_slot(hours, minutes, earliest, busy, most - more)
            if finish < NEVER:
                breadth = len(bay.capabilities)
                stands.append(_Stand(finish + more, breadth, name, start, price, hours, busy))
        stands.sort(key=lambda stand: stand[:3])
        return stands


def _orders(jobs: tuple[Job, ...]) -> Mapping[str, list[Job]]:
    """The jobs of each order that have not begun."""
    found: defaultdict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        if not job.frozen:
            found[job.order_id].append(job)
    return found


def _no_time(job: Job) -> Refusal:
    return Refusal(job.job_id, "no_time", {"trade": job.trade, "bay_type": job.bay_type})


def _plainness(stand: _Stand) -> tuple[int, str]:
    return stand.breadth, stand.bay_id


def _breadth(members: tuple[Technician, ...]) -> int:
    return sum(sum(t.skills.values()) + len(t.certificates) for t in members)


def _further(members: tuple[Technician, ...]) -> int:
    """Trades of the team beyond one each."""
    return sum(len(t.skills) - 1 for t in members)


def _distinct_hours(bays: tuple[Bay, ...]) -> dict[str, Calendar]:
    """Each bay's calendar; bays that open at the same times share one."""
    return {bay.bay_id: calendar(bay.open) for bay in bays}
