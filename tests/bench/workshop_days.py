"""Days of a workshop: ``python -m tests.bench.workshop_days --seed S --days D [--json]``.

Policies face the same arrivals, durations, absences, late parts, failed inspections and due
dates. Then quoting is tried on its own: every order gets a promise at a confidence drawn from
four, dispatched by ours, and what is stated is compared with what was kept.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from statistics import fmean
from typing import Any

from services.workshop.planning import (
    Calibration,
    Job,
    Outcome,
    Promise,
    plan,
    quote,
    risks,
    score,
    shop_hours,
)
from services.workshop.planning.timeline import Calendar
from tests.bench.policies import (
    Planner,
    arrival,
    by,
    clairvoyant,
    earliest_due,
    planned,
    shortest,
)
from tests.bench.simulated_shop import Choose, Fate, Figures, Law, Shop, fate

CONFIDENCES = (0.5, 0.8, 0.9, 0.95)
LAWS: tuple[Law, ...] = ("log-normal", "gamma", "mixture", "drift")
WARN_BELOW = 0.5
"""Probability of keeping a promise under which a warning is given."""
IN_TIME = 30
"""Minutes before the promise at which a warning still helps."""
LEARNING = 0.15
"""Share of the orders, at the start, in which the store only gathers experience."""


def figures(given: Fate, played: Figures) -> dict[str, float]:
    """Kept promises (share), lateness (working minutes), utilisation, plan changes a job."""
    hours = Calendar(w for t in given.technicians for w in t.working)
    late = sorted(
        max(0, hours.worked(played.finished[o[0].job.order_id]) - hours.worked(_due(o[0].job)))
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
        "utilisation": round(played.clocked / attended, 3),
        "changes_per_job": round(played.changes / max(1, played.jobs), 3),
    }


def _due(job: Job) -> int:
    assert job.promise is not None
    return job.promise


def compare(given: Fate, planner: Planner = plan, foresight: Planner = plan) -> dict[str, Any]:
    """Figures by policy."""
    policies: dict[str, Choose] = {
        "first_come": by(arrival),
        "shortest": by(shortest),
        "earliest_due": by(earliest_due),
        "ours": planned(planner),
        "clairvoyant": clairvoyant(foresight),
    }
    return {name: figures(given, Shop(given, choose).run()) for name, choose in policies.items()}


def closed_gap(policies: dict[str, dict[str, float]]) -> float:
    """The share of the lateness between first-come and clairvoyant that ours avoids."""
    late = {name: figure["mean_lateness_min"] for name, figure in policies.items()}
    gap = late["first_come"] - late["clairvoyant"]
    return round((late["first_come"] - late["ours"]) / gap, 3) if gap else 1.0


@dataclass
class Quoting:
    """A store that quotes every order and learns from what becomes of it."""

    seed: int
    calibration: Calibration = field(default_factory=Calibration)
    promises: dict[str, tuple[Promise, int]] = field(default_factory=dict)
    warned: dict[str, int] = field(default_factory=dict)

    def promised(self, shop: Shop, jobs: tuple[Job, ...]) -> int:
        """Quote the order at a confidence drawn for it."""
        order_id = jobs[0].order_id
        confidence = Random(f"{self.seed}{order_id}").choice(CONFIDENCES)
        promise = quote(shop.snapshot(), jobs, confidence, self.calibration)
        self.promises[order_id] = promise, shop.now
        return promise.finish

    def done(self, shop: Shop, hours: Calendar, order_id: str) -> None:
        """Learn from a finished order."""
        promise, _ = self.promises[order_id]
        reached = score(hours, promise.expected, promise.spread, shop.now)
        kept = shop.now <= promise.finish
        self.calibration = self.calibration.learn(Outcome(promise.confidence, reached, kept))

    def watch(self, choose: Choose) -> Choose:
        """The policy, with every replan followed by a look at the promises."""

        def watching(shop: Shop) -> Any:
            eventful = shop.eventful
            begun = choose(shop)
            if eventful:
                for risk in risks(shop.snapshot()):
                    if risk.probability >= WARN_BELOW:
                        break
                    self.warned.setdefault(risk.order_id, shop.now)
            return begun

        return watching


def quoted(given: Fate, seed: int, planner: Planner = plan) -> dict[str, Any]:
    """Kept share and length of promises by confidence, and broken ones warned in time."""
    store = Quoting(seed)
    shop = Shop(given, store.watch(planned(planner)), store.promised)
    hours = shop_hours(shop.snapshot())
    shop.on_finish.append(partial(store.done, shop, hours))
    finished = shop.run().finished
    counted = [o[0].job.order_id for o in given.orders][int(LEARNING * len(given.orders)) :]
    leads = {o: hours.worked(finished[o]) - hours.worked(store.promises[o][1]) for o in counted}
    by_confidence: defaultdict[float, list[str]] = defaultdict(list)
    for order_id in counted:
        by_confidence[store.promises[order_id][0].confidence].append(order_id)
    broken = [o for o in counted if finished[o] > store.promises[o][0].finish]
    in_time = [
        o for o in broken if store.warned.get(o, 1 << 40) <= store.promises[o][0].finish - IN_TIME
    ]
    false = [o for o in store.warned if o in leads and o not in set(broken)]
    return {
        "calibration": {
            str(c): round(sum(o not in broken for o in by_confidence[c]) / len(by_confidence[c]), 4)
            for c in CONFIDENCES
        },
        "promise_hours": {
            str(c): _lengths(c, [(store.promises[o], leads[o]) for o in by_confidence[c]], hours)
            for c in CONFIDENCES
        },
        "warned_in_time": round(len(in_time) / len(broken), 4) if broken else 1.0,
        "false_warnings": round(len(false) / max(1, len(store.warned)), 4),
        "promises": len(counted),
    }


def _lengths(
    confidence: float, promises: Sequence[tuple[tuple[Promise, int], int]], hours: Calendar
) -> dict[str, float]:
    """Mean hours promised by ours, by one lead time for all, and by perfect foresight."""
    ours = [hours.worked(p.finish) - hours.worked(asked) for (p, asked), _ in promises]
    leads = sorted(lead for _, lead in promises)
    return {
        "ours": round(fmean(ours) / 60, 3),
        "one_lead_time": round(leads[int(confidence * len(leads))] / 60, 3),
        "foresight": round(fmean(leads) / 60, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--law", choices=LAWS, default="log-normal")
    parser.add_argument("--quoting-days", type=int, default=0, help="as --days if 0")
    parser.add_argument("--rounds", type=int, default=0, help="search rounds of each replan")
    parser.add_argument("--foresight-rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    planner = partial(plan, rounds=given.rounds, seconds=60 if given.rounds else 0)
    foresight = partial(plan, rounds=given.foresight_rounds, seconds=60)
    policies = compare(fate(given.seed, given.days, given.law), planner, foresight)
    quoting = fate(given.seed, given.quoting_days or given.days, given.law)
    result = {"policies": policies, "score": closed_gap(policies), **quoted(quoting, given.seed)}
    sys.stdout.write(json.dumps(result, indent=None if given.json else 1) + "\n")


if __name__ == "__main__":
    main()
