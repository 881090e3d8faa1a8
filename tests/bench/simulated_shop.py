"""A simulated workshop in SimPy: orders arrive, durations are random, things go wrong.

The distributions of the durations are not those of the planner. Everything random is drawn
beforehand from the seed, so that all policies face the same days.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import exp
from random import Random
from typing import Any, Literal

import simpy

from services.workshop.planning import (
    Bay,
    Durations,
    FinishedJob,
    Interval,
    PlanAssignment,
    PlanTask,
    PromiseQuote,
    ReservedTask,
    Technician,
    Workshop,
    expected_finish,
    learn,
)
from services.workshop.planning.objective import moved
from services.workshop.planning.timeline import Calendar

DAY = 24 * 60
DurationDistribution = Literal["lognormal", "gamma", "mixture", "drift", "exponential"]
SKILL_CODES = {
    "maintenance": ("quick", 0.5),
    "mechanical": ("lift", 0.3),
    "electrical": ("lift", 0.2),
}
OPERATIONS = {
    "maintenance": (30, 45, 60, 90),
    "mechanical": (60, 90, 120, 180),
    "electrical": (45, 90, 150),
}


@dataclass(frozen=True)
class Task:
    """Job with its true duration and the true arrival of its parts."""

    job: PlanTask
    op_code: str
    standard: float
    actual: int
    parts_eta: int
    rework: bool = False


@dataclass(frozen=True)
class Call:
    """Time at which a customer asks for an appointment, and the minutes until they come."""

    called: int
    late: int


@dataclass(frozen=True)
class Scenario:
    """All events to come: orders in order of arrival, and the absences of each day.

    ``calls`` are those of the orders that are booked ahead: their ``earliest_start`` is the time
    wanted.
    """

    technicians: tuple[Technician, ...]
    bays: tuple[Bay, ...]
    orders: tuple[tuple[Task, ...], ...]
    absent: frozenset[tuple[str, int]]
    days: int
    calls: Mapping[str, Call] = field(default_factory=dict)


def duration_factor(
    duration_distribution: DurationDistribution, rng: Random, progress: float
) -> float:
    """Return a random factor around 1; ``progress`` runs from 0 to 1 over the simulation."""
    if duration_distribution == "lognormal":
        return rng.lognormvariate(0, 0.35)
    if duration_distribution == "gamma":
        return rng.gammavariate(6, 1 / 6)
    if duration_distribution == "mixture":
        return rng.lognormvariate(0, 0.2) * (3.0 if rng.random() < 0.08 else 1.0)
    if duration_distribution == "drift":
        return rng.lognormvariate(0, 0.3) * (1.3 if progress > 0.5 else 1.0)
    return rng.expovariate(1)


MEAN_FACTOR: Mapping[DurationDistribution, float] = {
    "lognormal": exp(0.35**2 / 2),
    "gamma": 1.0,
    "mixture": exp(0.2**2 / 2) * 1.16,
    "drift": exp(0.3**2 / 2) * 1.15,
    "exponential": 1.0,
}
"""Means of ``duration_factor`` over the whole simulation."""


def crew(days: int) -> tuple[tuple[Technician, ...], tuple[Bay, ...]]:
    """Return six technicians and five bays."""
    shift = tuple(
        Interval(d * DAY + a, d * DAY + b)
        for d in range(days + 30)
        for a, b in ((480, 720), (780, 1020))
    )
    opening = tuple(Interval(d * DAY + 480, d * DAY + 1080) for d in range(days + 30))
    skills: tuple[dict[str, int], ...] = (
        {"maintenance": 2},
        {"maintenance": 2, "mechanical": 1},
        {"mechanical": 3, "maintenance": 2},
        {"mechanical": 2},
        {"electrical": 3, "maintenance": 1},
        {"electrical": 2, "mechanical": 2},
    )
    staff = tuple(Technician(f"t{i}", known, shift) for i, known in enumerate(skills))
    kinds = ({"quick"}, {"quick", "lift"}, {"lift"}, {"lift"}, {"lift"})
    return staff, tuple(Bay(f"b{i}", frozenset(k), opening) for i, k in enumerate(kinds))


def scenario(
    seed: int,
    days: int,
    duration_distribution: DurationDistribution,
    a_day: float = 17.0,
    booked: float = 0.0,
) -> Scenario:
    """Draw the days: about ``a_day`` orders each, four in five before noon or soon after.

    So many come with log-normal durations; with the others, as many as bring the same work.
    A share of them, ``booked``, has an appointment.
    """
    rng = Random(seed)
    a_minute = a_day * MEAN_FACTOR["lognormal"] / MEAN_FACTOR[duration_distribution] / 480
    staff, bays = crew(days)
    hours = Calendar(staff[0].working)
    bias = {f"{t}-{m}": rng.uniform(0.85, 1.2) for t, ms in OPERATIONS.items() for m in ms}
    time_factor = {t.technician_id: rng.uniform(0.9, 1.1) for t in staff}
    staff = tuple(replace(t, time_factor=time_factor[t.technician_id]) for t in staff)
    orders = []
    for day in range(days):
        arrivals: list[int] = []
        clock = 450.0
        while (clock := clock + rng.expovariate(a_minute)) < 930:
            arrivals.append(day * DAY + int(clock))
        for n, arrival in enumerate(arrivals):
            name = f"d{day:03}n{n:02}"
            orders.append(
                _order(name, arrival, duration_distribution, rng, day / days, bias, hours)
            )
    absent = frozenset((t.technician_id, d) for d in range(days) for t in staff if _rarely(rng))
    calls = _calls(Random(f"calls {seed}"), booked, [order[0].job for order in orders])
    return Scenario(staff, bays, tuple(orders), absent, days, calls)


def _calls(rng: Random, booked: float, firsts: Iterable[PlanTask]) -> dict[str, Call]:
    """Draw the calls up to three days before; customers come up to a quarter of an hour early or
    late.
    """
    return {
        job.order_id: Call(
            max(0, job.earliest_start - rng.randint(60, 3 * DAY)), rng.randint(-15, 15)
        )
        for job in firsts
        if rng.random() < booked
    }


def _rarely(rng: Random) -> bool:
    return rng.random() < 0.03


def _order(
    name: str,
    arrival: int,
    duration_distribution: DurationDistribution,
    rng: Random,
    progress: float,
    bias: Mapping[str, float],
    hours: Calendar,
) -> tuple[Task, ...]:
    tasks: list[Task] = []
    slack = rng.uniform(1.2, 4.0)
    waits = rng.random() < 0.3
    for i in range(rng.choices((1, 2, 3), (6, 3, 1))[0]):
        skill_code = rng.choices(list(SKILL_CODES), [share for _, share in SKILL_CODES.values()])[0]
        tasks.append(
            _task(
                f"{name}j{i}",
                name,
                skill_code,
                arrival,
                duration_distribution,
                rng,
                progress,
                bias,
                tasks,
            )
        )
    if rng.random() < 0.05:
        last = tasks[-1]
        again = replace(last.job, job_id=f"{name}r", after=(last.job.job_id,), parts_eta=0)
        actual = max(5, round(last.actual * 0.4))
        again = replace(again, minutes=max(5, round(last.standard * 0.4)))
        tasks.append(replace(last, job=again, actual=actual, parts_eta=0, rework=True))
    work = sum(task.standard for task in tasks if not task.rework)
    parts = max(task.job.parts_eta for task in tasks)
    due = hours.reach(hours.worked(max(arrival, parts)) + round(slack * work) + 30)
    return tuple(
        replace(task, job=replace(task.job, promise=due, waiting_customer=waits)) for task in tasks
    )


def _task(
    job_id: str,
    order_id: str,
    skill_code: str,
    arrival: int,
    duration_distribution: DurationDistribution,
    rng: Random,
    progress: float,
    bias: Mapping[str, float],
    before: Iterable[Task],
) -> Task:
    standard = rng.choice(OPERATIONS[skill_code])
    operation = f"{skill_code}-{standard}"
    actual = standard * bias[operation] * duration_factor(duration_distribution, rng, progress)
    expected = arrival + rng.randint(60, 240) if rng.random() < 0.1 else 0
    parts_eta = expected + (rng.randint(30, 240) if expected and rng.random() < 0.3 else 0)
    job = PlanTask(
        job_id,
        order_id,
        skill_code,
        1,
        SKILL_CODES[skill_code][0],
        standard,
        after=tuple(task.job.job_id for task in before)[-1:],
        earliest_start=arrival,
        parts_eta=expected,
    )
    return Task(job, operation, float(standard), max(3, round(actual)), parts_eta)


Choose = Callable[["Shop"], list[PlanAssignment]]
Promised = Callable[["Shop", tuple[PlanTask, ...]], PromiseQuote | None]
"""Promise of an order; None sends the customer away."""


@dataclass
class Figures:
    """Results of each order, and the number of plan changes."""

    finished: dict[str, int] = field(default_factory=dict)
    clocked: int = 0
    changes: int = 0
    jobs: int = 0
    turned_away: int = 0


class Shop:
    """Days simulated under one dispatch policy."""

    def __init__(self, given: Scenario, choose: Choose, promised: Promised | None = None) -> None:
        self.scenario, self.choose, self.promised = given, choose, promised
        self.env = simpy.Environment()
        self.open: dict[str, PlanTask] = {}
        self.wip: dict[str, PlanAssignment] = {}
        self.reservations: dict[str, tuple[ReservedTask, ...]] = {}
        self.displaced: set[str] = set()
        self.plan: tuple[PlanAssignment, ...] = ()
        self.figures = Figures()
        self.durations = Durations()
        self.finished_jobs: list[FinishedJob] = []
        self.done: set[str] = set()
        self.on_finish: list[Callable[[str], None]] = []
        self.tasks = {task.job.job_id: task for order in given.orders for task in order}
        self.reworks = {t.job.after[0]: t for t in self.tasks.values() if t.rework}
        self.eventful = True
        self._known = {t.technician_id: t for t in given.technicians}
        self._calendars = {t.technician_id: Calendar(t.working) for t in given.technicians}
        self._foreseen = {
            t.technician_id: Calendar(
                w for w in t.working if (t.technician_id, w.start // DAY) not in given.absent
            )
            for t in given.technicians
        }
        self._wake = self.env.event()

    @property
    def now(self) -> int:
        return int(self.env.now)

    def run(self) -> Figures:
        """Run until every order is done."""
        self.env.process(self._arrivals())
        self.env.process(self._mornings())
        self.env.process(self._dispatcher())
        self.env.run(until=(self.scenario.days + 25) * DAY)
        assert not self.open, f"{len(self.open)} jobs were never done"
        return self.figures

    def technicians(self) -> tuple[Technician, ...]:
        """Return the technicians as known now, with the time factor and the absences known."""
        return tuple(self._known.values())

    def calendar(self, technician_id: str) -> Calendar:
        return self._calendars[technician_id]

    def foreseen_calendar(self, technician_id: str) -> Calendar:
        """Return the technician's true working time, absences to come included."""
        return self._foreseen[technician_id]

    def estimated(self, job: PlanTask) -> PlanTask:
        """Return the job with the duration that the store has learned to expect."""
        task = self.tasks[job.job_id]
        standard = job.minutes if task.rework else task.standard
        estimate = self.durations.estimate(task.op_code, job.skill_code, standard)
        return replace(job, minutes=estimate.minutes, log_stddev=estimate.log_stddev)

    def snapshot(self) -> Workshop:
        """Return the snapshot that the workshop service would pass to the planner."""
        jobs, today = [], self.now // DAY
        for job in self.open.values():
            estimated = self.estimated(job)
            begun = self.wip.get(job.job_id)
            jobs.append(
                replace(estimated, fixed_assignment=begun and self._expected(estimated, begun))
            )
        self._displace([job.fixed_assignment for job in jobs if job.fixed_assignment])
        current_plan = tuple(a for a in self.plan if a.job_id in self.open)
        return Workshop(
            self.now,
            tuple(replace(t, working=_near(t.working, today)) for t in self.technicians()),
            tuple(replace(b, open=_near(b.open, today)) for b in self.scenario.bays),
            tuple(jobs),
            current_plan,
            tuple(
                replace(reserved, job=self.estimated(reserved.job))
                for order_reservations in self.reservations.values()
                for reserved in order_reservations
            ),
            residual_quantiles=self.durations.residual_quantiles,
        )

    def _displace(self, wip: Iterable[PlanAssignment]) -> None:
        """Displace orders whose slots work in progress needs for longer."""
        for begun in wip:
            self.displaced |= {
                order_id
                for order_id, order_reservations in self.reservations.items()
                for reserved in order_reservations
                if reserved.slot.start < begun.finish and reserved.slot.shares(begun)
            }

    def _expected(self, job: PlanTask, begun: PlanAssignment) -> PlanAssignment:
        """Return work in progress with the expected finish, given its duration so far."""
        team = (self._known[begun.technician_ids[0]],)
        residual_quantiles = self.durations.residual_quantiles
        finish = expected_finish(job, team, begun.start, self.now, residual_quantiles, share=0.5)
        return replace(begun, finish=finish)

    def wake(self, eventful: bool = True) -> None:
        """Wake the dispatcher; ``eventful`` when an event has happened."""
        self.eventful = self.eventful or eventful
        if not self._wake.triggered:
            self._wake.succeed()

    def _dispatcher(self) -> Generator[Any, Any, None]:
        while True:
            yield self._wake
            yield self.env.timeout(0)
            self._wake = self.env.event()
            before = {a.job_id: a for a in self.plan}
            for assignment in self.choose(self):
                self._start(assignment)
            self.eventful = False
            self.figures.changes += sum(moved(before.get(a.job_id), a) for a in self.plan)

    def _start(self, assignment: PlanAssignment) -> None:
        self.wip[assignment.job_id] = assignment
        self.env.process(self._work(assignment))
        self.env.process(self._overruns(assignment))

    def _overruns(self, assignment: PlanAssignment) -> Generator[Any, Any, None]:
        """Treat work past its expected finish as an event, and estimate its finish again."""
        while True:
            job = self.estimated(self.open[assignment.job_id])
            yield self.env.timeout(self._expected(job, assignment).finish - self.now)
            yield self.env.timeout(0)
            if assignment.job_id not in self.wip:
                return
            self.wake()

    def _work(self, assignment: PlanAssignment) -> Generator[Any, Any, None]:
        task = self.tasks[assignment.job_id]
        technician_id = assignment.technician_ids[0]
        time_factor = next(
            t.time_factor for t in self.scenario.technicians if t.technician_id == technician_id
        )
        minutes = max(1, round(task.actual * time_factor))
        finish = self.calendar(technician_id).span(self.now, minutes)[1]
        yield self.env.timeout(finish - self.now)
        job = self.open.pop(assignment.job_id)
        del self.wip[assignment.job_id]
        self.done.add(job.job_id)
        self.figures.clocked += minutes
        self.figures.jobs += 1
        self._record(task, technician_id, minutes)
        self._follow(job)
        self.wake()

    def _record(self, task: Task, technician_id: str, minutes: int) -> None:
        standard = task.standard * (0.4 if task.rework else 1.0)
        self.finished_jobs.append(
            FinishedJob(task.op_code, task.job.skill_code, technician_id, standard, minutes)
        )

    def _follow(self, job: PlanTask) -> None:
        """Open a rework after a failed inspection; otherwise the order may be done."""
        rework = self.reworks.get(job.job_id)
        if rework:
            self.open[rework.job.job_id] = replace(
                rework.job, earliest_start=self.now, promise=job.promise
            )
        elif not any(other.order_id == job.order_id for other in self.open.values()):
            self.figures.finished[job.order_id] = self.now
            for listener in self.on_finish:
                listener(job.order_id)

    def _arrivals(self) -> Generator[Any, Any, None]:
        for order in sorted(self.scenario.orders, key=self._asks):
            yield self._until(self._asks(order))
            jobs = tuple(task.job for task in order if not task.rework)
            if self.promised is None:
                self._enter(jobs)
            elif promise := self.promised(self, tuple(self.estimated(job) for job in jobs)):
                jobs = tuple(replace(job, promise=promise.finish) for job in jobs)
                if call := self.scenario.calls.get(jobs[0].order_id):
                    self.env.process(self._appointment(jobs, promise, call))
                else:
                    self._enter(jobs)
            else:
                self.figures.turned_away += 1

    def _asks(self, order: tuple[Task, ...]) -> int:
        """Return when the customer wants to know a time; without promises, when they come."""
        first = order[0].job
        call = self.scenario.calls.get(first.order_id) if self.promised else None
        return call.called if call else first.earliest_start

    def _appointment(
        self, jobs: tuple[PlanTask, ...], promise: PromiseQuote, call: Call
    ) -> Generator[Any, Any, None]:
        """Reserve the slots until the customer comes; the order gets them if all are free."""
        order_id, slots = jobs[0].order_id, {a.job_id: a for a in promise.assignments}
        self.reservations[order_id] = tuple(ReservedTask(job, slots[job.job_id]) for job in jobs)
        yield self._until(min(slot.start for slot in slots.values()) + call.late)
        reserved = self.reservations.pop(order_id)
        if order_id not in self.displaced:
            self.plan = (*self.plan, *(each.slot for each in reserved))
        self._enter(tuple(replace(job, earliest_start=self.now) for job in jobs))

    def _enter(self, jobs: Iterable[PlanTask]) -> None:
        """Open the order."""
        for job in jobs:
            self.open[job.job_id] = job
            if self.tasks[job.job_id].parts_eta > job.parts_eta:
                self.env.process(self._late_part(job))
            elif job.parts_eta:
                self.env.process(self._look_at(job.parts_eta))
        self.wake()

    def _late_part(self, job: PlanTask) -> Generator[Any, Any, None]:
        """Announce the new arrival of a part that does not come."""
        yield self._until(job.parts_eta)
        later = self.tasks[job.job_id].parts_eta
        self.open[job.job_id] = replace(self.open[job.job_id], parts_eta=later)
        self.env.process(self._look_at(later))
        self.wake()

    def look_at(self, moment: int) -> None:
        """Wake the dispatcher at ``moment``, without an event."""
        self.env.process(self._look_at(moment, eventful=False))

    def _look_at(self, moment: int, eventful: bool = True) -> Generator[Any, Any, None]:
        yield self._until(moment)
        self.wake(eventful)

    def _until(self, moment: int) -> simpy.Event:
        return self.env.timeout(max(0, moment - self.now))

    def _mornings(self) -> Generator[Any, Any, None]:
        """Announce the absences at eight each morning, after learning from the jobs finished
        before.
        """
        for day in range(self.scenario.days + 20):
            yield self._until(day * DAY + 480)
            self.durations = learn(self.finished_jobs[-1500:])
            for technician in self.scenario.technicians:
                self._know(technician, day)
            self.wake()
            for moment in (780, 1020):
                yield self._until(day * DAY + moment)
                self.wake()

    def _know(self, technician: Technician, day: int) -> None:
        name = technician.technician_id
        working = self._known[name].working
        if (name, day) in self.scenario.absent:
            start, finish = day * DAY, (day + 1) * DAY
            working = tuple(w for w in working if not start <= w.start < finish)
            self._calendars[name] = Calendar(working)
        self._known[name] = replace(
            technician, working=working, time_factor=self.durations.time_factor(name)
        )


@lru_cache(maxsize=256)
def _near(windows: tuple[Interval, ...], today: int) -> tuple[Interval, ...]:
    """Return the windows of the week before and of three weeks to come."""
    return tuple(
        w for w in windows if (today - 7) * DAY < w.finish and w.start < (today + 21) * DAY
    )
