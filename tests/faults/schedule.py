"""Schedule of injections: a pure function of the seed and the available time."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults.faults import Fault

QUIET_S = 30.0
"""Duration of the quiet period and the invariants after each round."""

_STEPS_A_ROUND = 8
_COMPOSED_SHARE = 0.3


@dataclass(frozen=True)
class Injection:
    """Fault with the seed of its random values."""

    fault: Fault
    seed: int


Step = tuple[Injection, ...]
"""Faults that are injected together."""

Round = tuple[Step, ...]
"""Steps in sequence; then a quiet period, then the invariants."""


def plan(seed: int, minutes: float, faults: Sequence[Fault]) -> tuple[Round, ...]:
    """Return rounds that fill ``minutes``: every fault once in drawn order, then again, some
    together.
    """
    rng = random.Random(seed)
    left = minutes * 60
    queue: list[Fault] = []
    rounds: list[Round] = []
    while left > 0:
        steps: list[Step] = []
        left -= QUIET_S
        while len(steps) < _STEPS_A_ROUND and (left > 0 or not steps):
            if not queue:
                queue = rng.sample(faults, len(faults))
            step = _step(queue, rng)
            steps.append(step)
            left -= max(injection.fault.seconds for injection in step)
        rounds.append(tuple(steps))
    return tuple(rounds)


def described(rounds: Sequence[Round], faults: Sequence[Fault]) -> Iterator[str]:
    """Yield the plan in lines, each round's steps in their order, and the faults that do not fit
    in.
    """
    planned: set[str] = set()
    for number, steps in enumerate(rounds, start=1):
        names = [[injection.fault.name for injection in step] for step in steps]
        planned.update(name for step in names for name in step)
        yield f"round {number}: {', '.join(' with '.join(step) for step in names)}"
    if left_out := [fault.name for fault in faults if fault.name not in planned]:
        yield f"not in this plan: {', '.join(left_out)}"


def _step(queue: list[Fault], rng: random.Random) -> Step:
    """Take one fault from ``queue``, or two that do not disturb the same thing."""
    first = queue.pop()
    chosen = [first]
    if rng.random() < _COMPOSED_SHARE:
        others = [each for each in queue if not each.disturbs & first.disturbs]
        if others:
            chosen.append(others[0])
            queue.remove(others[0])
    return tuple(Injection(fault, rng.getrandbits(32)) for fault in chosen)
