"""Precedence among jobs."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any

from services.workshop.planning.model import PlanTask

Urgency = Callable[[PlanTask], tuple[float, ...]]
"""The job with the least urgency key goes first; ties are decided by job id."""


class Network:
    """The open jobs and the precedence among them; jobs that are not open count as done."""

    def __init__(self, jobs: tuple[PlanTask, ...]) -> None:
        self.jobs = {job.job_id: job for job in jobs}
        self.before = {
            job.job_id: tuple(other for other in job.after if other in self.jobs) for job in jobs
        }
        self._next: defaultdict[str, list[str]] = defaultdict(list)
        for job_id, others in self.before.items():
            for other in others:
                self._next[other].append(job_id)

    def sequence(self, urgency: Urgency) -> Iterator[PlanTask]:
        """Return the jobs, most urgent first, each after its predecessors; none of a cycle."""
        missing = {job_id: len(others) for job_id, others in self.before.items()}
        heap: list[tuple[Any, ...]] = [
            (urgency(job), job_id) for job_id, job in self.jobs.items() if not missing[job_id]
        ]
        heapify(heap)
        while heap:
            job = self.jobs[heappop(heap)[1]]
            yield job
            for job_id in self._next[job.job_id]:
                missing[job_id] -= 1
                if not missing[job_id]:
                    heappush(heap, (urgency(self.jobs[job_id]), job_id))

    def tails(self) -> dict[str, int]:
        """Return the minutes of work from the start of each job to the end of its longest chain."""
        tails = {job_id: job.minutes for job_id, job in self.jobs.items()}
        for job in reversed(list(self.sequence(lambda _: ()))):
            for other in self.before[job.job_id]:
                chain = self.jobs[other].minutes + tails[job.job_id]
                tails[other] = max(tails[other], chain)
        return tails
