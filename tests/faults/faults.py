"""Faults: their injection, and the count of their hits."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.embedded.secrets import SERVICES
from shared.contracts.reception import CustomerGreeted
from shared.envelope import Causation, headers_of
from shared.ids import new_id
from tests.faults.load import Load
from tests.faults.proxy import Proxy
from tests.faults.testbed import Server, Testbed
from tests.support.polling import until

_FAILPOINTS = (
    "before_commit",
    "after_commit",
    "before_produce",
    "after_produce",
    "before_offset_commit",
    "after_offset_commit",
)
_PUBLISHERS = ("reception", "workshop")
_TIMEOUT_S = 60.0
_SESSION_S = 10.0
_SKEW_S = 60


@dataclass(frozen=True)
class FaultContext:
    """Target of a fault's injection."""

    testbed: Testbed
    load: Load


Inject = Callable[[FaultContext, random.Random], Awaitable[int]]


@dataclass(frozen=True)
class Fault:
    """Fault whose ``inject`` undoes itself and returns the number of hits seen; ``seconds`` is its
    duration on a busy machine. Faults with a common entry in ``disturbs`` are not injected
    together.
    """

    name: str
    inject: Inject
    disturbs: frozenset[str]
    seconds: float
    needs_disks: bool = False


# Processes


async def kill_at(point: str, context: FaultContext, rng: random.Random) -> int:
    """Kill with ``kill -9`` at a failpoint, seen by the signal that the process ended with."""
    testbed, service = context.testbed, rng.choice(_PUBLISHERS if "produce" in point else SERVICES)
    processes = testbed.instances(service)
    await testbed.halt(service)
    for process in processes:
        process.start(AFTERSALES_FAILPOINT=f"{point}@{rng.randint(1, 4)}")
    await until(lambda: not all(process.alive for process in processes), 2 * _TIMEOUT_S)
    hits = sum(process.exit_status() == -signal.SIGKILL for process in processes)
    await testbed.halt(service)
    await testbed.revive(service)
    return hits


async def drain(context: FaultContext, rng: random.Random) -> int:
    """Send SIGTERM: the process ends by itself, and another takes its place."""
    service = rng.choice(SERVICES)
    process = context.testbed.process(service)
    pid = process.pid
    drained = await process.stop()
    await context.testbed.revive(service)
    return int(drained and process.pid != pid)


async def unavailable(service: str, seen: str, context: FaultContext, rng: random.Random) -> int:
    """Kill a service and keep it unavailable; people see ``seen``."""
    testbed, history = context.testbed, context.load.history
    before = history.count(seen)
    for process in testbed.instances(service):
        process.kill()
    await until(lambda: history.count(seen) > before, _TIMEOUT_S)
    await asyncio.sleep(rng.uniform(1, 3))
    await testbed.revive(service)
    return history.count(seen) - before


async def hanging_neighbor(context: FaultContext, rng: random.Random) -> int:
    """Stop customer relations with SIGSTOP while customers wait to be registered there; the hit is
    a greeting that is reported overdue at once and not after them.
    """
    testbed, load = context.testbed, context.load
    with ExitStack() as stopped:
        for process in testbed.instances("crm"):
            stopped.enter_context(_stopped(process.pid))
        await asyncio.gather(*(load.walk_in("S01", number) for number in range(_WALK_INS)))
        order_id = await load.walk_in("S01", rng.randrange(_WALK_INS), opens=False)
        await testbed.fetch(_DUE_NOW, order_id, testbed.clock.now())
        said = await until(lambda: testbed.fetch(_OVERDUE, order_id), _AT_ONCE_S)
        waiting = len(await testbed.fetch(_UNREGISTERED))
    return int(said and waiting >= _WALK_INS)


_WALK_INS = 10
_AT_ONCE_S = 15.0
"""Far less than the walk-ins wait, one after the other, for customer relations."""
_DUE_NOW = (
    "UPDATE reception.timer SET due_at = $2 WHERE kind = 'greeting_overdue' AND entity_id = $1"
)
_OVERDUE = """
SELECT 1 FROM reception.outbox
WHERE type = 'aftersales.reception.GreetingOverdue.v1' AND aggregateid = $1
"""
_UNREGISTERED = "SELECT 1 FROM reception.timer WHERE kind = 'link_customer'"


async def stopped_consumer(context: FaultContext, rng: random.Random) -> int:
    """Stop a consumer with SIGSTOP past the session timeout: the group has lost the member before
    SIGCONT.
    """
    testbed, service = context.testbed, rng.choice(SERVICES)
    whole = len(testbed.instances(service))
    with _stopped(testbed.process(service).pid):
        await asyncio.sleep(_SESSION_S)
        lost = await until(lambda: _has_members(testbed, service, whole - 1), 20, 0.5)
    await until(lambda: _has_members(testbed, service, whole), _TIMEOUT_S, 0.5)
    return int(lost)


