"""Workshops for the planner's tests: generated ones, and a small one to vary."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from services.workshop.planning import (
    Bay,
    Interval,
    PlanAssignment,
    PlanTask,
    ReservedTask,
    Technician,
    Workshop,
)

DAY = 24 * 60
SKILL_CODES = ("maintenance", "mechanical", "electrical", "body", "paint")
SHIFT = ((8 * 60, 12 * 60), (13 * 60, 17 * 60))


def shift(days: int = 14) -> tuple[Interval, ...]:
    """Return eight hours a day with an hour's break."""
    return tuple(Interval(d * DAY + a, d * DAY + b) for d in range(days) for a, b in SHIFT)


def opening(days: int = 14) -> tuple[Interval, ...]:
    """Return the store's hours, 8 to 18."""
    return tuple(Interval(d * DAY + 8 * 60, d * DAY + 18 * 60) for d in range(days))


def technician(
    technician_id: str, *skill_codes: str, level: int = 3, time_factor: float = 1.0
) -> Technician:
    return Technician(
        technician_id, dict.fromkeys(skill_codes, level), shift(), time_factor=time_factor
    )


def bay(bay_id: str, *capabilities: str) -> Bay:
    return Bay(bay_id, frozenset(capabilities), opening())


def job(job_id: str, minutes: int = 60, **given: Any) -> PlanTask:
    plain = PlanTask(job_id, f"order-{job_id}", "mechanical", 1, "lift", minutes)
    return replace(plain, **given)


def reserved(
    technician_id: str, bay_id: str, start: int, finish: int, **given: object
) -> ReservedTask:
    """Return a job of that length whose slot is reserved."""
    job_id = f"held-{technician_id}-{bay_id}-{start}"
    slot = PlanAssignment((technician_id,) if technician_id else (), bay_id, start, finish, job_id)
    return ReservedTask(job(job_id, finish - start, **given), slot)


def small(now: int = 8 * 60) -> Workshop:
    """Return two technicians and two lifts at eight o'clock."""
    return Workshop(
        now,
        (technician("t1", "mechanical"), technician("t2", "mechanical", "electrical")),
        (bay("b1", "lift"), bay("b2", "lift")),
    )


@st.composite
def technicians(draw: st.DrawFn) -> tuple[Technician, ...]:
    members = []
    for i in range(draw(st.integers(1, 5))):
        skills = draw(st.dictionaries(st.sampled_from(SKILL_CODES), st.integers(1, 3), min_size=1))
        absent = draw(st.sets(st.integers(0, 27), max_size=6))
        working = tuple(w for n, w in enumerate(shift()) if n not in absent)
        certificates = frozenset(draw(st.sets(st.just("high_voltage"))))
        time_factor = draw(st.sampled_from((0.8, 1.0, 1.2)))
        members.append(Technician(f"t{i}", skills, working, certificates, time_factor))
    return tuple(members)


@st.composite
def jobs(draw: st.DrawFn, first: int = 0, most: int = 12) -> tuple[PlanTask, ...]:
    made: list[PlanTask] = []
    for i in range(first, first + draw(st.integers(1, most))):
        order_id = draw(st.sampled_from(("A", "B", "C", "D")))
        siblings = [j.job_id for j in made if j.order_id == order_id]
        made.append(
            PlanTask(
                f"j{i}",
                order_id,
                draw(st.sampled_from(SKILL_CODES)),
                draw(st.integers(1, 3)),
                draw(st.sampled_from(("lift", "body", "quick"))),
                draw(st.integers(5, 700)),
                certificate=draw(st.sampled_from((None, None, None, "high_voltage"))),
                technicians_needed=draw(st.sampled_from((1, 1, 1, 2))),
                after=tuple(siblings[-1:]) if draw(st.booleans()) else (),
                earliest_start=draw(st.integers(0, 2 * DAY)),
                parts_eta=draw(st.integers(0, 2 * DAY)),
                promise=draw(st.none() | st.integers(0, 4 * DAY)),
                waiting_customer=draw(st.booleans()),
            )
        )
    return tuple(made)


@st.composite
def workshops(draw: st.DrawFn) -> Workshop:
    kinds = st.sets(st.sampled_from(("lift", "body", "quick")), min_size=1)
    holidays = draw(st.sets(st.integers(0, 4), max_size=2))
    bays = tuple(bay(f"b{i}", *sorted(draw(kinds))) for i in range(draw(st.integers(1, 4))))
    bays = tuple(replace(b, open=_without(holidays, b.open)) for b in bays)
    people = draw(technicians())
    people = tuple(replace(t, working=_without(holidays, t.working)) for t in people)
    move_minutes = draw(st.sampled_from((0, 10, 45)))
    return Workshop(
        draw(st.integers(0, DAY)), people, bays, draw(jobs()), move_minutes=move_minutes
    )


def _without(holidays: set[int], windows: tuple[Interval, ...]) -> tuple[Interval, ...]:
    return tuple(w for w in windows if w.start // DAY not in holidays)
