"""The earliest promise for new work, on top of what is planned already."""

from collections.abc import Sequence
from dataclasses import replace

from services.workshop.planning.calibration import UNTRIED, Calibration
from services.workshop.planning.forecast import Forecast, shop_hours
from services.workshop.planning.greedy import greedy
from services.workshop.planning.in_hand import reckoned
from services.workshop.planning.model import (
    Assignment,
    CannotPromiseError,
    Job,
    Promise,
    Refusal,
    Rest,
    Workshop,
)
from services.workshop.planning.network import Network
from services.workshop.planning.outlook import WorkingTime, finishes
from services.workshop.planning.placing import Floor
from services.workshop.planning.rests import rests_on
from services.workshop.planning.timeline import NEVER


def quote(
    workshop: Workshop,
    jobs: Sequence[Job],
    confidence: float,
    calibration: Calibration = UNTRIED,
) -> Promise:
    """The earliest finish of one order's new jobs that holds with ``confidence`` (0 < p < 1).

    The running plan, holds and work in hand keep their places; nothing is reserved. The plan is
    played with uncertain durations, and the store's ``calibration`` sets the margin. The promise
    never lies before the finish of the jobs' own places.

    Raises:
        CannotPromiseError: somebody or something needed is missing; the refusal names it.
        ValueError: no jobs, or a confidence outside (0, 1).
    """
    if not jobs or not 0 < confidence < 1:
        raise ValueError("a quote needs jobs and a confidence between 0 and 1")
    workshop = reckoned(workshop)
    floor = Floor(replace(workshop, jobs=(*workshop.jobs, *jobs)))
    ahead = current(workshop)
    known = {job.job_id: job for job in (*workshop.jobs, *jobs)}
    for held in workshop.held:
        floor.take(held.place, held.job.order_id)
    for assignment in ahead:
        floor.take(assignment, known[assignment.job_id].order_id)
    assignments, rests = _earliest(floor, jobs)
    last = max(a.start for a in assignments)
    earlier = (a for a in ahead if a.start <= last)
    played = finishes(workshop, known, (*earlier, *assignments), assignments)
    hours = WorkingTime(shop_hours(workshop))
    forecast = Forecast(workshop.now, hours, assignments, played)
    finish = forecast.promise(confidence, calibration)
    if finish >= NEVER:
        raise CannotPromiseError(Refusal(jobs[-1].job_id, "no_time", {"trade": jobs[-1].trade}))
    return Promise(
        finish=finish,
        confidence=confidence,
        assignments=assignments,
        rests_on=rests,
        calibrated=forecast.calibrated(confidence, calibration),
        expected=forecast.expected,
        spread=forecast.spread,
    )


def current(workshop: Workshop) -> tuple[Assignment, ...]:
    """The plan in force for every open job: frozen, as running, or else where greedy puts it."""
    running = {a.job_id: a for a in workshop.running}
    known = {job.job_id: job.frozen or running.get(job.job_id) for job in workshop.jobs}
    if all(known.values()):
        return tuple(a for a in known.values() if a)
    settled = tuple(replace(job, frozen=known[job.job_id]) for job in workshop.jobs)
    return greedy(replace(workshop, jobs=settled)).assignments


def _earliest(floor: Floor, jobs: Sequence[Job]) -> tuple[tuple[Assignment, ...], tuple[Rest, ...]]:
    """Place the jobs one after another, and say what each waits for."""
    network = Network(tuple(jobs))
    place = {job.job_id: float(i) for i, job in enumerate(jobs)}
    placed: dict[str, Assignment] = {}
    rests: list[Rest] = []
    for job in network.sequence(lambda job: (place[job.job_id],)):
        ready = max((placed[other].finish for other in network.before[job.job_id]), default=0)
        answer = floor.place(job, ready)
        if isinstance(answer, Refusal):
            raise CannotPromiseError(answer)
        rests.append(rests_on(floor, job, ready, answer))
        floor.take(answer, job.order_id)
        placed[job.job_id] = answer
    if len(placed) < len(jobs):
        stuck = min(job.job_id for job in jobs if job.job_id not in placed)
        raise CannotPromiseError(Refusal(stuck, "predecessor", {}))
    return tuple(placed.values()), tuple(rests)
