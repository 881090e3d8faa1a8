"""Finding the earliest finish of one job among technicians, bays and the vehicle's other work."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

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
from services.workshop.planning.timeline import NEVER, Busy, Calendar, common


@dataclass(frozen=True)
class _Choice:
    """A team and a bay with the time they would take; the least ``rank`` is the best."""

    rank: tuple[int, int, int, tuple[str, ...], int, str]
    start: int


@dataclass(frozen=True)
class _Team:
    technician_ids: tuple[str, ...]
    minutes: int
    start: int
    finish: int
    skills: int


class Floor:
    """The shop floor while a plan is being made: who and what is taken when."""

    def __init__(self, workshop: Workshop) -> None:
        self.now = workshop.now
        self._technicians = tuple(sorted(workshop.technicians, key=lambda t: t.technician_id))
        self._bays = tuple(sorted(workshop.bays, key=lambda b: b.bay_id))
        self._by_id = {t.technician_id: t for t in self._technicians}
        self._calendars: dict[tuple[str, ...], Calendar] = {}
        self._shared: dict[tuple[tuple[str, ...], int], Calendar] = {}
        self._hours = _distinct_hours(self._bays)
        self._candidates: dict[str, Candidates | Refusal] = {}
        self.people: defaultdict[str, Busy] = defaultdict(Busy)
        self.bays: defaultdict[str, Busy] = defaultdict(Busy)
        self.vehicles: defaultdict[str, Busy] = defaultdict(Busy)

    def clear(self) -> None:
        """Free everything, so that another plan can be tried."""
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
            self._shared[key] = Calendar(common(team.windows, Calendar(bay.open).windows))
        return self._shared[key]

    def _together(self, technician_ids: tuple[str, ...]) -> Calendar:
        if technician_ids not in self._calendars:
            windows = Calendar(self._by_id[technician_ids[0]].working).windows
            for technician_id in technician_ids[1:]:
                windows = common(windows, Calendar(self._by_id[technician_id].working).windows)
            self._calendars[technician_ids] = Calendar(windows)
        return self._calendars[technician_ids]

    def place(self, job: Job, ready: int) -> Assignment | Refusal:
        """The earliest finish of a job that may start from ``ready``; nothing is taken yet.

        Of equal finishes the latest start wins, then the team with the fewest skills, then the
        plainest bay, so that what is scarce stays free; ids decide the rest.
        """
        found = self.candidates(job)
        if isinstance(found, Refusal):
            return found
        best: _Choice | None = None
        for team in self._teams(job, found, self.earliest(job, ready)):
            if best is not None and team.finish > best.rank[0]:
                break
            for bay in found.bays:
                choice = self._choice(job, team, bay)
                if choice is not None and (best is None or choice.rank < best.rank):
                    best = choice
        if best is None:
            return Refusal(job.job_id, "no_time", {"trade": job.trade, "bay_type": job.bay_type})
        finish, _, _, technician_ids, _, bay_id = best.rank
        return Assignment(technician_ids, bay_id, best.start, finish, job.job_id)

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
        """Teams by the finish that they would reach if a bay were always free."""
        teams = []
        for members in found.teams(job):
            ids = tuple(t.technician_id for t in members)
            minutes = duration(job, members)
            busy = [self.people[i] for i in ids] + [self.vehicles[job.order_id]]
            start, finish = _slot(self.calendar(ids), minutes, earliest, busy)
            if finish < NEVER:
                teams.append(_Team(ids, minutes, start, finish, _breadth(members)))
        teams.sort(key=lambda team: (team.finish, team.technician_ids))
        return teams

    def _choice(self, job: Job, team: _Team, bay: Bay) -> _Choice | None:
        busy = [self.people[i] for i in team.technician_ids]
        busy += [self.bays[bay.bay_id], self.vehicles[job.order_id]]
        calendar = self.calendar(team.technician_ids, bay)
        start, finish = _slot(calendar, team.minutes, team.start, busy)
        if finish >= NEVER:
            return None
        rank = (
            finish,
            -start,
            team.skills,
            team.technician_ids,
            len(bay.capabilities),
            bay.bay_id,
        )
        return _Choice(rank, start)


def _slot(calendar: Calendar, minutes: int, earliest: int, busy: Iterable[Busy]) -> tuple[int, int]:
    """The first start and finish of uninterrupted possession from ``earliest``."""
    start = calendar.begin(earliest)
    while start < NEVER:
        finish = calendar.finish(start, minutes)
        clear = max(taken.clear(start, finish) for taken in busy)
        if clear == start:
            return start, finish
        start = calendar.begin(clear)
    return NEVER, NEVER


def _breadth(members: tuple[Technician, ...]) -> int:
    return sum(sum(t.skills.values()) + len(t.certificates) for t in members)


def _distinct_hours(bays: tuple[Bay, ...]) -> dict[str, int]:
    known: dict[object, int] = {}
    return {bay.bay_id: known.setdefault(bay.open, len(known)) for bay in bays}
