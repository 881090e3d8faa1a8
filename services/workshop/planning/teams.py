"""Candidates for a job: its possible teams and bays."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from math import floor

from services.workshop.domain.resources import has_level, is_qualified, is_suitable
from services.workshop.planning.model import (
    Bay,
    Infeasibility,
    InfeasibilityCode,
    PlanTask,
    Technician,
)
from services.workshop.planning.timeline import Calendar, calendar, common


def duration(job: PlanTask, team: tuple[Technician, ...]) -> int:
    """Return the working minutes of the job for these technicians.

    The slowest sets the time factor.
    """
    return max(_own_duration(job, technician) for technician in team)


def _own_duration(job: PlanTask, technician: Technician) -> int:
    known = job.own_minutes.get(technician.technician_id)
    return known or max(1, floor(job.minutes * technician.time_factor + 0.5))


def shared_hours(team: Sequence[Technician]) -> Calendar:
    """Return when all of the team work."""
    return calendar(reduce(common, (calendar(technician.working).windows for technician in team)))


def while_qualified(job: PlanTask, technician: Technician) -> Technician | None:
    """Return the technician with the working time in which they can do the job, if they can."""
    if not technician.qualifications:
        return technician if is_qualified(job, technician) else None
    fitting = [each for each in technician.qualifications if is_qualified(job, each)]
    working = tuple(sorted(window for each in fitting for window in each.working))
    return replace(technician, working=working, qualifications=tuple(fitting)) if fitting else None


@dataclass(frozen=True)
class Candidates:
    """The technicians and the bays that may serve one job, in order of their ids."""

    technicians: tuple[Technician, ...]
    bays: tuple[Bay, ...]

    def teams(self, job: PlanTask) -> Iterator[tuple[Technician, ...]]:
        """Return every team of the size that the job needs."""
        return combinations(self.technicians, job.technicians_needed)


Need = tuple[Hashable, ...]
"""Properties that decide on a job's candidates; equal needs have the same candidates."""


def need(job: PlanTask) -> Need:
    """Return the properties of the job that decide on its candidates."""
    return (
        job.skill_code,
        job.level,
        job.certificate,
        job.technicians_needed,
        job.bay_type,
        job.forbidden_technicians,
        job.pinned_technicians,
        job.pinned_bay,
    )


def candidates(
    job: PlanTask, technicians: tuple[Technician, ...], bays: tuple[Bay, ...]
) -> Candidates | Infeasibility:
    """Return the candidates for the job, or the reason why there are none."""
    able = tuple(filter(None, (while_qualified(job, t) for t in technicians)))
    if len(able) < job.technicians_needed:
        return _unskilled(job, technicians, able)
    fitting = tuple(b for b in bays if is_suitable(job, b))
    if not fitting:
        return _infeasible(job, "no_bay", bay_type=job.bay_type)
    if job.pinned_bay:
        fitting = tuple(b for b in fitting if b.bay_id == job.pinned_bay)
        if not fitting:
            return _infeasible(job, "pin_unfit", bay_id=job.pinned_bay)
    allowed = tuple(t for t in able if t.technician_id not in job.forbidden_technicians)
    if job.pinned_technicians:
        allowed = tuple(t for t in allowed if t.technician_id in job.pinned_technicians)
        if len(allowed) < len(job.pinned_technicians):
            return _infeasible(job, "pin_unfit", technician_ids=", ".join(job.pinned_technicians))
    if len(allowed) < job.technicians_needed:
        return _infeasible(job, "forbidden", skill_code=job.skill_code, level=job.level)
    return Candidates(allowed, fitting)


def _unskilled(
    job: PlanTask, technicians: tuple[Technician, ...], able: tuple[Technician, ...]
) -> Infeasibility:
    if not any(_ever_has_level(job, each) for each in technicians):
        return _infeasible(job, "no_skill", skill_code=job.skill_code, level=job.level)
    if not able and job.certificate:
        return _infeasible(
            job, "no_certificate", certificate=job.certificate, skill_code=job.skill_code
        )
    return _infeasible(
        job,
        "too_few_technicians",
        skill_code=job.skill_code,
        needed=job.technicians_needed,
        capable=len(able),
    )


def _ever_has_level(job: PlanTask, technician: Technician) -> bool:
    later = any(has_level(job, each) for each in technician.qualifications)
    return later or has_level(job, technician)


def _infeasible(job: PlanTask, code: InfeasibilityCode, **detail: str | int) -> Infeasibility:
    return Infeasibility(job.job_id, code, detail)
