"""What a planned job had to wait for, for the advisor to say to the customer."""

from services.workshop.planning.model import Assignment, Job, Refusal, Rest, RestCode
from services.workshop.planning.placing import Floor


def rests_on(floor: Floor, job: Job, ready: int, placed: Assignment) -> Rest:
    """What kept ``job`` from starting before ``placed``, on a floor where it is not taken yet."""
    earliest = floor.earliest(job, ready)
    if placed.start > floor.calendar(placed.technician_ids).begin(earliest):
        return _blocked(floor, job, ready, placed)
    if job.parts_at == earliest > ready and job.parts_at > job.release:
        return _rest(job, "part", at=job.parts_at)
    if job.release == earliest > ready and placed.start > floor.now:
        return _rest(job, "vehicle", at=job.release)
    if placed.start > earliest:
        return _rest(job, "shift", at=placed.start, technician_id=placed.technician_ids[0])
    return _rest(job, "work", minutes=placed.finish - placed.start)


def _blocked(floor: Floor, job: Job, ready: int, placed: Assignment) -> Rest:
    hours = floor.calendar(placed.technician_ids)
    arrivals = floor.vehicle(job.order_id).arrivals(placed.bay_id)
    if any(hours.begin(at) == placed.start for at in arrivals):
        return _rest(job, "move", bay_id=placed.bay_id, at=placed.start)
    if floor.people_free(job, ready) < placed.start:
        return _rest(job, "bay", bay_type=job.bay_type, bay_id=placed.bay_id, at=placed.start)
    found = floor.candidates(job)
    capable = 0 if isinstance(found, Refusal) else len(found.technicians)
    if capable == job.technicians_needed:
        names = ", ".join(placed.technician_ids)
        return _rest(job, "technician", technician_id=names, trade=job.trade, at=placed.start)
    return _rest(job, "queue", trade=job.trade, capable=capable, at=placed.start)


def _rest(job: Job, code: RestCode, **detail: str | int) -> Rest:
    return Rest(job.job_id, code, detail)
