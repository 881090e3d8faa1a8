"""The snapshot in *shop minutes*, for the solver: closing time and common breaks are cut out.

Short breaks of a technician's own stretch the durations, long absences are blocked. Plans that
come out of it are decoded in exact working time, so that this costs quality but never validity.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise
from math import ceil
from typing import Final

from services.workshop.planning.model import Bay, Infeasibility, Interval, PlanTask, Slot, Workshop
from services.workshop.planning.network import Network
from services.workshop.planning.slot_search import ResourceSchedule
from services.workshop.planning.teams import duration
from services.workshop.planning.timeline import NEVER, Calendar, merged

LONG_ABSENCE: Final = 120
"""Least shop minutes of an absence that is blocked."""
MOST_TEAMS: Final = 40
"""Greatest number of teams that the solver considers for one job."""

Team = tuple[str, ...]
Kind = tuple[frozenset[str], tuple[Interval, ...]]
"""Bays of one kind have the same capabilities and hours; the solver only counts them."""


@dataclass(frozen=True)
class Options:
    """Possible teams, with shop minutes, and possible kinds of bay of one job."""

    minutes: dict[Team, int]
    kinds: tuple[Kind, ...]


class ShopTime:
    """The parts of a snapshot that do not change while its plan is improved."""

    def __init__(self, workshop: Workshop, schedule: ResourceSchedule) -> None:
        self.workshop = workshop
        self.network = Network(workshop.jobs)
        self.current_plan = {assignment.job_id: assignment for assignment in workshop.current_plan}
        self._hours = Calendar(w for t in workshop.technicians for w in t.working)
        self._length = self._hours.worked(NEVER)
        self.absences = {t.technician_id: self._gaps(t.working) for t in workshop.technicians}
        self._stretch = {t.technician_id: self._stretched(t.working) for t in workshop.technicians}
        self.kind = {bay.bay_id: _kind(bay) for bay in workshop.bays}
        kinds = list(self.kind.values())
        self.capacity = {kind: kinds.count(kind) for kind in kinds}
        self.closed = {kind: self._gaps(kind[1]) for kind in self.capacity}
        self.options = {
            job.job_id: self._options(job, schedule)
            for job in workshop.jobs
            if not job.fixed_assignment
        }

    def at(self, moment: int) -> int:
        """Return the shop minutes before ``moment``."""
        return self._hours.worked(moment)

    def span(self, slot: Interval | Slot) -> Interval:
        """Return the same time in shop minutes."""
        return Interval(self.at(slot.start), self.at(slot.finish))

    def _gaps(self, windows: Iterable[Interval]) -> tuple[Interval, ...]:
        inside = [self.span(window) for window in merged(windows)]
        edges = [Interval(0, 0), *inside, Interval(self._length, self._length)]
        gaps = (Interval(a.finish, b.start) for a, b in pairwise(edges))
        return tuple(gap for gap in gaps if gap.finish - gap.start >= LONG_ABSENCE)

    def _stretched(self, windows: Iterable[Interval]) -> float:
        own = sum(w.finish - w.start for w in merged(windows))
        absent = sum(gap.finish - gap.start for gap in self._gaps(windows))
        return (self._length - absent) / own if own else 1.0

    def _options(self, job: PlanTask, schedule: ResourceSchedule) -> Options:
        found = schedule.candidates(job)
        if isinstance(found, Infeasibility):
            return Options({}, ())
        minutes = {}
        for team in islice(found.teams(job), MOST_TEAMS):
            ids = tuple(t.technician_id for t in team)
            minutes[ids] = ceil(duration(job, team) * max(self._stretch[i] for i in ids) - 1e-6)
        return Options(minutes, tuple(dict.fromkeys(_kind(bay) for bay in found.bays)))


def _kind(bay: Bay) -> Kind:
    return bay.capabilities, bay.open