async def stopped_lease_holder(context: FaultContext, rng: random.Random) -> int:
    """Stop the relay at work with SIGSTOP, and send SIGCONT after another instance has taken its
    lease.
    """
    testbed, service = context.testbed, rng.choice(_PUBLISHERS)
    joined = await testbed.join(service) if len(testbed.instances(service)) == 1 else None
    holder = await _holder(testbed, service)
    process = testbed.process(service if holder == f"{service}-1" else holder)
    with _stopped(process.pid):
        taken = await until(lambda: _other_holder(testbed, service, holder), _TIMEOUT_S, 0.5)
    await asyncio.sleep(3)
    if joined:
        await testbed.remove_instance(joined)
    await testbed.ready(service)
    return int(taken)


async def rebalance_storm(context: FaultContext, rng: random.Random) -> int:
    """Add one more instance of every consumer, and remove it; hits are groups that counted it."""
    testbed = context.testbed
    joined = [await testbed.join(service) for service in rng.sample(SERVICES, len(SERVICES))]
    hits = sum(
        [await _has_members(testbed, each, len(testbed.instances(each))) for each in SERVICES]
    )
    await asyncio.sleep(rng.uniform(1, 3))
    for process in rng.sample(joined, len(joined)):
        if rng.random() < 0.5:
            process.kill()
        await testbed.remove_instance(process)
    return hits


async def redelivery(context: FaultContext, rng: random.Random) -> int:
    """Deliver every topic of a consumer again from offset 0; hits are records."""
    service = rng.choice(SERVICES)
    await context.testbed.halt(service)
    again = await context.testbed.rewind(service)
    await context.testbed.revive(service)
    return again


async def skewed_clock(context: FaultContext, rng: random.Random) -> int:
    """Set one process's business clock wrong by a minute; hits are events of that time."""
    testbed, service = context.testbed, rng.choice(("reception", "crm"))
    process = testbed.instances(service)[-1]
    await process.stop()
    process.start(AFTERSALES_CLOCK_SKEW_S=str(rng.choice((-_SKEW_S, _SKEW_S))))
    await testbed.ready(process.name)
    began = datetime.now(UTC)
    await until(lambda: _wrong_times(testbed, service, began), _TIMEOUT_S, 0.5)
    hits = await _wrong_times(testbed, service, began)
    await process.stop()
    await testbed.revive(service)
    return hits


# Kafka


async def paused_broker(context: FaultContext, rng: random.Random) -> int:
    """Stop the broker with SIGSTOP."""
    with _stopped(context.testbed.process("kafka").pid):
        return await _opened_without_broker(context, rng.uniform(5, 12))


async def restarted_broker(context: FaultContext, rng: random.Random) -> int:
    """Shut the broker down in good order and start it again."""
    await context.testbed.process("kafka").stop(30)
    hits = await _opened_without_broker(context, rng.uniform(2, 5))
    await context.testbed.revive("kafka")
    return hits


async def killed_broker(context: FaultContext, rng: random.Random) -> int:
    """Kill the broker with ``kill -9``."""
    context.testbed.process("kafka").kill()
    hits = await _opened_without_broker(context, rng.uniform(2, 5))
    await context.testbed.revive("kafka")
    return hits


async def _opened_without_broker(context: FaultContext, seconds: float) -> int:
    """Return the number of orders opened meanwhile; their events wait in the outbox."""
    history = context.load.history
    before = history.count("opened")
    await asyncio.sleep(seconds)
    await until(lambda: history.count("opened") > before, _TIMEOUT_S)
    return history.count("opened") - before if await _unsent(context.testbed) else 0


# PostgreSQL


async def restarted_database(kind: str, context: FaultContext, rng: random.Random) -> int:
    """Restart the database, fast or immediately; hits are 503 with Retry-After that people saw."""
    testbed, history = context.testbed, context.load.history
    process = testbed.process("postgres")
    before = history.count("retry after")
    if kind == "fast":
        await process.stop(30)
    else:
        process.wanted = False
        os.kill(process.pid, signal.SIGQUIT)
        await until(lambda: not process.alive, 30)
    await until(lambda: history.count("retry after") > before, 30)
    await asyncio.sleep(rng.uniform(0, 3))
    await testbed.revive("postgres")
    return history.count("retry after") - before


