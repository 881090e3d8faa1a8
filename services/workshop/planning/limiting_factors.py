"""Limiting factors of planned starts, which the advisor explains to the customer."""

from services.workshop.planning.model import (
    Infeasibility,
    LimitingFactor,
    LimitingFactorCode,
    PlanAssignment,
    PlanTask,
)
from services.workshop.planning.slot_search import ResourceSchedule


def find_limiting_factor(
    schedule: ResourceSchedule, job: PlanTask, ready: int, placed: PlanAssignment
) -> LimitingFactor:
    """Return what kept ``job`` from starting before ``placed``, which is not taken yet."""
    earliest = schedule.earliest(job, ready)
    if placed.start > schedule.calendar(placed.technician_ids).begin(earliest):
        return _blocked(schedule, job, ready, placed)
    if job.parts_eta == earliest > ready and job.parts_eta > job.earliest_start:
        return _limiting_factor(job, "part", at=job.parts_eta)
    if job.earliest_start == earliest > ready and placed.start > schedule.now:
        return _limiting_factor(job, "vehicle", at=job.earliest_start)
    if placed.start > earliest:
        return _limiting_factor(
            job, "shift", at=placed.start, technician_id=placed.technician_ids[0]
        )
    return _limiting_factor(job, "work", minutes=placed.finish - placed.start)


def _blocked(
    schedule: ResourceSchedule, job: PlanTask, ready: int, placed: PlanAssignment
) -> LimitingFactor:
    hours = schedule.calendar(placed.technician_ids)
    arrivals = schedule.vehicle(job.order_id).arrivals(placed.bay_id)
    if any(hours.begin(at) == placed.start for at in arrivals):
        return _limiting_factor(job, "move", bay_id=placed.bay_id, at=placed.start)
    if schedule.people_free(job, ready) < placed.start:
        return _limiting_factor(
            job, "bay", bay_type=job.bay_type, bay_id=placed.bay_id, at=placed.start
        )
    found = schedule.candidates(job)
    capable = 0 if isinstance(found, Infeasibility) else len(found.technicians)
    if capable == job.technicians_needed:
        names = ", ".join(placed.technician_ids)
        return _limiting_factor(
            job, "technician", technician_id=names, skill_code=job.skill_code, at=placed.start
        )
    return _limiting_factor(
        job, "queue", skill_code=job.skill_code, capable=capable, at=placed.start
    )


def _limiting_factor(
    job: PlanTask, code: LimitingFactorCode, **detail: str | int
) -> LimitingFactor:
    return LimitingFactor(job.job_id, code, detail)
