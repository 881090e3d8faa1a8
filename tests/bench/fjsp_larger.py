"""Larger flexible job-shop instances: ``python -m tests.bench.fjsp_larger FOLDER --seed 1``.

Seven files in the public text format, of 100 to 270 operations: with many or few machines, free
or related durations, short or long ones.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

Range = tuple[int, int]


@dataclass(frozen=True)
class Family:
    """Common properties of the instances of one kind.

    ``slower`` is how much longer than the shortest another machine may take, as a share; without
    it the machines' durations have nothing to do with each other.
    """

    orders: int
    machines: int
    operations: Range
    choices: Range
    minutes: Range
    slower: float | None = None


FAMILIES = {
    "wide": Family(10, 15, (15, 15), (1, 5), (1, 10)),
    "narrow": Family(20, 5, (5, 5), (1, 5), (1, 20)),
    "long": Family(20, 10, (10, 14), (1, 5), (5, 20)),
    "large": Family(20, 15, (10, 14), (1, 5), (5, 20)),
    "alike": Family(15, 8, (12, 18), (1, 3), (10, 100), 0.0),
    "related": Family(20, 10, (12, 15), (1, 5), (10, 100), 0.3),
    "rigid": Family(15, 10, (10, 12), (1, 3), (5, 99), 0.5),
}


def instance(family: Family, seed: int) -> str:
    """Return the text of one instance."""
    rng = Random(seed)
    lines = [f"{family.orders} {family.machines} {sum(family.choices) / 2:g}"]
    for _ in range(family.orders):
        operations = [_operation(family, rng) for _ in range(rng.randint(*family.operations))]
        lines.append(" ".join([str(len(operations)), *operations]))
    return "\n".join(lines) + "\n"


def _operation(family: Family, rng: Random) -> str:
    machines = rng.sample(range(1, family.machines + 1), rng.randint(*family.choices))
    shortest = rng.randint(*family.minutes)
    words = [len(machines)]
    for machine in machines:
        if family.slower is None:
            minutes = rng.randint(*family.minutes)
        else:
            minutes = round(shortest * rng.uniform(1, 1 + family.slower))
        words += [machine, minutes]
    return " ".join(map(str, words))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, family in FAMILIES.items():
        file = given.folder / f"{name}{given.seed}.txt"
        file.write_text(instance(family, given.seed), encoding="utf-8")
        sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