async def ended_backends(context: FaultContext, rng: random.Random) -> int:
    """End database sessions of the services; hits are sessions."""
    hits = 0
    for _ in range(4):
        rows = await context.testbed.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = 'aftersales' AND usename <> 'postgres' AND random() < 0.6"
        )
        hits += len(rows)
        await asyncio.sleep(rng.uniform(0.3, 1.5))
    return hits


async def late_commit(context: FaultContext, rng: random.Random) -> int:
    """Delay transactions between their last statement and their commit; hits are sleepers seen."""
    testbed, service = context.testbed, rng.choice(_PUBLISHERS)
    await _insist(testbed, _LATE.format(service=service))
    try:
        return await _sample(testbed, "wait_event = 'PgSleep'", 8)
    finally:
        await _insist(testbed, _PUNCTUAL.format(service=service))


_LATE = """
SET lock_timeout = '2s';
CREATE FUNCTION {service}.be_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.3 THEN PERFORM pg_sleep(random() * 2); END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON {service}.outbox
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {service}.be_late();
"""
_PUNCTUAL = """
SET lock_timeout = '2s';
DROP TRIGGER IF EXISTS late ON {service}.outbox;
DROP FUNCTION IF EXISTS {service}.be_late();
"""


async def long_transaction(context: FaultContext, rng: random.Random) -> int:
    """Hold the heads of all streams locked; hits are transactions seen waiting."""
    connection = await asyncpg.connect(context.testbed.admin_url)
    try:
        async with connection.transaction():
            for service in _PUBLISHERS:
                await connection.execute(f"SELECT 1 FROM {service}.stream_head FOR UPDATE")
            return await _sample(context.testbed, "wait_event_type = 'Lock'", rng.uniform(6, 10))
    finally:
        await connection.close()


async def _sample(testbed: Testbed, condition: str, seconds: float) -> int:
    """Return how many sessions were seen in a state, sampled twice a second."""
    seen = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        rows = await testbed.fetch(
            f"SELECT 1 FROM pg_stat_activity WHERE datname = 'aftersales' AND {condition}"
        )
        seen += len(rows)
        await asyncio.sleep(0.5)
    return seen


# Connections


async def cut(wire: str, context: FaultContext, rng: random.Random) -> int:
    """Break connections and refuse new ones for a while."""
    proxy = _proxy(context.testbed, wire, rng)
    before = proxy.cut
    async with _opened_again(proxy):
        proxy.close()
        await asyncio.sleep(rng.uniform(3, 8))
    return proxy.cut - before


async def slow(wire: str, context: FaultContext, rng: random.Random) -> int:
    """Slow all traffic down; hits are pieces of data held back."""
    proxy = _proxy(context.testbed, wire, rng)
    before = proxy.delayed
    async with _opened_again(proxy):
        proxy.latency_s = rng.uniform(0.1, 0.5)
        await asyncio.sleep(rng.uniform(5, 8))
    return proxy.delayed - before


async def lost_responses(wire: str, context: FaultContext, rng: random.Random) -> int:
    """Let writes arrive and lose their responses; hits are responses lost."""
    proxy = _proxy(context.testbed, wire, rng)
    before = proxy.lost
    async with _opened_again(proxy):
        proxy.lose_responses()
        await until(lambda: proxy.lost >= before + 3, 20)
    return proxy.lost - before


@asynccontextmanager
async def _opened_again(proxy: Proxy) -> AsyncIterator[None]:
    try:
        yield
    finally:
        proxy.open()


def _proxy(testbed: Testbed, wire: str, rng: random.Random) -> Proxy:
    service = rng.choice(_PUBLISHERS)
    wires: Mapping[str, Proxy] = {
        "http": testbed.service_proxies[service],
        "database": testbed.databases[service],
        "kafka": testbed.broker,
    }
    return wires[wire]


# Disks


async def full_disk(server: Server, context: FaultContext, rng: random.Random) -> int:
    """Fill the server's disk; hits are its errors in the log."""
    testbed = context.testbed
    log = testbed.process(server).log
    complaint = b"No space left on device"
    before = log.read_bytes().count(complaint)
    testbed.fill_disk(server)
    try:
        await until(lambda: log.read_bytes().count(complaint) > before, _TIMEOUT_S)
        await asyncio.sleep(rng.uniform(1, 4))
    finally:
        testbed.clear_disk(server)
    hits = log.read_bytes().count(complaint) - before
    await testbed.revive(server)
    return hits


# Users


async def same_key_twice(context: FaultContext, rng: random.Random) -> int:
    """Send each command twice at once with one key; hits are replayed responses."""
    history = context.load.history
    before = history.count("replayed")
    context.load.doubling = True
    try:
        await asyncio.sleep(rng.uniform(3, 6))
        await until(lambda: history.count("replayed") > before, 20)
    finally:
        context.load.doubling = False
    return history.count("replayed") - before


