"""Rules of every plan, checked without the planner's own arithmetic."""

from collections import defaultdict
from itertools import pairwise

from services.workshop.planning import Plan, PlanAssignment, PlanTask, Technician, Workshop


def check(workshop: Workshop, plan: Plan) -> None:
    """Assert that the plan accounts for every job and breaks no rule of the workshop."""
    jobs = {job.job_id: job for job in workshop.jobs}
    planned = {a.job_id: a for a in plan.assignments}
    infeasible = {infeasibility.job_id for infeasibility in plan.unplannable}
    assert planned.keys() | infeasible == jobs.keys()
    assert not planned.keys() & infeasible
    people = {t.technician_id: t for t in workshop.technicians}
    for a in plan.assignments:
        job = jobs[a.job_id]
        if job.fixed_assignment:
            assert a == job.fixed_assignment
        else:
            _check_slot(workshop, job, a, people)
        for before in job.after:
            assert before not in infeasible
            assert (
                before not in planned or job.fixed_assignment or planned[before].finish <= a.start
            )
    _check_overlaps(workshop, plan, jobs)
    _check_moves(workshop, plan, jobs)


def _check_slot(
    workshop: Workshop, job: PlanTask, a: PlanAssignment, people: dict[str, Technician]
) -> None:
    assert a.start >= max(workshop.now, job.earliest_start, job.parts_eta)
    assert len(a.technician_ids) == job.technicians_needed
    bay = next(b for b in workshop.bays if b.bay_id == a.bay_id)
    assert job.bay_type in bay.capabilities
    team = [people[i] for i in a.technician_ids]
    for member in team:
        assert member.skills[job.skill_code] >= job.level
        assert job.certificate is None or job.certificate in member.certificates
        assert member.technician_id not in job.forbidden_technicians
    worked = sum(
        all(any(w.start <= m < w.finish for w in t.working) for t in team)
        and any(w.start <= m < w.finish for w in bay.open)
        for m in range(a.start, a.finish)
    )
    needed = max(
        job.own_minutes.get(t.technician_id, max(1, int(job.minutes * t.time_factor + 0.5)))
        for t in team
    )
    assert worked == needed


def _check_overlaps(workshop: Workshop, plan: Plan, jobs: dict[str, PlanTask]) -> None:
    taken: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    vehicles = {job_id: job.order_id for job_id, job in jobs.items()}
    vehicles |= {each.job.job_id: each.job.order_id for each in workshop.reservations}
    for r in (*(each.slot for each in workshop.reservations), *plan.assignments):
        for technician_id in r.technician_ids:
            taken["technician", technician_id].append((r.start, r.finish))
        taken["bay", r.bay_id].append((r.start, r.finish))
        taken["vehicle", vehicles[r.job_id]].append((r.start, r.finish))
    for resource, intervals in taken.items():
        for first, second in pairwise(sorted(intervals)):
            assert first[1] <= second[0], resource


def _check_moves(workshop: Workshop, plan: Plan, jobs: dict[str, PlanTask]) -> None:
    """Assert that there is time to move a vehicle between two bays, unless both slots are given."""
    visits: defaultdict[str, list[tuple[int, int, str, bool]]] = defaultdict(list)
    for stay in workshop.done:
        visits[stay.order_id].append((stay.start, stay.finish, stay.bay_id, True))
    for reserved in workshop.reservations:
        slot = reserved.slot
        visits[reserved.job.order_id].append((slot.start, slot.finish, slot.bay_id, True))
    for a in plan.assignments:
        job = jobs[a.job_id]
        visits[job.order_id].append((a.start, a.finish, a.bay_id, job.fixed_assignment is not None))
    for stays in visits.values():
        for (_, finish, bay, fixed), (start, _, other, also_fixed) in pairwise(sorted(stays)):
            if bay != other and not (fixed and also_fixed):
                assert finish + workshop.move_minutes <= start
