"""Simulated finishes of planned work, with uncertain durations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.workshop.planning.model import PlanAssignment, PlanTask, ReservedTask, Workshop
from services.workshop.planning.teams import duration, shared_hours
from services.workshop.planning.timeline import Calendar
from services.workshop.planning.wip import total_minutes_quantile

SAMPLES: Final = 200
"""Simulation runs of the plan; each job's durations are spread evenly over its distribution."""

TimeSamples = NDArray[np.float64]
"""One moment for each simulation run, shape (SAMPLES,), in minutes since the caller's epoch."""


class WorkingTime:
    """A calendar for many moments at once; past its end, time runs on."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        edges = np.array(calendar.windows or [(0, 0)], dtype=np.float64)
        lengths = edges[:, 1] - edges[:, 0]
        reached = np.cumsum(lengths)
        self._moments = edges.ravel()
        self._worked = np.stack([reached - lengths, reached], axis=1).ravel()

    def worked(self, moments: TimeSamples | float) -> TimeSamples:
        """Return the working minutes before each moment."""
        beyond = np.maximum(moments - self._moments[-1], 0)
        return np.asarray(np.interp(moments, self._moments, self._worked) + beyond)

    def reach(self, worked: TimeSamples | float) -> TimeSamples:
        """Return the moments before which the given working minutes lie."""
        beyond = np.maximum(worked - self._worked[-1], 0)
        return np.asarray(np.interp(worked, self._worked, self._moments) + beyond)

    def finish(self, starts: TimeSamples, minutes: TimeSamples) -> TimeSamples:
        """Return when work begun at each start is done."""
        return self.reach(self.worked(starts) + minutes)


def simulate_finishes(
    workshop: Workshop,
    jobs: Mapping[str, PlanTask],
    planned: Iterable[PlanAssignment],
    new: Iterable[PlanAssignment] = (),
) -> dict[str, TimeSamples]:
    """Return possible finishes by job, with the work done in the planned order.

    Work starts as soon as people, bay, vehicle, parts and what goes before allow, and the vehicle
    has been moved there; work in progress has taken the time it has taken already. Reserved jobs
    are simulated with the others, each not before its reserved start; those that start after all of
    ``planned`` are left out. Jobs are simulated by planned start. The durations of ``new`` and of
    held work are drawn by their slot, so that work has the same finishes when it is asked about
    again under other ids, and when it is held.
    """
    planned = list(planned)
    last = max((a.start for a in planned), default=0)
    reserved = [each for each in workshop.reservations if each.slot.start <= last]
    jobs = {**jobs, **{each.job.job_id: _not_before_its_slot(each) for each in reserved}}
    in_sequence = sorted(
        [*planned, *(each.slot for each in reserved)], key=lambda a: (a.start, a.job_id)
    )
    drawn_as = {
        a.job_id: f"{a.start} {a.bay_id}" for a in (*new, *(each.slot for each in reserved))
    }
    return _Simulation(workshop, jobs, drawn_as).run(in_sequence)


def _not_before_its_slot(reserved: ReservedTask) -> PlanTask:
    return replace(
        reserved.job, earliest_start=max(reserved.job.earliest_start, reserved.slot.start)
    )


class _Simulation:
    def __init__(
        self, workshop: Workshop, jobs: Mapping[str, PlanTask], drawn_as: Mapping[str, str]
    ) -> None:
        self._now, self._jobs, self._drawn_as = workshop.now, jobs, drawn_as
        self._move = workshop.move_minutes
        self._bays = {stay.order_id: stay.bay_id for stay in workshop.done}
        self._residual_quantiles = np.array(workshop.residual_quantiles)
        self._people = {t.technician_id: t for t in workshop.technicians}
        self._free: defaultdict[str, TimeSamples] = defaultdict(self._at_once)
        for stay in workshop.done:
            self._free[f"vehicle {stay.order_id}"] = np.full(SAMPLES, float(stay.finish))
        self._times: dict[tuple[str, ...], WorkingTime] = {}
        self._done: dict[str, TimeSamples] = {}

    def run(self, planned: Iterable[PlanAssignment]) -> dict[str, TimeSamples]:
        for assignment in planned:
            job = self._jobs[assignment.job_id]
            resources = [f"person {i}" for i in assignment.technician_ids]
            resources += [f"bay {assignment.bay_id}", f"vehicle {job.order_id}"]
            finish = self._finish(job, assignment, resources)
            self._done[job.job_id] = finish
            self._bays[job.order_id] = assignment.bay_id
            for resource in resources:
                self._free[resource] = finish
        return self._done

    def _at_once(self) -> TimeSamples:
        return np.full(SAMPLES, float(self._now))

    def _finish(
        self, job: PlanTask, assignment: PlanAssignment, resources: list[str]
    ) -> TimeSamples:
        team = tuple(self._people[i] for i in assignment.technician_ids if i in self._people)
        if not team:
            return np.full(SAMPLES, float(max(assignment.finish, self._now)))
        time = self._time(assignment.technician_ids)
        median = float(duration(job, team))
        if job.fixed_assignment:
            spent = float(time.worked(self._now) - time.worked(job.fixed_assignment.start))
            left = np.maximum(self._whole(job, median, spent) - max(0.0, spent), 1.0)
            return time.finish(self._at_once(), left)
        start = np.full(SAMPLES, float(max(self._now, job.earliest_start, job.parts_eta)))
        for moments in [self._free[r] for r in resources]:
            np.maximum(start, moments, out=start)
        if self._bays.get(job.order_id, assignment.bay_id) != assignment.bay_id:
            np.maximum(start, self._free[f"vehicle {job.order_id}"] + self._move, out=start)
        for other in job.after:
            if other in self._done:
                np.maximum(start, self._done[other], out=start)
        return time.finish(start, self._whole(job, median, 0.0))

    def _whole(self, job: PlanTask, median: float, spent: float) -> TimeSamples:
        """Return the working minutes of the job, given those spent already."""
        return total_minutes_quantile(
            self._residual_quantiles, median, job.log_stddev, spent, self._evenly(job)
        )

    def _evenly(self, job: PlanTask) -> TimeSamples:
        """Return evenly spread numbers in (0, 1) in an order that depends on the job."""
        name = self._drawn_as.get(job.job_id, job.job_id)
        order: TimeSamples = _orders()[crc32(name.encode()) % len(_orders())]
        return order

    def _time(self, technician_ids: tuple[str, ...]) -> WorkingTime:
        if technician_ids not in self._times:
            team = [self._people[i] for i in technician_ids if i in self._people]
            self._times[technician_ids] = WorkingTime(shared_hours(team))
        return self._times[technician_ids]


@cache
def _orders() -> TimeSamples:
    """Return evenly spread numbers in (0, 1) in random orders, shape (1024, SAMPLES)."""
    even = np.tile((np.arange(SAMPLES) + 0.5) / SAMPLES, (1024, 1))
    return np.random.default_rng(0).permuted(even, axis=1)
