"""Days of a workshop: ``python -m tests.bench.workshop_days --seed S --days D [--json]``.

Policies face the same arrivals, durations, absences, late parts, failed inspections and due
dates. Then quoting is tried on its own: four stores live through the same days, each of which
promises every order at another confidence and dispatches by ours, and what is stated is compared
with what was kept. There a share of the orders, ``--booked``, has an appointment: the time is
asked for, and its slots are reserved, up to three days before.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from typing import Any

from services.workshop.planning import (
    Calibration,
    CannotPromiseError,
    PlanTask,
    PromiseQuote,
    assess_risks,
    plan,
    quote,
    score,
)
from services.workshop.planning.timeline import Calendar
from tests.bench.erlang import expected_wait, simulated_wait
from tests.bench.policies import (
    Planner,
    arrival,
    by,
    clairvoyant,
    earliest_due,
    forewarned,
    planned,
    shortest,
)
from tests.bench.simulated_shop import (
    Choose,
    DurationDistribution,
    Figures,
    Scenario,
    Shop,
    scenario,
)

CONFIDENCES = (0.5, 0.8, 0.9, 0.95)
DURATION_DISTRIBUTIONS: tuple[DurationDistribution, ...] = (
    "lognormal",
    "gamma",
    "mixture",
    "drift",
)
WARN_BELOW = 0.5
"""Probability of keeping a promise under which a warning is given."""
IN_TIME = 30
"""Minutes before the promise at which a warning still helps."""
MOST_ROUNDS = 40
"""Search rounds of the clairvoyant in one morning; few mornings need more."""
LEARNING = 0.15
"""Share of the orders, at the start, in which the store only learns."""


def figures(given: Scenario, simulated: Figures) -> dict[str, float]:
    """Return kept promises (share), lateness (working minutes), utilization, plan changes a job."""
    hours = Calendar(w for t in given.technicians for w in t.working)
    late = sorted(
        max(0, hours.worked(simulated.finished[o[0].job.order_id]) - hours.worked(_due(o[0].job)))
        for o in given.orders
    )
    attended = sum(
        w.finish - w.start
        for t in given.technicians
        for w in t.working
        if w.start < given.days * 1440 and (t.technician_id, w.start // 1440) not in given.absent
    )
    return {
        "kept": round(sum(minutes == 0 for minutes in late) / len(late), 4),
        "mean_lateness_min": round(fmean(late), 2),
        "p95_lateness_min": late[int(0.95 * len(late))],
        "utilization": round(simulated.clocked / attended, 3),
        "changes_per_job": round(simulated.changes / max(1, simulated.jobs), 3),
    }


def _due(job: PlanTask) -> int:
    assert job.promise is not None
    return job.promise


Policy = Callable[[Planner, Planner], tuple[Choose, ...]]
"""Dispatch policies; of several, the one that keeps most promises counts."""
POLICIES: dict[str, Policy] = {
    "first_come": lambda _, __: (by(arrival),),
    "shortest": lambda _, __: (by(shortest),),
    "earliest_due": lambda _, __: (by(earliest_due),),
    "ours": lambda planner, _: (planned(planner),),
    "clairvoyant": lambda _, foresight: (clairvoyant(foresight), forewarned(plan)),
}

Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Function ``map``, or that of a pool of processes."""


def compare(
    given: Scenario, planner: Planner = plan, foresight: Planner = plan, each: Each = map
) -> dict[str, Any]:
    """Return figures by policy."""
    found = each(partial(_followed, given, planner, foresight), POLICIES)
    return dict(zip(POLICIES, found, strict=True))


def _followed(
    given: Scenario, planner: Planner, foresight: Planner, policy: str
) -> dict[str, float]:
    dispatchers = POLICIES[policy](planner, foresight)
    simulated = (figures(given, Shop(given, dispatcher).run()) for dispatcher in dispatchers)
    return max(simulated, key=lambda figure: figure["kept"])


def closed_gap(policies: dict[str, dict[str, float]]) -> float:
    """Return the share of the promises between first-come and clairvoyant that ours keeps."""
    kept = {name: figure["kept"] for name, figure in policies.items()}
    gap = kept["clairvoyant"] - kept["first_come"]
    return round((kept["ours"] - kept["first_come"]) / gap, 3) if gap else 1.0


@dataclass
class Quoting:
    """Store that quotes every order and learns from the results."""

    confidence: float
    calibration: Calibration = field(default_factory=Calibration)
    promises: dict[str, tuple[PromiseQuote, int]] = field(default_factory=dict)
    warned: dict[str, int] = field(default_factory=dict)
    scored: set[str] = field(default_factory=set)

    def promised(self, shop: Shop, jobs: tuple[PlanTask, ...]) -> PromiseQuote | None:
        """Quote the order, if there is time for it within the horizon of the plan."""
        self._expire(shop.now)
        try:
            promise = quote(shop.snapshot(), jobs, self.confidence, self.calibration)
        except CannotPromiseError:
            return None
        self.promises[jobs[0].order_id] = promise, max(shop.now, jobs[0].earliest_start)
        return promise

    def done(self, shop: Shop, hours: Calendar, order_id: str) -> None:
        """Learn from a finished order."""
        promise, _ = self.promises[order_id]
        self._score(order_id, kept=shop.now <= promise.calibrated)
        reached = score(hours, promise.expected, promise.spread_minutes, shop.now)
        self.calibration = self.calibration.with_score(reached)

    def _score(self, order_id: str, *, kept: bool) -> None:
        if order_id not in self.scored:
            self.scored.add(order_id)
            self.calibration = self.calibration.with_outcome(self.confidence, kept)

    def _expire(self, now: int) -> None:
        """Count promises whose time has passed as broken."""
        for order_id, (promise, _) in self.promises.items():
            if promise.calibrated < now:
                self._score(order_id, kept=False)

    def watch(self, choose: Choose) -> Choose:
        """Return the policy, with every replan followed by a check of the promises."""

        def watching(shop: Shop) -> Any:
            eventful = shop.eventful
            begun = choose(shop)
            if eventful:
                for risk in assess_risks(shop.snapshot()):
                    if risk.probability >= WARN_BELOW:
                        break
                    self.warned.setdefault(risk.order_id, shop.now)
            return begun

        return watching


