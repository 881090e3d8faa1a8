"""A broker is killed while advisors work, and comes back: nothing is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.errors import KafkaError

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.processes import Launch, execute
from deploy.embedded.secrets import SERVICES
from deploy.group_import import import_group
from tests.bench.own_platform import NINE
from tests.cluster.deployment import NO_LEADER, Deployment
from tests.cluster.load import (
    Load,
    advisors,
    advisors_at_work,
    faults_of_events,
    percentiles,
)
from tests.cluster.sign_in import ADVISOR, faults_of_sign_in
from tests.cluster.subscriber import faults_of_subscriber
from tests.support.polling import until

_REST_S = 120.0
_REPLICATED_S = 240.0
_PUBLISHED_BY_ADVISORS = (
    "aftersales.crm.customer.v1",
    "aftersales.crm.vehicle.v1",
    "aftersales.reception.order.v1",
    "aftersales.reception.voucher.v1",
)

Report = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is started and done; ``seconds`` are those of each of the three spans.

    With ``keycloak``, persons and programs get their tokens from it.
    """

    seconds: float = 20.0
    advisors: int = 20
    think_s: float = 2.0
    instances: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 2))
    keycloak: bool = False
    kills: bool = True


@dataclass
class Result:
    """What was found; ``waits`` are milliseconds of commands by the span they were sent in."""

    killed: str = ""
    led: int = 0
    failed_over_s: float = 0.0
    replicated_s: float = 0.0
    accepted: int = 0
    repeated: int = 0
    waits: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The result as a person reads it."""
        spans = [
            f"{name:16} {len(waits):5} commands, {percentiles(waits)}"
            for name, waits in self.waits.items()
        ]
        return [
            f"{self.killed} led {self.led} partitions; others led them after "
            f"{self.failed_over_s:.1f} s; it caught up in {self.replicated_s:.1f} s",
            *spans,
            f"{self.accepted} commands accepted, {self.repeated} records repeated, "
            f"{len(self.wrong)} faults",
            *self.wrong,
        ]


@asynccontextmanager
async def deployed(
    folder: Path, plan: Plan, report: Report, launch: Launch = execute
) -> AsyncIterator[Deployment]:
    """Yield a deployment of its own in ``folder``, at work, with the master data of the group."""
    deployment = Deployment(folder, launch, with_keycloak=plan.keycloak)
    try:
        report("starting three brokers, PostgreSQL" + " and Keycloak" * plan.keycloak)
        await deployment.start_servers()
        report("starting the services")
        deployment.clock.set(NINE, running=True)
        await deployment.start_services(plan.instances)
        report("defining the group")
        await import_group(
            deployment.settings.group_folder,
            deployment.url("management"),
            deployment.tokens_of_commands,
        )
        await deployment.let_in({ADVISOR, *advisors(plan.advisors)})
        if behind := await deployment.wait_until_idle(_REST_S):
            raise EmbeddedError(f"not at rest: {behind}")
        yield deployment
    finally:
        await deployment.stop()


async def carry_out(deployment: Deployment, plan: Plan, report: Report) -> list[str]:
    """Do what the plan says, and return what was wrong."""
    wrong = []
    if deployment.keycloak:
        report("persons sign in at Keycloak")
        wrong += await faults_of_sign_in(deployment, deployment.keycloak)
        report(f"{len(wrong)} faults")
        for each in wrong:
            report(each)
    if plan.kills:
        result = await kill_a_broker(deployment, plan, report)
        for line in result.lines:
            report(line)
        wrong += result.wrong
    return wrong


async def kill_a_broker(deployment: Deployment, plan: Plan, report: Report) -> Result:
    """Kill the leader of most partitions while advisors work, and start it again."""
    result = Result()
    async with advisors_at_work(deployment, plan.advisors, plan.think_s) as load:
        await asyncio.sleep(plan.seconds / 2)
        began = time.perf_counter()
        await asyncio.sleep(plan.seconds)
        killed = time.perf_counter()
        await _kill_leader(deployment, result, report)
        await asyncio.sleep(max(0.0, killed + plan.seconds - time.perf_counter()))
        revived = time.perf_counter()
        await _revive(deployment, result, report)
        replicated = time.perf_counter()
        await asyncio.sleep(plan.seconds)
    spans = {
        "before": (began, killed),
        "one broker down": (killed, revived),
        "catching up": (revived, replicated),
        "after": (replicated, time.perf_counter()),
    }
    result.waits = {name: load.took_ms(*span) for name, span in spans.items()}
    await _judge(deployment, load, result)
    return result


async def _kill_leader(deployment: Deployment, result: Result, report: Report) -> None:
    """Kill the broker that leads most partitions, and wait until others lead them."""
    [(result.killed, result.led)] = (await deployment.leaders()).most_common(1)
    broker = deployment.processes[result.killed]
    report(f"kill -9 {broker.pid} ({result.killed}, leader of {result.led} partitions)")
    began = time.perf_counter()
    broker.kill()

    async def others_lead() -> bool:
        with suppress(KafkaError):  # the client may ask the one that is gone
            leaders = await deployment.leaders()
            return not (leaders[result.killed] or leaders[NO_LEADER])
        return False

    if not await until(others_lead, _REPLICATED_S):
        result.wrong.append(f"{result.killed} still leads after {_REPLICATED_S:.0f} s")
    result.failed_over_s = time.perf_counter() - began


async def _revive(deployment: Deployment, result: Result, report: Report) -> None:
    """Start the broker again, and wait until each partition has three copies."""
    report(f"starting {result.killed} again")
    began = time.perf_counter()
    deployment.processes[result.killed].start()

    async def is_replicated() -> bool:
        with suppress(KafkaError):
            return not await deployment.under_replicated()
        return False

    if not await until(is_replicated, _REPLICATED_S, 0.5):
        result.wrong.append(f"not all partitions have three copies after {_REPLICATED_S:.0f} s")
    result.replicated_s = time.perf_counter() - began


async def _judge(deployment: Deployment, load: Load, result: Result) -> None:
    """Wait for rest, then look for each accepted command's events, and audit everything."""
    result.accepted = len(load.client.accepted)
    result.wrong += await deployment.wait_until_idle(_REST_S)
    audit = await deployment.audit()
    result.repeated = audit.counted["repeated_records"]
    result.wrong += [f"audit: {each}" for each in audit.differences]
    if letters := audit.counted["dead_letters"]:
        result.wrong.append(f"{letters} dead letters")
    result.wrong += await faults_of_events(
        load.client.accepted, deployment.kafka_of_audit(), _PUBLISHED_BY_ADVISORS
    )
    result.wrong += await faults_of_subscriber(deployment)
