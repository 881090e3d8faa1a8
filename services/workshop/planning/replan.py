"""A new plan after a disturbance, and the reason of each move (重排)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.workshop.planning.model import (
    Aim,
    Detail,
    Infeasibility,
    Interval,
    Objective,
    Plan,
    PlanAssignment,
    PlanTask,
    Slot,
    Technician,
    Workshop,
)
from services.workshop.planning.objective import evaluate
from services.workshop.planning.plan import plan
from services.workshop.planning.teams import candidates, while_qualified
from services.workshop.planning.timeline import calendar
from services.workshop.planning.wip import with_overrun_buffers

ChangeCode = Literal[
    "new",
    "vehicle_late",
    "part_late",
    "technician_absent",
    "not_qualified",
    "bay_closed",
    "override",
    "work_in_progress",
    "reserved",
    "predecessor_moved",
    "late_start",
    "duration_increased",
    "moved_earlier",
    "displaced",
    "plan_improved",
]


@dataclass(frozen=True)
class Change:
    """One job's move and its reason (改派原因); ``before`` is None for a job that had no plan.

    ``detail`` names what forced it: the technician absent, the time at which a part arrives, the
    job that overruns or that took the slot. ``late_start`` says that the planned start passed,
    ``plan_improved`` that the old slot is still free but the new plan is better as a whole.
    """

    job_id: str
    before: PlanAssignment | None
    after: PlanAssignment
    code: ChangeCode
    detail: Detail


@dataclass(frozen=True)
class Replan:
    """The new plan and what it changes, in order of the new starts."""

    plan: Plan
    changes: tuple[Change, ...]


def replan(
    workshop: Workshop,
    *,
    seed: int = 0,
    seconds: float = 0.0,
    workers: int = 1,
    rounds: int = 1_000_000,
    aim: Aim = "promises",
) -> Replan:
    """Plan the snapshot again and explain each difference from the current plan.

    The bounds of the search are those of ``plan``.
    """
    new = plan(workshop, seed=seed, seconds=seconds, workers=workers, rounds=rounds, aim=aim)
    return Replan(new, changes(workshop, new))


def changes(workshop: Workshop, new: Plan) -> tuple[Change, ...]:
    """Return how ``new`` differs from the snapshot's current plan, and why.

    Work in progress is left out.
    """
    facts = _Facts(with_overrun_buffers(workshop), new)
    current_plan = {assignment.job_id: assignment for assignment in workshop.current_plan}
    return tuple(
        facts.change(current_plan.get(after.job_id), after)
        for after in new.assignments
        if facts.jobs[after.job_id].fixed_assignment is None
        and current_plan.get(after.job_id) != after
    )


def is_better(workshop: Workshop, new: Plan) -> bool:
    """Return whether ``new`` is better than the plan in force.

    Work in progress takes as long as expected now in both.
    """
    wip = {job.job_id: job.fixed_assignment for job in workshop.jobs if job.fixed_assignment}
    present = [wip.get(each.job_id, each) for each in workshop.current_plan]
    return _plan_rank(workshop, new.assignments) < _plan_rank(workshop, present)


def _plan_rank(workshop: Workshop, assignments: Sequence[PlanAssignment]) -> tuple[int, Objective]:
    """Return the key by which plans are compared; less is better.

    Jobs without a slot come first, then the objective.
    """
    return len(workshop.jobs) - len(assignments), evaluate(workshop, assignments)


class _Facts:
    """Facts of the new snapshot about slots of the current plan."""

    def __init__(self, workshop: Workshop, new: Plan) -> None:
        self.jobs: Mapping[str, PlanTask] = {job.job_id: job for job in workshop.jobs}
        self._workshop = workshop
        self._planned = {assignment.job_id: assignment for assignment in new.assignments}
        self._by_resource = _by_resource(new.assignments)
        self._fixed = _by_resource(
            job.fixed_assignment for job in workshop.jobs if job.fixed_assignment
        )
        self._people = {t.technician_id: t for t in workshop.technicians}
        self._bays = {bay.bay_id: bay for bay in workshop.bays}

    def change(self, before: PlanAssignment | None, after: PlanAssignment) -> Change:
        """Return the first reason that holds; the last always does."""
        if before is None:
            return Change(after.job_id, None, after, "new", {})
        code, detail = next(self._reasons(self.jobs[after.job_id], before, after))
        return Change(after.job_id, before, after, code, detail)

    def _reasons(
        self, job: PlanTask, before: PlanAssignment, after: PlanAssignment
    ) -> Iterator[tuple[ChangeCode, Detail]]:
        yield from self._supplies(job, before)
        yield from self._resources(job, before)
        team = tuple(self._people[technician_id] for technician_id in before.technician_ids)
        if isinstance(candidates(job, team, (self._bays[before.bay_id],)), Infeasibility):
            yield "override", {"technician_id": ", ".join(before.technician_ids)}
        yield from self._clashes(job, before)
        if before.start < self._workshop.now:
            yield "late_start", {"at": before.start}
        if (after.technician_ids, after.start) == (before.technician_ids, before.start) and (
            after.finish > before.finish
        ):
            yield "duration_increased", {"minutes": job.minutes}
        if after.finish < before.finish:
            yield "moved_earlier", {"minutes": before.finish - after.finish}
        for other in _sharing(self._by_resource, before):
            if other.job_id != job.job_id:
                yield "displaced", {"job_id": other.job_id}
        yield "plan_improved", {}

    def _supplies(
        self, job: PlanTask, before: PlanAssignment
    ) -> Iterator[tuple[ChangeCode, Detail]]:
        if job.earliest_start > before.start:
            yield "vehicle_late", {"at": job.earliest_start}
        if job.parts_eta > before.start:
            yield "part_late", {"at": job.parts_eta}

    def _resources(
        self, job: PlanTask, before: PlanAssignment
    ) -> Iterator[tuple[ChangeCode, Detail]]:
        for technician_id in before.technician_ids:
            person = self._people.get(technician_id)
            if person is None or not _covers(person.working, before):
                yield "technician_absent", {"technician_id": technician_id}
            elif not _is_qualified_in(job, person, before):
                yield "not_qualified", {"technician_id": technician_id}
        bay = self._bays.get(before.bay_id)
        if bay is None or not _covers(bay.open, before):
            yield "bay_closed", {"bay_id": before.bay_id}

    def _clashes(
        self, job: PlanTask, before: PlanAssignment
    ) -> Iterator[tuple[ChangeCode, Detail]]:
        for other in _sharing(self._fixed, before):
            if other.job_id != job.job_id:
                yield "work_in_progress", {"job_id": other.job_id}
        for reserved in self._workshop.reservations:
            if _meet(before, reserved.slot):
                yield "reserved", {"at": reserved.slot.start}
        for first in self._predecessors(job):
            if first.finish > before.start:
                yield "predecessor_moved", {"job_id": first.job_id}
        yield from self._moves(job, before)

    def _moves(self, job: PlanTask, before: PlanAssignment) -> Iterator[tuple[ChangeCode, Detail]]:
        """Yield a reason for each place that keeps the vehicle from its current slot."""
        reserved = (h.slot for h in self._workshop.reservations if h.job.order_id == job.order_id)
        done = (stay for stay in self._workshop.done if stay.order_id == job.order_id)
        for stay in (*done, *reserved, *self._predecessors(job)):
            arrival = self._arrival(stay, before)
            if arrival > before.start and self._arrival(before, stay) > stay.start:
                yield "vehicle_late", {"at": arrival}

    def _predecessors(self, job: PlanTask) -> Iterator[PlanAssignment]:
        return (self._planned[job_id] for job_id in job.after if job_id in self._planned)

    def _arrival(self, stay: Slot, slot: Slot) -> int:
        """Return when the vehicle can be in the slot after it has been elsewhere."""
        away = stay.bay_id != slot.bay_id
        return stay.finish + (self._workshop.move_minutes if away else 0)


def _is_qualified_in(job: PlanTask, technician: Technician, slot: Slot) -> bool:
    qualified = while_qualified(job, technician)
    return qualified is not None and _covers(qualified.working, slot)


def _covers(windows: tuple[Interval, ...], slot: Slot) -> bool:
    """Return whether the first and the last minute of the slot are working time."""
    hours = calendar(windows)
    return hours.begin(slot.start) == slot.start and hours.begin(slot.finish - 1) == slot.finish - 1


def _by_resource(assignments: Iterable[PlanAssignment]) -> Mapping[str, list[PlanAssignment]]:
    """Return the assignments of each technician and bay."""
    found: defaultdict[str, list[PlanAssignment]] = defaultdict(list)
    for assignment in assignments:
        for resource in (*assignment.technician_ids, assignment.bay_id):
            found[resource].append(assignment)
    return found


def _sharing(known: Mapping[str, list[PlanAssignment]], slot: Slot) -> list[PlanAssignment]:
    """Return the assignments that overlap with the slot and share a technician or the bay.

    They are ordered by their start.
    """
    resources = *slot.technician_ids, slot.bay_id
    near = {a.job_id: a for resource in resources for a in known.get(resource, ())}
    meeting = (a for a in near.values() if _meet(slot, a))
    return sorted(meeting, key=lambda a: (a.start, a.job_id))


def _meet(first: Slot, second: Slot) -> bool:
    """Return whether two slots overlap in time and share a technician or the bay."""
    return first.shares(second) and first.start < second.finish and second.start < first.finish
