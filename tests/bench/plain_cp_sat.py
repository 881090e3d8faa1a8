"""Textbook CP-SAT model of a flexible job shop, for comparison; it knows no calendars."""

from collections import defaultdict

from ortools.sat.python import cp_model

from services.workshop.planning import Plan, PlanAssignment, Workshop
from services.workshop.planning.model import Aim
from services.workshop.planning.objective import evaluate


def plain(workshop: Workshop, *, seconds: float, workers: int, seed: int, aim: Aim) -> Plan:
    """Solve the whole instance at once, without hints; only ``aim="makespan"`` is supported."""
    assert aim == "makespan"
    model = cp_model.CpModel()
    horizon = sum(max(job.own_minutes.values()) for job in workshop.jobs)
    makespan = model.new_int_var(0, horizon, "makespan")
    starts: dict[str, cp_model.IntVar] = {}
    ends: dict[str, cp_model.IntVar] = {}
    picked: dict[tuple[str, str], cp_model.IntVar] = {}
    machines: defaultdict[str, list[cp_model.IntervalVar]] = defaultdict(list)
    for job in workshop.jobs:
        start = starts[job.job_id] = model.new_int_var(0, horizon, "")
        end = ends[job.job_id] = model.new_int_var(0, horizon, "")
        for machine, minutes in job.own_minutes.items():
            literal = picked[job.job_id, machine] = model.new_bool_var("")
            part = model.new_optional_interval_var(start, minutes, end, literal, "")
            machines[machine].append(part)
        model.add_exactly_one(picked[job.job_id, machine] for machine in job.own_minutes)
        for other in job.after:
            model.add(start >= ends[other])
        model.add(makespan >= end)
    for parts in machines.values():
        model.add_no_overlap(parts)
    model.minimize(makespan)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise ValueError("no plan was found in time")
    assignments = tuple(
        PlanAssignment(
            (machine,), "", solver.value(starts[job_id]), solver.value(ends[job_id]), job_id
        )
        for (job_id, machine), literal in picked.items()
        if solver.value(literal)
    )
    return Plan(assignments, (), evaluate(workshop, assignments))