# Malformed records


@dataclass(frozen=True)
class _MalformedRecord:
    """Defect of a record; ``key`` is filled with the run's own key. One that is ``late`` comes
    after another event at its sequence.
    """

    value: bytes | None = b"{}"
    headers: Mapping[str, bytes | None] = field(default_factory=dict)
    key: bytes = b"%s"
    late: bool = False

    @property
    def addressed(self) -> bool:
        """Whether its place in a stream can be read, so that the following records wait behind
        it.
        """
        return self.key == b"%s" and "ce_sequence" not in self.headers


_UNKNOWN = {"ce_type": b"aftersales.reception.NeverHeardOf.v1"}


_MALFORMED_RECORDS: Mapping[str, _MalformedRecord] = {
    "broken JSON": _MalformedRecord(b"{broken"),
    "wrong types": _MalformedRecord(
        b'{"store_id": 7, "order_id": [], "advisor_id": {}, "greeted_at": 1}'
    ),
    "null value": _MalformedRecord(None),
    "null header": _MalformedRecord(headers={"ce_id": None}),
    "binary header": _MalformedRecord(headers={"ce_id": b"\xff\xfe"}),
    "null character in a header": _MalformedRecord(headers={"ce_id": b"a\0b"}),
    "no sequence": _MalformedRecord(headers={"ce_sequence": b"first"}),
    "endless sequence": _MalformedRecord(headers={"ce_sequence": b"9" * 5000}),
    "binary key": _MalformedRecord(key=b"%s\xff"),
    "null character in the key": _MalformedRecord(key=b"%s\0"),
    "endless key": _MalformedRecord(key=b"%s" + random.Random(0).randbytes(4000).hex().encode()),
    "oversized": _MalformedRecord(b"[" + b" " * 1_000_000 + b"]"),
    "unknown type": _MalformedRecord(headers=_UNKNOWN),
    "unknown version": _MalformedRecord(
        headers={"ce_type": b"aftersales.reception.CustomerGreeted.v9"}
    ),
    "sequence of another event": _MalformedRecord(headers=_UNKNOWN, late=True),
}
_READERS = ("workshop", "crm", "reporting")


async def malformed_record(kind: str, context: FaultContext, rng: random.Random) -> int:
    """Send a record that no consumer can apply, and one that waits behind it; hits are consumers
    that set the first aside (or, of an unknown type, passed it). Operators then have it skipped.
    """
    testbed, key, wrong = context.testbed, f"malformed-{new_id()}", _MALFORMED_RECORDS[kind]
    event = CustomerGreeted(
        store_id="S01", order_id=key, advisor_id="nobody", greeted_at=datetime.now(UTC)
    )
    causation = Causation("faults", "faults")
    texts = headers_of(
        event, event_id=str(new_id()), sequence=1, time=testbed.clock.now(), causation=causation
    )
    headers = {name: text.encode() for name, text in texts.items()} | dict(wrong.headers)
    if wrong.late:
        first = {**headers, "ce_id": str(new_id()).encode()}
        await _produce(testbed, event.topic, key.encode(), wrong.value, first)
    place = await _produce(testbed, event.topic, wrong.key % key.encode(), wrong.value, headers)
    if wrong.addressed:
        behind = {**headers, **_UNKNOWN, "ce_sequence": b"2", "ce_id": str(new_id()).encode()}
        await _produce(testbed, event.topic, key.encode(), b"{}", behind)
    hits = 0
    for service in _READERS:
        passed = "" if wrong.late else key
        hits += await until(partial(_noticed, testbed, service, passed, place), _TIMEOUT_S, 0.5)
    await asyncio.sleep(rng.uniform(0, 1))
    for service in _READERS:
        await testbed.execute(
            f"UPDATE {service}.dead_letter SET decision = 'skip', "
            "resolved_at = CASE WHEN store_id = '' THEN now() END WHERE resolved_at IS NULL"
        )
    return hits


async def _produce(
    testbed: Testbed,
    topic: str,
    key: bytes,
    value: bytes | None,
    headers: Mapping[str, bytes | None],
) -> tuple[int, int]:
    """Send a raw record; return its partition and offset."""
    producer = AIOKafkaProducer(**testbed.kafka.client, max_request_size=1_048_576)
    await producer.start()
    try:
        sent = await producer.send_and_wait(topic, value, key=key, headers=list(headers.items()))
        return sent.partition, sent.offset
    finally:
        await producer.stop()


