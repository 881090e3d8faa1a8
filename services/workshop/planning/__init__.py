"""Planning of the workshop (派工): pure functions over a snapshot, no clock, no I/O."""

from services.workshop.planning.greedy import greedy
from services.workshop.planning.model import (
    Assignment,
    Bay,
    CannotPromiseError,
    Job,
    Objective,
    Plan,
    Promise,
    Refusal,
    Reservation,
    Rest,
    Technician,
    Window,
    Workshop,
)
from services.workshop.planning.plan import plan
from services.workshop.planning.quote import quote
from services.workshop.planning.replan import Change, Replan, replan

__all__ = [
    "Assignment",
    "Bay",
    "CannotPromiseError",
    "Change",
    "Job",
    "Objective",
    "Plan",
    "Promise",
    "Refusal",
    "Replan",
    "Reservation",
    "Rest",
    "Technician",
    "Window",
    "Workshop",
    "greedy",
    "plan",
    "quote",
    "replan",
]
