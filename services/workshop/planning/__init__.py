"""Planning of the workshop (派工): pure functions over a snapshot, no clock, no I/O."""

from services.workshop.planning.calibration import EMPTY_CALIBRATION, Calibration
from services.workshop.planning.durations import Durations, Estimate, FinishedJob, learn
from services.workshop.planning.forecast import score, shop_hours
from services.workshop.planning.greedy import greedy
from services.workshop.planning.model import (
    Bay,
    CannotPromiseError,
    Detail,
    Infeasibility,
    Interval,
    LimitingFactor,
    Objective,
    Plan,
    PlanAssignment,
    PlanTask,
    PromiseQuote,
    Qualification,
    ReservedTask,
    Stay,
    Technician,
    Workshop,
)
from services.workshop.planning.plan import load_solver, plan
from services.workshop.planning.quote import quote
from services.workshop.planning.replan import Change, Replan, is_better, replan
from services.workshop.planning.risk import RiskAssessment, assess_risks
from services.workshop.planning.staffing import Demand, Shortage, shortages
from services.workshop.planning.wip import expected_finish, with_overrun_buffers

__all__ = [
    "EMPTY_CALIBRATION",
    "Bay",
    "Calibration",
    "CannotPromiseError",
    "Change",
    "Demand",
    "Detail",
    "Durations",
    "Estimate",
    "FinishedJob",
    "Infeasibility",
    "Interval",
    "LimitingFactor",
    "Objective",
    "Plan",
    "PlanAssignment",
    "PlanTask",
    "PromiseQuote",
    "Qualification",
    "Replan",
    "ReservedTask",
    "RiskAssessment",
    "Shortage",
    "Stay",
    "Technician",
    "Workshop",
    "assess_risks",
    "expected_finish",
    "greedy",
    "is_better",
    "learn",
    "load_solver",
    "plan",
    "quote",
    "replan",
    "score",
    "shop_hours",
    "shortages",
    "with_overrun_buffers",
]
