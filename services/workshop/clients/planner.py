"""Worker processes that compute plans, so that the event loop is not blocked."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from services.workshop import planning
from shared.clock import Clock
from shared.worker_processes import worker

T = TypeVar("T")

IMPROVEMENT_S: Final = 1.2
"""Seconds of one core for improving a plan; with the greedy plan before, less than two."""
SIMULATED_ROUNDS: Final = 1
"""Rounds of the search on a simulated clock, where the same day has to give the same plans."""
_UNHURRIED_S: Final = 60.0
_UNTIL_TIME_IS_UP: Final = 1_000_000


@dataclass(frozen=True)
class Planner:
    """Client of the pure planning; quotes, replans and improvements do not delay each other.

    On a simulated clock one process computes everything, and the search for a better plan is
    bounded by its rounds, so that a day is reproducible.
    """

    clock: Clock
    quoting: Executor
    replanning: Executor
    patient: Executor

    @classmethod
    def on_clock(cls, clock: Clock) -> "Planner":
        """Return a planner with its processes."""
        if clock.is_paused:
            alone = worker()
            return cls(clock, alone, alone, alone)
        return cls(clock, worker(), worker(niceness=2), worker(niceness=5))

    async def warm_up(self) -> None:
        """Wait until the processes can respond promptly."""
        nothing = partial(planning.plan, planning.Workshop(0, (), ()))
        await asyncio.gather(_computed(self.quoting, nothing), _computed(self.replanning, nothing))
        if self.patient is not self.quoting:
            self.patient.submit(planning.load_solver)

    async def quote(
        self,
        workshop: planning.Workshop,
        tasks: Sequence[planning.PlanTask],
        confidence: float,
        calibration: planning.Calibration,
    ) -> planning.PromiseQuote:
        """Return the earliest promise for new work.

        Raises:
            CannotPromiseError: a technician, bay or skill that is needed is missing.
        """
        ask = partial(planning.quote, workshop, tasks, confidence, calibration)
        return await _computed(self.quoting, ask)

    async def replan(self, workshop: planning.Workshop) -> planning.Replan:
        """Return a fresh plan at once."""
        return await _computed(self.replanning, partial(planning.replan, workshop))

    async def improve(self, workshop: planning.Workshop, seed: int) -> planning.Replan:
        """Return the best plan that a search finds within its bounds."""
        simulated_clock = self.clock.is_paused
        search = partial(
            planning.replan,
            workshop,
            seed=seed,
            seconds=_UNHURRIED_S if simulated_clock else IMPROVEMENT_S,
            rounds=SIMULATED_ROUNDS if simulated_clock else _UNTIL_TIME_IS_UP,
        )
        return await _computed(self.patient, search)

    async def assess_risks(
        self,
        workshop: planning.Workshop,
        confidence: float,
        calibration: planning.Calibration,
    ) -> tuple[planning.RiskAssessment, ...]:
        """Return how likely the open promises are to be kept."""
        ask = partial(planning.assess_risks, workshop, confidence, calibration)
        return await _computed(self.patient, ask)

    async def learn(self, finished: Sequence[planning.FinishedJob]) -> planning.Durations:
        """Return the durations that follow from finished jobs."""
        return await _computed(self.patient, partial(planning.learn, finished))

    async def shortages(
        self,
        technicians: Sequence[planning.Technician],
        demands: Sequence[planning.Demand],
        horizon: planning.Interval,
    ) -> tuple[planning.Shortage, ...]:
        """Return the skills that lack technicians."""
        ask = partial(planning.shortages, technicians, demands, horizon)
        return await _computed(self.patient, ask)


async def _computed(executor: Executor, compute: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, compute)
