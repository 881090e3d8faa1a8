"""How long quotes and replans take: ``python -m tests.bench.planning_latency``.

The workshop runs a full book: about seven open jobs a technician, one bay for two technicians.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from services.workshop.planning import (
    Bay,
    CannotPromiseError,
    Interval,
    PlanTask,
    ReservedTask,
    Technician,
    Workshop,
    plan,
    quote,
    replan,
)

DAY = 24 * 60
SKILL_CODES = ("maintenance", "mechanical", "electrical", "body", "paint")
BAY_TYPES = {
    "maintenance": "quick",
    "mechanical": "lift",
    "electrical": "lift",
    "body": "body",
    "paint": "paint",
}
SHIFT = ((480, 720), (780, 1020))
MOVE = 10
"""Minutes in which a vehicle is moved from one bay to another."""
BUDGET = 1.8
"""Seconds that an improved replan may take, of the two that it should stay below."""


def workshop(technicians: int, rng: random.Random, reserved_share: float = 0.0) -> Workshop:
    """Return a busy workshop at half past nine on its first day, with its plan in force.

    A share of its orders, ``reserved_share``, is only reserved yet.
    """
    days = range(14)
    shift = tuple(Interval(d * DAY + a, d * DAY + b) for d in days for a, b in SHIFT)
    opening = tuple(Interval(d * DAY + 480, d * DAY + 1080) for d in days)
    staff = tuple(
        Technician(
            f"t{i:03}",
            {SKILL_CODES[i % 5]: 3, rng.choice(SKILL_CODES): rng.randint(1, 3)},
            shift,
            time_factor=rng.choice((0.9, 1.0, 1.1)),
        )
        for i in range(technicians)
    )
    kinds = tuple(BAY_TYPES[skill_code] for skill_code in SKILL_CODES)
    bays = tuple(
        Bay(f"b{i:03}", frozenset({kinds[i % 5], *rng.sample(("quick", "lift"), 1)}), opening)
        for i in range(max(5, technicians // 2))
    )
    orders = [order(f"o{n:04}", 2, rng) for n in range(technicians * 10 // 3)]
    jobs = tuple(job for each in orders for job in each)
    all_open = Workshop(570, staff, bays, jobs, move_minutes=MOVE)
    slots = {slot.job_id: slot for slot in plan(all_open).assignments}
    reserved = [job for each in orders[: round(reserved_share * len(orders))] for job in each]
    holds = tuple(ReservedTask(job, slots.pop(job.job_id)) for job in reserved)
    return replace(
        all_open, jobs=jobs[len(reserved) :], current_plan=tuple(slots.values()), reservations=holds
    )


def order(order_id: str, size: int, rng: random.Random) -> tuple[PlanTask, ...]:
    """Return an order of ``size`` jobs, one after the other."""
    jobs: list[PlanTask] = []
    promise = 570 + rng.randint(120, 2 * DAY)
    for i in range(size):
        skill_code = rng.choices(SKILL_CODES, (5, 3, 2, 1, 1))[0]
        after = (jobs[-1].job_id,) if jobs else ()
        minutes = rng.choice((20, 30, 45, 60, 90, 150))
        level = rng.randint(1, 2)
        jobs.append(
            PlanTask(
                f"{order_id}-{i}",
                order_id,
                skill_code,
                level,
                BAY_TYPES[skill_code],
                minutes,
                after=after,
                promise=promise,
            )
        )
    return tuple(jobs)


def measure(
    technicians: int,
    seed: int,
    quotes: int,
    replans: int,
    improved: int = 0,
    reserved_share: float = 0.0,
) -> dict[str, float]:
    """Return milliseconds of quotes, greedy replans and improved ones for one size of workshop."""
    rng = random.Random(seed)
    shop = workshop(technicians, rng, reserved_share)
    asked = [order(f"q{i}", rng.randint(1, 3), rng) for i in range(quotes)]
    quoted = [_milliseconds(lambda o=o: _quote(shop, o)) for o in asked]  # type: ignore[misc]
    replanned = [
        _milliseconds(lambda i=i: replan(_disturbed(shop, i)))  # type: ignore[misc]
        for i in range(replans)
    ]
    searched = [
        _milliseconds(lambda i=i: replan(_disturbed(shop, i), seconds=BUDGET))  # type: ignore[misc]
        for i in range(improved)
    ]
    return {
        "technicians": technicians,
        "bays": len(shop.bays),
        "jobs": len(shop.jobs),
        "quote_p50_ms": _quantile(quoted, 0.5),
        "quote_p99_ms": _quantile(quoted, 0.99),
        "replan_p50_ms": _quantile(replanned, 0.5),
        "replan_p99_ms": _quantile(replanned, 0.99),
        **({"improved_max_ms": round(max(searched), 2)} if searched else {}),
    }


def _quote(shop: Workshop, jobs: tuple[PlanTask, ...]) -> None:
    with suppress(CannotPromiseError):
        quote(shop, jobs, 0.95)


def _disturbed(shop: Workshop, index: int) -> Workshop:
    """Return the same workshop with one technician gone home."""
    gone = shop.technicians[index % len(shop.technicians)]
    return replace(shop, technicians=tuple(t for t in shop.technicians if t is not gone))


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _quantile(values: list[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quotes", type=int, default=200)
    parser.add_argument("--replans", type=int, default=20)
    parser.add_argument("--improved", type=int, default=5)
    parser.add_argument("--technicians", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--reserved", type=float, default=0.0, help="share of the orders reserved")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    counts = given.quotes, given.replans, given.improved, given.reserved
    sizes = [measure(n, given.seed, *counts) for n in given.technicians]
    if given.json:
        sys.stdout.write(json.dumps(sizes) + "\n")
        return
    for size in sizes:
        line = "  ".join(f"{name} {figure:g}" for name, figure in size.items())
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