async def _noticed(testbed: Testbed, service: str, key: str, place: tuple[int, int]) -> bool:
    rows = await testbed.fetch(
        f'SELECT 1 FROM {service}.dead_letter WHERE partition = $1 AND "offset" = $2 '
        f"UNION ALL SELECT 1 FROM {service}.stream_position WHERE key = $3 AND last_sequence > 0",
        *place,
        key,
    )
    return bool(rows)


# Observation


class _stopped:  # noqa: N801
    """Stop a process with SIGSTOP until the block ends."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def __enter__(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGCONT)


async def _has_members(testbed: Testbed, service: str, number: int) -> bool:
    return await _members(testbed, service) == number


async def _members(testbed: Testbed, service: str) -> int:
    try:
        return await testbed.members(service)
    except KafkaError:
        return -1


async def _holder(testbed: Testbed, service: str) -> str:
    rows = await testbed.fetch(f"SELECT holder FROM {service}.relay_lease")
    return str(rows[0]["holder"]) if rows else ""


async def _other_holder(testbed: Testbed, service: str, before: str) -> bool:
    return await _holder(testbed, service) != before


async def _unsent(testbed: Testbed) -> int:
    counts = [
        await testbed.fetch(f"SELECT count(*) FROM {service}.outbox WHERE sent_at IS NULL")
        for service in SERVICES
    ]
    return sum(rows[0]["count"] for rows in counts)


async def _wrong_times(testbed: Testbed, service: str, since: datetime) -> int:
    """Return events whose business time and real time of writing lie half the skew or more
    apart.
    """
    ahead_s = (testbed.clock.now() - datetime.now(UTC)).total_seconds()
    rows = await testbed.fetch(
        f"SELECT 1 FROM {service}.outbox WHERE created_at >= $1 AND $3::float8 <= "
        "abs(extract(epoch FROM (headers->>'ce_time')::timestamptz - created_at) - $2::float8)",
        since,
        ahead_s,
        _SKEW_S / 2,
    )
    return len(rows)


async def _insist(testbed: Testbed, statement: str) -> None:
    """Run statements that need locks which others hold now and then, or take in another order."""
    for _ in range(30):
        with suppress(asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await testbed.execute(statement)
            return
    await testbed.execute(statement)


def _fault(
    name: str, inject: Inject, disturbs: str, seconds: float, *, disks: bool = False
) -> Fault:
    return Fault(name, inject, frozenset(disturbs.split()), seconds, disks)


FAULTS: tuple[Fault, ...] = (
    *(
        _fault(f"kill -9 {point.replace('_', ' ')}", partial(kill_at, point), "service", 15)
        for point in _FAILPOINTS
    ),
    _fault("SIGTERM drain", drain, "service", 10),
    _fault("workshop unavailable", partial(unavailable, "workshop", "provisional"), "service", 15),
    _fault(
        "customer relations unavailable", partial(unavailable, "crm", "details kept"), "service", 12
    ),
    _fault("customer relations hangs", hanging_neighbor, "service kafka", 15),
    _fault("stopped consumer", stopped_consumer, "service kafka", 25),
    _fault("stopped lease holder", stopped_lease_holder, "service database", 25),
    _fault("rebalance storm", rebalance_storm, "service kafka", 25),
    _fault("redelivery from offset 0", redelivery, "service kafka", 12),
    _fault("skewed clock", skewed_clock, "service", 20),
    _fault("broker paused", paused_broker, "kafka", 12),
    _fault("broker restarted", restarted_broker, "kafka", 15),
    _fault("broker killed", killed_broker, "kafka", 15),
    _fault("database fast restart", partial(restarted_database, "fast"), "database", 10),
    _fault("database immediate restart", partial(restarted_database, "now"), "database", 10),
    _fault("database sessions ended", ended_backends, "database", 6),
    _fault("late commits", late_commit, "database", 12),
    _fault("long transaction", long_transaction, "database", 10),
    *(
        _fault(f"{wire} {name}", partial(inject, wire), f"{wire} wires", 8)
        for name, inject in (("cut", cut), ("latency", slow), ("lost responses", lost_responses))
        for wire in ("http", "database", "kafka")
    ),
    _fault("database disk full", partial(full_disk, "postgres"), "database", 20, disks=True),
    _fault("broker disk full", partial(full_disk, "kafka"), "kafka", 25, disks=True),
    _fault("same key twice", same_key_twice, "staff", 6),
    *(
        _fault(
            f"malformed record: {kind}",
            partial(malformed_record, kind),
            "kafka service database",
            3,
        )
        for kind in _MALFORMED_RECORDS
    ),
)
