"""Planning of the workshop (派工): pure functions over a snapshot, no clock, no I/O."""

from services.workshop.planning.calibration import UNTRIED, Calibration
from services.workshop.planning.durations import Durations, Estimate, FinishedJob, learn
from services.workshop.planning.forecast import score, shop_hours
from services.workshop.planning.greedy import greedy
from services.workshop.planning.in_hand import expected_finish, reckoned
from services.workshop.planning.model import (
    Assignment,
    Bay,
    CannotPromiseError,
    Detail,
    HeldJob,
    Job,
    Objective,
    Plan,
    Promise,
    Refusal,
    Rest,
    Stay,
    Technician,
    Window,
    Workshop,
)
from services.workshop.planning.plan import load_solver, plan
from services.workshop.planning.quote import quote
from services.workshop.planning.replan import Change, Replan, replan
from services.workshop.planning.risk import Risk, risks
from services.workshop.planning.staffing import Demand, Shortage, shortages

__all__ = [
    "UNTRIED",
    "Assignment",
    "Bay",
    "Calibration",
    "CannotPromiseError",
    "Change",
    "Demand",
    "Detail",
    "Durations",
    "Estimate",
    "FinishedJob",
    "HeldJob",
    "Job",
    "Objective",
    "Plan",
    "Promise",
    "Refusal",
    "Replan",
    "Rest",
    "Risk",
    "Shortage",
    "Stay",
    "Technician",
    "Window",
    "Workshop",
    "expected_finish",
    "greedy",
    "learn",
    "load_solver",
    "plan",
    "quote",
    "reckoned",
    "replan",
    "risks",
    "score",
    "shop_hours",
    "shortages",
]
