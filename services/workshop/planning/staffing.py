"""Missing technicians when demand exceeds working hours (人员建议)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean
from typing import Final

from ortools.graph.python import max_flow

from services.workshop.planning.model import Interval, Technician

TARGET_UTILIZATION: Final = 0.875
"""Share of attended hours that can be clocked on jobs; the middle of the trade's 85 to 90 %."""
WEEK: Final = 7 * 24 * 60
"""Minutes of a week."""


@dataclass(frozen=True)
class Demand:
    """One skill's work in hours: by past week, oldest first, and ``queued`` at present.

    ``growth`` is the expected rise against the past weeks (0.03 is 3 %), from vehicles in the
    area (保有量) and visits per vehicle.
    """

    skill_code: str
    weekly_hours: tuple[float, ...]
    queued_hours: float = 0.0
    growth: float = 0.0


@dataclass(frozen=True)
class Shortage:
    """Hours a week that the store's people cannot cover in a skill, and the people needed."""

    skill_code: str
    needed_hours: float
    shortfall_hours: float
    people: int


def shortages(
    technicians: Sequence[Technician],
    demands: Sequence[Demand],
    horizon: Interval,
    target: float = TARGET_UTILIZATION,
) -> tuple[Shortage, ...]:
    """Return the skills that lack technicians, in order of skill.

    Hours are those that ``technicians`` work within ``horizon`` (at least a week), brought to a
    week and multiplied by ``target``. A person of several skills is counted once, where needed
    most. The queue is to be worked off within the horizon.

    Raises:
        ValueError: the horizon is shorter than a week.
    """
    weeks = (horizon.finish - horizon.start) / WEEK
    if weeks < 1:
        raise ValueError("staffing needs a horizon of at least a week")
    needed = {d.skill_code: _needed(d, weeks) for d in demands}
    usable = {t.technician_id: _attended(t, horizon) / weeks * target for t in technicians}
    covered = _covered(technicians, needed, usable)
    a_person = target * _full_week(usable, target)
    missing = {
        skill_code: needed[skill_code] - covered[skill_code] for skill_code in sorted(needed)
    }
    return tuple(
        Shortage(skill_code, round(needed[skill_code], 1), round(hours, 1), ceil(hours / a_person))
        for skill_code, hours in missing.items()
        if hours >= 0.05
    )


def _needed(demand: Demand, weeks: float) -> float:
    usual = fmean(demand.weekly_hours) if demand.weekly_hours else 0.0
    return usual * (1 + demand.growth) + demand.queued_hours / weeks


def _attended(technician: Technician, horizon: Interval) -> float:
    """Return the hours worked within the horizon."""
    minutes = (
        min(w.finish, horizon.finish) - max(w.start, horizon.start) for w in technician.working
    )
    return sum(m for m in minutes if m > 0) / 60


def _full_week(usable: Mapping[str, float], target: float) -> float:
    """Return the weekly hours of one more person: as the busiest of the store, or 40."""
    return max(usable.values(), default=0.0) / target or 40.0


def _covered(
    technicians: Sequence[Technician], needed: Mapping[str, float], usable: Mapping[str, float]
) -> dict[str, float]:
    """Return the hours of each skill that the technicians can cover: a maximum flow in minutes."""
    flow = max_flow.SimpleMaxFlow()
    skill_codes = {skill_code: 2 + i for i, skill_code in enumerate(sorted(needed))}
    sinks = {
        skill_code: flow.add_arc_with_capacity(node, 1, round(needed[skill_code] * 60))
        for skill_code, node in skill_codes.items()
    }
    for i, technician in enumerate(sorted(technicians, key=lambda t: t.technician_id)):
        node = 2 + len(skill_codes) + i
        minutes = round(usable[technician.technician_id] * 60)
        flow.add_arc_with_capacity(0, node, minutes)
        for skill_code in sorted(technician.skills.keys() & skill_codes.keys()):
            flow.add_arc_with_capacity(node, skill_codes[skill_code], minutes)
    flow.solve(0, 1)
    return {skill_code: flow.flow(arc) / 60 for skill_code, arc in sinks.items()}