@dataclass(frozen=True)
class Kept:
    """Results of the promises of one store, after its first orders; times in minutes.

    ``calibrated``: the share of orders done by the moment that holds with just the confidence.
    """

    counted: int
    calibrated: float
    kept: float
    promised: float
    one_lead_time: float
    foresight: float
    broken: int
    warned_in_time: int
    false_warnings: int
    turned_away: int


def lived(given: Scenario, planner: Planner, confidence: float) -> Kept:
    """Return the results of a store that promises every order with ``confidence`` through the
    days.
    """
    store = Quoting(confidence)
    shop = Shop(given, store.watch(planned(planner)), store.promised)
    hours = Calendar(w for t in given.technicians for w in t.working)
    shop.on_finish.append(partial(store.done, shop, hours))
    simulated = shop.run()
    finished, promised = simulated.finished, list(store.promises)
    counted = promised[int(LEARNING * len(promised)) :]
    due = {o: store.promises[o][0].finish for o in counted}
    asked = {o: hours.worked(store.promises[o][1]) for o in counted}
    leads = sorted(hours.worked(finished[o]) - asked[o] for o in counted)
    broken = {o for o in counted if finished[o] > due[o]}
    warned = {o for o in store.warned if o in due}
    return Kept(
        counted=len(counted),
        calibrated=fmean(finished[o] <= store.promises[o][0].calibrated for o in counted),
        kept=1 - len(broken) / len(counted),
        promised=fmean(hours.worked(due[o]) - asked[o] for o in counted),
        one_lead_time=leads[int(confidence * len(leads))],
        foresight=fmean(leads),
        broken=len(broken),
        warned_in_time=sum(store.warned[o] <= due[o] - IN_TIME for o in broken & warned),
        false_warnings=len(warned - broken),
        turned_away=simulated.turned_away,
    )


def quoted(given: Scenario, planner: Planner = plan, each: Each = map) -> dict[str, Any]:
    """Return calibration, kept share and length of promises by confidence, and broken ones warned
    of.

    What is calibrated is the moment that the confidence alone gives. A promise never lies before
    its planned finish, and so may be kept more often than stated. Beside the mean length of ours
    stand the shortest single lead time for all orders that would have kept the stated share, and
    the time really taken.
    """
    found = each(partial(lived, given, planner), CONFIDENCES)
    stores = dict(zip(map(str, CONFIDENCES), found, strict=True))
    broken = sum(store.broken for store in stores.values())
    return {
        "promises": {c: store.counted for c, store in stores.items()},
        "calibration": {c: round(store.calibrated, 4) for c, store in stores.items()},
        "kept": {c: round(store.kept, 4) for c, store in stores.items()},
        "promise_hours": {
            c: {
                "ours": round(store.promised / 60, 3),
                "one_lead_time": round(store.one_lead_time / 60, 3),
                "foresight": round(store.foresight / 60, 3),
            }
            for c, store in stores.items()
        },
        "warned_in_time": round(sum(s.warned_in_time for s in stores.values()) / max(1, broken), 4),
        "broken": broken,
        "false_warnings": sum(store.false_warnings for store in stores.values()),
        "turned_away": sum(store.turned_away for store in stores.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument(
        "--duration-distribution", choices=DURATION_DISTRIBUTIONS, default="lognormal"
    )
    parser.add_argument(
        "--booked", type=float, default=0.0, help="share of the orders with an appointment"
    )
    parser.add_argument("--only", choices=("policies", "quoting"))
    parser.add_argument("--rounds", type=int, default=0, help="search rounds of each replan")
    parser.add_argument(
        "--foresight-rounds", type=int, default=800, help="search rounds of the clairvoyant in all"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    planner = partial(plan, rounds=given.rounds, seconds=60 if given.rounds else 0)
    mornings = max(1, min(MOST_ROUNDS, given.foresight_rounds // given.days))
    foresight = partial(plan, rounds=mornings, seconds=60)
    days = scenario(given.seed, given.days, given.duration_distribution, booked=given.booked)
    result: dict[str, Any] = {}
    with ProcessPoolExecutor(given.processes) as pool:
        if given.only != "quoting":
            policies = compare(days, planner, foresight, pool.map)
            result |= {"policies": policies, "score": closed_gap(policies)}
        if given.only != "policies":
            result |= quoted(days, planner, pool.map)
    result["queue_wait_min"] = {
        "erlang_c": round(expected_wait(3, 1.8, 120), 1),
        "simulated": round(simulated_wait(3, 1.8, 120, 12000, given.seed), 1),
    }
    sys.stdout.write(json.dumps(result, indent=None if given.json else 1) + "\n")


if __name__ == "__main__":
    main()
