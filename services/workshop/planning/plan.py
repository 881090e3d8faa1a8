"""The entry point of planning: greedy at once, improved within a budget.

Only a process that improves plans loads the solver, which takes more than all the rest of a
process.
"""

from time import monotonic

from services.workshop.planning.greedy import greedy
from services.workshop.planning.model import Aim, Plan, Workshop
from services.workshop.planning.objective import evaluate
from services.workshop.planning.wip import with_overrun_buffers


def plan(
    workshop: Workshop,
    *,
    seed: int = 0,
    seconds: float = 0.0,
    workers: int = 1,
    rounds: int = 1_000_000,
    aim: Aim = "promises",
) -> Plan:
    """Plan which technicians do which job where and when.

    ``seconds`` of wall time for all and ``rounds`` of search bound the improvement on the greedy
    plan; 0 seconds take the greedy plan as it is. The plan is a function of the arguments unless
    the wall time cuts the search short.
    """
    deadline = monotonic() + seconds
    cautious = with_overrun_buffers(workshop)
    found = greedy(cautious, aim)
    if seconds > 0 and found.assignments:
        from services.workshop.planning.solver import improve  # noqa: PLC0415

        found = improve(
            cautious, found, aim=aim, seed=seed, deadline=deadline, workers=workers, rounds=rounds
        )
    return _as_expected(workshop, found)


def _as_expected(workshop: Workshop, found: Plan) -> Plan:
    """Return the plan with work in progress as long as expected."""
    wip = {job.job_id: job.fixed_assignment for job in workshop.jobs if job.fixed_assignment}
    assignments = [wip.get(a.job_id, a) for a in found.assignments]
    return Plan(tuple(assignments), found.unplannable, evaluate(workshop, assignments))


def load_solver() -> None:
    """Load the solver now, so that the first improvement does not wait for it."""
    import services.workshop.planning.solver  # noqa: F401, PLC0415
