"""Finding the earliest finish of one job among technicians, bays and the vehicle's other work."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
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
from services.workshop.planning.teams import Candidates, candidates, duration
from services.workshop.planning.timeline import NEVER, Busy, Calendar, calendar, common

STABILITY: Final = 20
"""Minutes that a job must gain before it leaves the people and the bay of the running plan."""
VERSATILITY: Final = 10
"""Minutes that a plan gives up for each further trade that stays free for other work."""

_Rank = tuple[int, int, int, tuple[str, ...], int, str, int]
"""Finish with the costs of moving and of versatile people, start negated, breadth of skills,
technicians, breadth of bay, bay, finish."""
_NOWHERE: Final[_Rank] = (NEVER, 0, 0, (), 0, "", NEVER)


class _Team(NamedTuple):
    """A team with the earliest possession it could have if a bay were always free.

    ``cost`` is its finish with the costs of moving and of versatile people.
    """

    cost: int
    technician_ids: tuple[str, ...]
    start: int
    minutes: int
    breadth: int
    further: int


class _Stand(NamedTuple):
    """A bay with the earliest possession it could have if the fastest team were always free.

    ``cost`` is its finish with the cost of moving.
    """

    cost: int
    breadth: int
    bay_id: str
    start: int
    bay: Bay


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
        self._calendars: dict[tuple[str, ...], Calendar] = {}
        self._shared: dict[tuple[tuple[str, ...], Calendar], Calendar] = {}
        self._hours = _distinct_hours(self._bays)
        self._running = {assignment.job_id: assignment for assignment in workshop.running}
        self._chosen: Mapping[str, tuple[str, ...]] = {}
        self._candidates: dict[str, Candidates | Refusal] = {}
        self.people: defaultdict[str, Busy] = defaultdict(Busy)
        self.bays: defaultdict[str, Busy] = defaultdict(Busy)
        self.vehicles: defaultdict[str, Busy] = defaultdict(Busy)

    def clear(self, chosen: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Free everything, for another plan, in which ``chosen`` fixes the teams of jobs."""
        self._chosen = chosen or {}
        self.people.clear()
        self.bays.clear()
        self.vehicles.clear()

    def take(self, reservation: Reservation, order_id: str | None = None) -> None:
        """Reserve technicians, bay and, for an order's job, the vehicle."""
        for technician_id in reservation.technician_ids:
            self.people[technician_id].take(reservation.start, reservation.finish)
        self.bays[reservation.bay_id].take(reservation.start, reservation.finish)
        if order_id is not None:
            self.vehicles[order_id].take(reservation.start, reservation.finish)

    def candidates(self, job: Job) -> Candidates | Refusal:
        """Who may do the job where."""
        found = self._candidates.get(job.job_id)
        if found is None:
            found = candidates(job, self._technicians, self._bays)
            self._candidates[job.job_id] = found
        return found

    def calendar(self, technician_ids: tuple[str, ...], bay: Bay | None = None) -> Calendar:
        """When all these technicians work together, in the bay if one is named."""
        if bay is None:
            return self._together(technician_ids)
        key = technician_ids, self._hours[bay.bay_id]
        if key not in self._shared:
            team = self._together(technician_ids)
            self._shared[key] = calendar(common(team.windows, key[1].windows))
        return self._shared[key]

    def _together(self, technician_ids: tuple[str, ...]) -> Calendar:
        if technician_ids not in self._calendars:
            windows = calendar(self._by_id[technician_ids[0]].working).windows
            for technician_id in technician_ids[1:]:
                windows = common(windows, calendar(self._by_id[technician_id].working).windows)
            self._calendars[technician_ids] = calendar(windows)
        return self._calendars[technician_ids]

    def place(self, job: Job, ready: int) -> Assignment | Refusal:
        """The earliest finish of a job that may start from ``ready``; nothing is taken yet.

        A job keeps its place of the running plan unless it gains more than ``STABILITY`` minutes.
        Of equal finishes the latest start wins, then the team
        with the fewest skills and the plainest bay, so that what is scarce stays free; ids decide
        the rest.
        """
        found = self.candidates(job)
        if isinstance(found, Refusal):
            return found
        earliest = self.earliest(job, ready)
        teams = self._teams(job, found, earliest)
        stands = self._stands(job, found, earliest, min((t.minutes for t in teams), default=1))
        best = _NOWHERE
        for team in teams:
            if team.cost > best[0]:
                break
            for stand in stands:
                if stand.cost > best[0]:
                    break
                best = min(best, self._meeting(job, team, stand))
        _, back, _, technician_ids, _, bay_id, finish = best
        if finish >= NEVER:
            return Refusal(job.job_id, "no_time", {"trade": job.trade, "bay_type": job.bay_type})
        return Assignment(technician_ids, bay_id, -back, finish, job.job_id)

    def earliest(self, job: Job, ready: int) -> int:
        """When the vehicle and the parts are there and what goes before is done."""
        return max(ready, self.now, job.release, job.parts_at)

    def people_free(self, job: Job, ready: int) -> int:
        """When a team could start if a bay were always free, or NEVER."""
        found = self.candidates(job)
        if isinstance(found, Refusal):
            return NEVER
        teams = self._teams(job, found, self.earliest(job, ready))
        return min((team.start for team in teams), default=NEVER)

    def _teams(self, job: Job, found: Candidates, earliest: int) -> list[_Team]:
        """Teams by what they would cost if a bay were always free."""
        teams = []
        before = self._running.get(job.job_id)
        vehicle = self.vehicles[job.order_id]
        for members in self._eligible(job, found):
            ids = tuple(t.technician_id for t in members)
            minutes = duration(job, members)
            busy = [*(self.people[i] for i in ids), vehicle]
            start, finish = _slot(self.calendar(ids), minutes, earliest, busy)
            if finish < NEVER:
                moved = before is not None and before.technician_ids != ids
                further = _further(members)
                cost = finish + STABILITY * moved + self._versatility * further
                teams.append(_Team(cost, ids, start, minutes, _breadth(members), further))
        teams.sort()
        return teams

    def _eligible(self, job: Job, found: Candidates) -> Iterable[tuple[Technician, ...]]:
        chosen = self._chosen.get(job.job_id)
        return [tuple(self._by_id[i] for i in chosen)] if chosen else found.teams(job)

    def _stands(self, job: Job, found: Candidates, earliest: int, minutes: int) -> list[_Stand]:
        """Bays by what they would cost the fastest team if it were free."""
        stands = []
        before = self._running.get(job.job_id)
        vehicle = self.vehicles[job.order_id]
        for bay in found.bays:
            busy = [self.bays[bay.bay_id], vehicle]
            start, finish = _slot(self._hours[bay.bay_id], minutes, earliest, busy)
            moved = before is not None and before.bay_id != bay.bay_id
            cost = finish + STABILITY * moved
            stands.append(_Stand(cost, len(bay.capabilities), bay.bay_id, start, bay))
        stands.sort(key=lambda stand: stand[:3])
        return stands

    def _meeting(self, job: Job, team: _Team, stand: _Stand) -> _Rank:
        """The earliest time that the team and the bay have for the job together."""
        busy = [self.people[i] for i in team.technician_ids]
        busy += [self.bays[stand.bay_id], self.vehicles[job.order_id]]
        calendar = self.calendar(team.technician_ids, stand.bay)
        earliest = max(team.start, stand.start)
        start, finish = _slot(calendar, team.minutes, earliest, busy)
        before = self._running.get(job.job_id)
        moved = before is not None and (
            before.bay_id != stand.bay_id or before.technician_ids != team.technician_ids
        )
        return (
            finish + STABILITY * moved + self._versatility * team.further,
            -start,
            team.breadth,
            team.technician_ids,
            stand.breadth,
            stand.bay_id,
            finish,
        )


def _slot(calendar: Calendar, minutes: int, earliest: int, busy: Iterable[Busy]) -> tuple[int, int]:
    """The first start and finish of uninterrupted possession from ``earliest``."""
    start, finish = calendar.span(earliest, minutes)
    while start < NEVER:
        clear = start
        for taken in busy:
            after = taken.clear(start, finish)
            if after > clear:
                clear = after
        if clear == start:
            break
        start, finish = calendar.span(clear, minutes)
    return start, finish


def _breadth(members: tuple[Technician, ...]) -> int:
    return sum(sum(t.skills.values()) + len(t.certificates) for t in members)


def _further(members: tuple[Technician, ...]) -> int:
    """Trades of the team beyond one each."""
    return sum(len(t.skills) - 1 for t in members)


def _distinct_hours(bays: tuple[Bay, ...]) -> dict[str, Calendar]:
    """Each bay's calendar; bays that open at the same times share one."""
    return {bay.bay_id: calendar(bay.open) for bay in bays}
