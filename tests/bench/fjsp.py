"""Flexible job-shop instances: ``python -m tests.bench.fjsp FILE… --seconds 60 [--json]``.

A machine is a technician, an operation a job of its own trade, a job of the instance an order.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from services.workshop.planning import Bay, Job, Plan, Technician, Window, Workshop, plan


def read(text: str) -> Workshop:
    """The workshop of an instance in the public text format (machines are numbered from 1).

    Raises:
        ValueError: the text is not of that format.
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    orders, machines = int(lines[0][0]), int(lines[0][1])
    numbers = iter([int(word) for line in lines[1:] for word in line])
    jobs = tuple(job for order in range(orders) for job in _order(order, numbers))
    always = (Window(0, sum(max(job.own_minutes.values()) for job in jobs) + 1),)
    skills: dict[str, dict[str, int]] = {f"m{m:03}": {} for m in range(1, machines + 1)}
    for job in jobs:
        for machine in job.own_minutes:
            skills[machine][job.trade] = 1
    technicians = tuple(Technician(machine, known, always) for machine, known in skills.items())
    bays = tuple(Bay(f"b{m:03}", frozenset({"any"}), always) for m in range(machines))
    return Workshop(0, technicians, bays, jobs)


def _order(order: int, numbers: Iterator[int]) -> list[Job]:
    jobs: list[Job] = []
    for operation in range(_take(numbers)):
        machines = [(f"m{_take(numbers):03}", _take(numbers)) for _ in range(_take(numbers))]
        after = (jobs[-1].job_id,) if jobs else ()
        name = f"{order:03}-{operation:03}"
        own = dict(machines)
        shortest = min(own.values())
        jobs.append(
            Job(name, f"{order:03}", name, 1, "any", shortest, own_minutes=own, after=after)
        )
    return jobs


def _take(numbers: Iterator[int]) -> int:
    for number in numbers:
        return number
    raise ValueError("the instance ends before its last operation")


def solve(file: Path, planner: Callable[..., Plan], seconds: float) -> dict[str, Any]:
    """Plan one instance for the earliest closing within ``seconds`` of wall time."""
    workshop = read(file.read_text(encoding="utf-8"))
    began = time.monotonic()
    found = planner(workshop, seconds=seconds, aim="closing")
    taken = round(time.monotonic() - began, 2)
    return {"instance": file.stem, "makespan": found.closing, "seconds": taken}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = []
    for file in given.files:
        result = solve(file, partial(plan, workers=given.workers, seed=given.seed), given.seconds)
        results.append(result)
        if not given.json:
            sys.stdout.write("{instance}: makespan {makespan}, {seconds} s\n".format(**result))
    if given.json:
        sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
