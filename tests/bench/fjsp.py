"""Flexible job-shop instances: ``python -m tests.bench.fjsp FILE… --seconds 60 [--json]``.

A machine is a technician, an operation a job of its own skill, a job of the instance an order.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from services.workshop.planning import Bay, Interval, Plan, PlanTask, Technician, Workshop, plan
from tests.bench.plain_cp_sat import plain


def read(text: str) -> Workshop:
    """Return the workshop of an instance in the public text format (machines are numbered from 1).

    Raises:
        ValueError: the text is not of that format.
    """
    first, _, rest = text.lstrip().partition("\n")
    size = first.split()[:2]
    try:
        orders, machines = (int(word) for word in size)
        numbers = iter([int(word) for word in rest.split()])
    except ValueError:
        raise ValueError("not whole numbers, with jobs and machines in the first line") from None
    jobs = tuple(job for order in range(orders) for job in _order(order, numbers))
    _check(jobs, machines, sum(1 for _ in numbers))
    always = (Interval(0, sum(max(job.own_minutes.values()) for job in jobs) + 1),)
    skills: dict[str, dict[str, int]] = {_machine(m): {} for m in range(1, machines + 1)}
    for job in jobs:
        for machine in job.own_minutes:
            skills[machine][job.skill_code] = 1
    technicians = tuple(Technician(machine, known, always) for machine, known in skills.items())
    bays = tuple(Bay(f"b{m:03}", frozenset({"any"}), always) for m in range(machines))
    return Workshop(0, technicians, bays, jobs)


def _order(order: int, numbers: Iterator[int]) -> list[PlanTask]:
    jobs: list[PlanTask] = []
    for operation in range(_take(numbers)):
        own = {_machine(_take(numbers)): _take(numbers) for _ in range(_take(numbers))}
        name = f"{order:03}-{operation:03}"
        shortest = min(own.values(), default=0)
        if shortest < 1:
            raise ValueError(f"operation {name} needs a machine and durations of at least 1")
        after = (jobs[-1].job_id,) if jobs else ()
        jobs.append(
            PlanTask(name, f"{order:03}", name, 1, "any", shortest, own_minutes=own, after=after)
        )
    return jobs


def _machine(number: int) -> str:
    return f"m{number:03}"


def _take(numbers: Iterator[int]) -> int:
    for number in numbers:
        return number
    raise ValueError("the instance ends before its last operation")


def _check(jobs: tuple[PlanTask, ...], machines: int, left: int) -> None:
    known = {_machine(m) for m in range(1, machines + 1)}
    if not jobs:
        raise ValueError("the instance has no operations")
    for job in jobs:
        if not known.issuperset(job.own_minutes):
            raise ValueError(f"operation {job.job_id} names a machine that there is not")
    if left:
        raise ValueError(f"{left} numbers follow the last operation")


def load(file: Path) -> Workshop:
    """Return the workshop of an instance file.

    Raises:
        ValueError: the file cannot be read or is not of the format; the message names it.
    """
    try:
        return read(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file}: not a text file") from None
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def solve(
    name: str, workshop: Workshop, planner: Callable[..., Plan], seconds: float
) -> dict[str, Any]:
    """Plan one instance for the earliest closing within ``seconds`` of wall time."""
    began = time.monotonic()
    found = planner(workshop, seconds=seconds, aim="makespan")
    taken = round(time.monotonic() - began, 2)
    return {"instance": name, "makespan": found.makespan, "seconds": taken}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--plain", action="store_true", help="a plain CP-SAT model in our place")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    try:
        workshops = [(file.stem, load(file)) for file in given.files]
    except ValueError as error:
        sys.exit(str(error))
    planner = partial(plain if given.plain else plan, workers=given.workers, seed=given.seed)
    results = []
    for name, workshop in workshops:
        results.append(solve(name, workshop, planner, given.seconds))
        if not given.json:
            line = "{instance}: makespan {makespan}, {seconds} s\n"
            sys.stdout.write(line.format(**results[-1]))
            sys.stdout.flush()
    if given.json:
        sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
