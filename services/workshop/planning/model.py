"""The planner's model of the workshop: technicians, bays, work and promises.

All times are whole minutes since an epoch that the caller chooses; intervals are half-open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final, Literal, NamedTuple

Detail = Mapping[str, str | int]
"""Values for the sentence of a code."""


QUANTILE_COUNT: Final = 63
"""Number of equally likely values that represent a distribution."""
NORMAL: Final = tuple(
    NormalDist().inv_cdf((i + 0.5) / QUANTILE_COUNT) for i in range(QUANTILE_COUNT)
)


class Interval(NamedTuple):
    """A stretch of time ``[start, finish)`` in which work can go on (可用时段)."""

    start: int
    finish: int


@dataclass(frozen=True)
class Qualification:
    """Skills with their levels, and certificates, that a technician has while ``working``."""

    skills: Mapping[str, int]
    certificates: frozenset[str]
    working: tuple[Interval, ...]


@dataclass(frozen=True)
class Technician:
    """A technician (技师): ``skills`` maps a skill to the level held.

    ``time_factor`` multiplies durations (0.9 needs a tenth less than the standard). ``working``
    holds the shifts less breaks, leave and holidays. ``qualifications`` share it out where skills
    or certificates change within it (a certificate expires); ``skills`` and ``certificates`` are
    then the present ones.
    """

    technician_id: str
    skills: Mapping[str, int]
    working: tuple[Interval, ...]
    certificates: frozenset[str] = frozenset()
    time_factor: float = 1.0
    qualifications: tuple[Qualification, ...] = ()


@dataclass(frozen=True)
class Bay:
    """A bay (工位), the bay types it can serve as, and when work in it is possible."""

    bay_id: str
    capabilities: frozenset[str]
    open: tuple[Interval, ...]


@dataclass(frozen=True)
class Slot:
    """Technicians and a bay kept from ``start`` to ``finish``, breaks between included (占用)."""

    technician_ids: tuple[str, ...]
    bay_id: str
    start: int
    finish: int

    def shares(self, other: "Slot") -> bool:
        """Return whether both need a technician or the bay."""
        return self.bay_id == other.bay_id or not set(self.technician_ids).isdisjoint(
            other.technician_ids
        )


@dataclass(frozen=True)
class PlanAssignment(Slot):
    """Technicians, bay and time of a job (派工)."""

    job_id: str


@dataclass(frozen=True)
class Stay(Slot):
    """The last finished work of an open order; since its ``finish`` the vehicle stands there."""

    order_id: str


@dataclass(frozen=True)
class PlanTask:
    """One piece of work on one vehicle (作业).

    ``minutes`` is the working time to plan with, at time factor 1 and with all
    ``technicians_needed`` at work together; ``own_minutes`` replaces it for technicians whose time
    on this job is known. ``log_stddev`` is the standard deviation of the logarithm of the actual
    duration. ``earliest_start`` is when the vehicle is there, ``parts_eta`` when its last part is.
    ``promise`` is the order's promised time and ``weight`` its importance (1 is ordinary).
    ``fixed_assignment`` is the assignment of work in progress, with the finish expected now; it is
    never moved.
    """

    job_id: str
    order_id: str
    skill_code: str
    level: int
    bay_type: str
    minutes: int
    log_stddev: float = 0.3
    certificate: str | None = None
    technicians_needed: int = 1
    own_minutes: Mapping[str, int] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    earliest_start: int = 0
    parts_eta: int = 0
    promise: int | None = None
    weight: int = 1
    waiting_customer: bool = False
    pinned_technicians: tuple[str, ...] = ()
    pinned_bay: str | None = None
    forbidden_technicians: frozenset[str] = frozenset()
    fixed_assignment: PlanAssignment | None = None

    def __post_init__(self) -> None:
        if self.minutes < 1 or self.technicians_needed < 1 or self.log_stddev < 0:
            raise ValueError(f"job {self.job_id}: duration, people and log_stddev must be positive")
        if self.fixed_assignment and self.fixed_assignment.finish <= self.fixed_assignment.start:
            raise ValueError(f"job {self.job_id}: finishes before it starts")


@dataclass(frozen=True)
class ReservedTask:
    """A job that is not yet ordered, and the ``slot`` reserved for it (产能预留).

    It does not begin before the start of its slot. Work in progress that takes longer may reach
    into that slot; everything else goes elsewhere.
    """

    job: PlanTask
    slot: PlanAssignment

    def __post_init__(self) -> None:
        if self.job.job_id != self.slot.job_id:
            raise ValueError(f"job {self.job.job_id}: the slot is that of {self.slot.job_id}")


@dataclass(frozen=True)
class Workshop:
    """A snapshot of one store's workshop (车间快照).

    ``jobs`` are all open jobs, ``current_plan`` the plan in force for them, ``reservations`` the
    reserved tasks beside them. A job named in ``after`` that is not open counts as done.
    ``residual_quantiles`` are equally likely values, ascending, of the standardized logarithm of a
    duration. A vehicle is moved from one bay to another in ``move_minutes`` (移位); ``done`` says
    where the vehicles stand on which work was done.
    """

    now: int
    technicians: tuple[Technician, ...]
    bays: tuple[Bay, ...]
    jobs: tuple[PlanTask, ...] = ()
    current_plan: tuple[PlanAssignment, ...] = ()
    reservations: tuple[ReservedTask, ...] = ()
    residual_quantiles: tuple[float, ...] = NORMAL
    move_minutes: int = 0
    done: tuple[Stay, ...] = ()


InfeasibilityCode = Literal[
    "no_skill",
    "no_certificate",
    "no_bay",
    "too_few_technicians",
    "pin_unfit",
    "forbidden",
    "no_time",
    "predecessor",
]


@dataclass(frozen=True)
class Infeasibility:
    """Reason for which a job cannot be planned here.

    ``detail`` names the skill, certificate or bay missing.
    """

    job_id: str
    code: InfeasibilityCode
    detail: Detail


class CannotPromiseError(Exception):
    """Impossibility of a promise, with the reason in ``infeasibility``."""

    def __init__(self, infeasibility: Infeasibility) -> None:
        super().__init__(infeasibility)
        self.infeasibility = infeasibility


@dataclass(frozen=True, order=True)
class Objective:
    """Figures by which plans are evaluated, the most important first; less is better.

    ``cost``: hundredths of a promise: one for each that will be missed (a half where a plan keeps
    it only just), more for lateness that grows, and the price of the jobs moved. ``lateness``:
    weighted minutes after the promise. ``waiting``: weighted minutes until each order is done,
    those of waiting customers fourfold, and those for which vehicles are moved or taken over by
    others. ``changed``: jobs whose technician or bay differs from the current plan. ``imbalance``:
    minutes between the most and the least loaded technician.
    """

    cost: int
    lateness: int
    waiting: int
    changed: int
    imbalance: int


Aim = Literal["promises", "makespan"]
"""``promises``: the objective as it stands. ``makespan``: all work done as early as possible."""


@dataclass(frozen=True)
class Plan:
    """Assignments of all jobs that can be planned, by start, and the others with reasons."""

    assignments: tuple[PlanAssignment, ...]
    unplannable: tuple[Infeasibility, ...]
    objective: Objective

    @property
    def makespan(self) -> int:
        """When the last job is done, or 0 without jobs (收工)."""
        return max((assignment.finish for assignment in self.assignments), default=0)


LimitingFactorCode = Literal[
    "work", "part", "vehicle", "technician", "queue", "bay", "move", "shift"
]


@dataclass(frozen=True)
class LimitingFactor:
    """Reason for which a quoted job does not start earlier.

    ``work``: nothing, it starts at once. ``part``, ``vehicle``: they arrive ``at``.
    ``technician``: the one person who can do it is free ``at``. ``queue``: all ``capable``
    technicians of the ``skill_code`` are busy. ``bay``: bays of the type are taken until ``at``.
    ``move``: the vehicle is moved to ``bay_id`` until ``at``.
    ``shift``: work is resumed ``at``.
    """

    job_id: str
    code: LimitingFactorCode
    detail: Detail


@dataclass(frozen=True)
class PromiseQuote:
    """A completion time that holds with ``confidence`` at least (承诺交车时间).

    ``calibrated`` is the moment that holds with just that confidence, and ``finish`` the later of
    it and the planned finish. ``expected`` is the median finish and ``spread_minutes`` the working
    minutes from it to the simulated 90 % finish. With the actual finish, these three are what the
    calibration learns from.
    """

    finish: int
    confidence: float
    assignments: tuple[PlanAssignment, ...]
    limiting_factors: tuple[LimitingFactor, ...]
    calibrated: int
    expected: int
    spread_minutes: float
