"""Execution of a plan of faults on a working platform, with its hits and violations."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.embedded.secrets import SERVICES
from deploy.group_import import import_group
from tests.faults.faults import FAULTS, Fault, FaultContext
from tests.faults.invariants import INVARIANTS, Verdict, judge
from tests.faults.load import Load
from tests.faults.schedule import Injection, Round, Step
from tests.faults.testbed import Testbed
from tests.support.polling import until

_BETWEEN_STEPS_S = 1.0
_WARM_UP_S = 240.0

Report = Callable[[str], None]


@dataclass
class Result:
    """Hits by fault, and violations by fault and invariant (of the round that the fault was in)."""

    seed: int
    seconds: float = 0.0
    planned: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    guilty: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    commands: Counter[str] = field(default_factory=Counter)

    @property
    def never_hit(self) -> list[str]:
        return [name for name in self.planned if not self.hits[name]]

    @property
    def ok(self) -> bool:
        return not (self.never_hit or self.errors or any(self.violations.values()))

    @property
    def last_line(self) -> str:
        wrong = sum(map(len, self.violations.values()))
        return (
            f"seed {self.seed}: {self.seconds / 60:.1f} min, {len(self.planned)} faults, "
            f"{self.planned.total()} injections, {self.hits.total()} hits, "
            f"{len(self.never_hit)} never hit, {len(self.errors)} errors, "
            f"{self.commands['acknowledged']} commands acknowledged, "
            f"{self.commands['refused']} refused, {self.commands['unknown']} unknown, "
            f"{self.asked.total()} comparisons, {wrong} violations: "
            f"{'ok' if self.ok else 'FAILED'}"
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "ok": self.ok,
            "faults": {
                name: {
                    "injections": number,
                    "hits": self.hits[name],
                    "missed": self.missed[name],
                    "violated": sorted(self.guilty[name]),
                }
                for name, number in self.planned.items()
            },
            "invariants": {
                name: {"comparisons": self.asked[name], "violations": self.violations[name]}
                for name in INVARIANTS
            },
            "commands": dict(self.commands),
            "errors": self.errors,
        }


def known_faults(testbed: Testbed) -> list[Fault]:
    """Return the faults that can be injected on this machine."""
    return [fault for fault in FAULTS if testbed.has_disks or not fault.needs_disks]


async def disturb(
    folder: Path,
    seed: int,
    concurrency: int,
    rounds: Callable[[Testbed], Sequence[Round]],
    report: Report,
) -> Result:
    """Run the ``rounds`` chosen for a testbed of its own in ``folder``, under load."""
    testbed = Testbed(folder, seed, report)
    await testbed.start(SERVICES)
    try:
        await import_group(testbed.settings.group_folder, testbed.url("management"), testbed.issuer)
        load = Load(testbed, seed, concurrency)
        try:
            return await run(testbed, load, rounds(testbed), seed, report)
        finally:
            await load.close()
    finally:
        await testbed.stop()


async def run(
    testbed: Testbed, load: Load, rounds: Sequence[Round], seed: int, report: Report
) -> Result:
    """Inject every round; after each, pause the load and check the invariants."""
    result = Result(seed)
    began = time.monotonic()
    context = FaultContext(testbed, load)
    await _warm_up(load)
    for number, steps in enumerate(rounds, start=1):
        if number == len(rounds) // 2 + 1 and number > 1:
            report("from now on two instances of every service")
            await testbed.double()
        load.open()
        for step in steps:
            await _inject(context, step, result, report)
            await asyncio.sleep(_BETWEEN_STEPS_S)
        await load.pause()
        await _mend(testbed, report)
        verdict = await judge(testbed, load.history, replay=number == len(rounds))
        _record(result, steps, verdict)
        report(f"round {number} of {len(rounds)}: {'holds' if verdict.ok else 'VIOLATED'}")
        for invariant, found in verdict.violations.items():
            for violation in found[:5]:
                report(f"  {invariant}: {violation}")
    result.commands.update(said.outcome for said in load.history.commands)
    result.seconds = time.monotonic() - began
    return result


async def _warm_up(load: Load) -> None:
    """Let a first vehicle leave before anything is disturbed.

    Raises:
        TimeoutError: none leaves; the platform does not work even undisturbed.
    """
    load.open()
    if not await until(lambda: load.visits_finished, _WARM_UP_S):
        raise TimeoutError(f"no visit was finished in {_WARM_UP_S:.0f} s without any fault")


async def _inject(context: FaultContext, step: Step, result: Result, report: Report) -> None:
    await asyncio.gather(*(_inject_one(context, injection, result, report) for injection in step))


async def _inject_one(
    context: FaultContext, injection: Injection, result: Result, report: Report
) -> None:
    """Inject one fault; a hit counts only when commands were under way while the fault lasted."""
    fault, history, began = injection.fault, context.load.history, time.monotonic()
    sent = history.sent
    await until(lambda: history.in_flight or history.sent > sent, _WARM_UP_S)
    before = history.sent - history.in_flight
    result.planned[fault.name] += 1
    try:
        hits = int(await fault.inject(context, random.Random(injection.seed)))
    except Exception as error:
        result.errors.append(f"{fault.name}: {error!r}")
        report(f"{fault.name}: {error!r}")
        await _mend(context.testbed, report)
        return
    under_way = history.sent - before
    result.hits[fault.name] += hits if under_way else 0
    result.missed[fault.name] += not (hits and under_way)
    took = time.monotonic() - began
    report(f"{fault.name}: {hits} hits, {under_way} tries of commands, {took:.0f} s")


async def _mend(testbed: Testbed, report: Report) -> None:
    """Restore every connection, and restart ended processes, as a process supervisor would."""
    for proxy in testbed.proxies:
        proxy.open()
    for process in testbed.processes:
        if not process.alive:
            report(f"{process.name} has ended ({process.exit_status()}) and is started again")
            await testbed.revive(process.name)


def _record(result: Result, steps: Round, verdict: Verdict) -> None:
    result.asked.update(verdict.asked)
    for invariant, found in verdict.violations.items():
        result.violations[invariant] += [
            each for each in found if each not in result.violations[invariant]
        ]
        if found:
            for step in steps:
                for injection in step:
                    result.guilty[injection.fault.name].add(invariant)
