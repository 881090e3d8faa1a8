"""Dispatch policies for the simulated workshop; ours calls the production planner."""

from collections.abc import Callable
from dataclasses import replace

from services.workshop.domain.resources import is_qualified
from services.workshop.planning import Plan, PlanAssignment, PlanTask, Technician, Workshop, plan
from tests.bench.simulated_shop import DAY, Choose, Shop

Planner = Callable[[Workshop], Plan]


def arrival(_: Shop, job: PlanTask) -> tuple[int, str]:
    """Return a sort key for first come, first served."""
    return job.earliest_start, job.job_id


def shortest(_: Shop, job: PlanTask) -> tuple[int, str]:
    """Return a sort key for the shortest job first."""
    return job.minutes, job.job_id


def earliest_due(_: Shop, job: PlanTask) -> tuple[int, str]:
    """Return a sort key for the earliest due date first."""
    return job.promise or 0, job.job_id


def by(key: Callable[[Shop, PlanTask], tuple[int, str]]) -> Choose:
    """Return a dispatcher that takes the waiting jobs by ``key`` and gives each the first free
    people.
    """

    def choose(shop: Shop) -> list[PlanAssignment]:
        staff = _free_people(shop)
        bays = [b for b in shop.scenario.bays if not _taken(shop, b.bay_id)]
        begun = []
        for job in sorted(_ready(shop), key=lambda job: key(shop, job)):
            able = [t for t in staff if is_qualified(job, t)]
            fitting = [b for b in bays if job.bay_type in b.capabilities]
            if able and fitting:
                who = min(able, key=lambda t: (sum(t.skills.values()), t.technician_id))
                where = min(fitting, key=lambda b: (len(b.capabilities), b.bay_id))
                staff.remove(who)
                bays.remove(where)
                begun.append(
                    PlanAssignment(
                        (who.technician_id,), where.bay_id, shop.now, shop.now + 1, job.job_id
                    )
                )
        return begun

    return choose


def planned(planner: Planner = plan) -> Choose:
    """Dispatch by the product's planner: replan after each event, start the jobs planned for
    now.
    """

    def choose(shop: Shop) -> list[PlanAssignment]:
        if shop.eventful:
            shop.plan = planner(shop.snapshot()).assignments
        return _due(shop)

    return choose


def forewarned(planner: Planner) -> Choose:
    """Dispatch by the product's planner with the true duration of each job that has arrived."""

    def choose(shop: Shop) -> list[PlanAssignment]:
        if shop.eventful:
            known = shop.snapshot()
            jobs = tuple(_as_it_will_be(shop, job) for job in known.jobs)
            shop.plan = planner(replace(known, jobs=jobs)).assignments
        return _due(shop)

    return choose


def clairvoyant(planner: Planner) -> Choose:
    """Dispatch with knowledge of all arrivals, durations, parts, reworks and absences of today and
    tomorrow.

    Plans each morning with the true durations and follows that plan to the minute.
    """
    morning = [-1]

    def choose(shop: Shop) -> list[PlanAssignment]:
        day = shop.now // DAY
        if morning[0] != day:
            morning[0] = day
            shop.plan = planner(_foreseen(shop, (day + 2) * DAY)).assignments
        return _due(shop)

    return choose


def _foreseen(shop: Shop, until: int) -> Workshop:
    """Return the snapshot with all facts that will be known by ``until``."""
    jobs = []
    for task in shop.tasks.values():
        job = task.job
        if job.order_id in shop.figures.finished or job.earliest_start >= until:
            continue
        if job.job_id in shop.done:
            continue
        jobs.append(replace(_as_it_will_be(shop, job), parts_eta=task.parts_eta))
    staff = tuple(
        replace(t, working=shop.foreseen_calendar(t.technician_id).windows)
        for t in shop.scenario.technicians
    )
    return Workshop(shop.now, staff, shop.scenario.bays, tuple(jobs))


def _as_it_will_be(shop: Shop, job: PlanTask) -> PlanTask:
    """Return the job with its true duration."""
    actual, begun = shop.tasks[job.job_id].actual, shop.wip.get(job.job_id)
    own = {
        t.technician_id: max(1, round(actual * t.time_factor)) for t in shop.scenario.technicians
    }
    fixed_assignment = None
    if begun:
        calendar = shop.foreseen_calendar(begun.technician_ids[0])
        minutes = own[begun.technician_ids[0]]
        fixed_assignment = replace(begun, finish=calendar.span(begun.start, minutes)[1])
    return replace(
        job, minutes=actual, log_stddev=0.0, own_minutes=own, fixed_assignment=fixed_assignment
    )


def _due(shop: Shop) -> list[PlanAssignment]:
    """Return the jobs planned to start by now that can start; the next start wakes the dispatcher
    again.
    """
    due: list[PlanAssignment] = []
    ready = {job.job_id for job in _ready(shop)}
    free = {t.technician_id for t in _free_people(shop)}
    for a in sorted(shop.plan, key=lambda a: (a.start, a.job_id)):
        if a.job_id in shop.wip or a.job_id not in shop.open:
            continue
        if a.start > shop.now:
            shop.look_at(a.start)
            break
        taken = any(a.bay_id == b.bay_id for b in due) or _taken(shop, a.bay_id)
        if a.job_id in ready and free.issuperset(a.technician_ids) and not taken:
            free.difference_update(a.technician_ids)
            due.append(replace(a, start=shop.now))
    return due


def _ready(shop: Shop) -> list[PlanTask]:
    return [
        shop.estimated(job)
        for job in shop.open.values()
        if job.job_id not in shop.wip
        and max(job.earliest_start, job.parts_eta) <= shop.now
        and not any(other in shop.open for other in job.after)
    ]


def _free_people(shop: Shop) -> list[Technician]:
    busy = {i for a in shop.wip.values() for i in a.technician_ids}
    return [
        t
        for t in shop.technicians()
        if t.technician_id not in busy
        and shop.calendar(t.technician_id).begin(shop.now) == shop.now
    ]


def _taken(shop: Shop, bay_id: str) -> bool:
    return any(a.bay_id == bay_id for a in shop.wip.values())
