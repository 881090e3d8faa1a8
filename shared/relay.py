"""Relay of the outbox: it sends the events that have committed to Kafka."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.db import TRANSIENT, Connection
from shared.failpoints import failpoint
from shared.outbox import LARGEST_EVENT
from shared.telemetry import EVENTS_PUBLISHED
from shared.unit_of_work import UnitOfWork

log = structlog.get_logger()

LEASE = timedelta(seconds=5)
_POLL_S = 0.25
_HEARTBEAT_S = 1.0
_KEYS_A_ROUND = 500

_UNSENT = """
SELECT o.id, o.created_at, o.topic, o.aggregateid, o.sequence, o.type, o.payload, o.headers
FROM outbox AS o
JOIN (SELECT DISTINCT topic, aggregateid
      FROM (SELECT topic, aggregateid FROM outbox
            WHERE sent_at IS NULL ORDER BY created_at LIMIT $1) AS oldest) AS waiting
  USING (topic, aggregateid)
WHERE o.sent_at IS NULL
ORDER BY o.topic, o.aggregateid, o.sequence
"""

_MARK_SENT = """
UPDATE outbox SET sent_at = clock_timestamp()
FROM unnest($1::uuid[], $2::timestamptz[]) AS sent (id, created_at)
WHERE outbox.id = sent.id AND outbox.created_at = sent.created_at
"""

_HOLDER = """
SELECT lease.holder, lease.backend_pid, lease.backend_start,
       lease.heartbeat_at < clock_timestamp() - $1::interval OR activity.pid IS NULL AS lapsed
FROM relay_lease AS lease
LEFT JOIN pg_stat_activity AS activity
       ON activity.pid = lease.backend_pid AND activity.backend_start = lease.backend_start
"""

_END_SESSION = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE pid = $1 AND backend_start = $2 AND pid <> pg_backend_pid()
"""

_TAKE_LEASE = """
INSERT INTO relay_lease AS lease (holder, backend_pid, backend_start, heartbeat_at)
SELECT $1, pid, backend_start, clock_timestamp()
FROM pg_stat_activity WHERE pid = pg_backend_pid()
ON CONFLICT (single) DO UPDATE
SET holder = excluded.holder, backend_pid = excluded.backend_pid,
    backend_start = excluded.backend_start, heartbeat_at = excluded.heartbeat_at
WHERE (lease.backend_pid, lease.backend_start) = ($2, $3)
RETURNING true
"""

_HEARTBEAT = """
UPDATE relay_lease SET heartbeat_at = clock_timestamp()
WHERE backend_pid = pg_backend_pid() AND holder = $1
RETURNING true
"""


class Relay:
    """Sender of unsent outbox rows to Kafka, in sequence per key, while it holds the lease.

    It reads unsent rows and keeps no cursor, so no commit order can make it miss a row. A row is
    marked only after the broker's acknowledgment; after a failure it is sent again and consumers
    discard the repetition.
    """

    def __init__(self, database_url: str, kafka: Mapping[str, Any], holder: str) -> None:
        self._database_url = database_url
        self._kafka = kafka
        self._holder = holder
        self._producer: AIOKafkaProducer | None = None
        self._work = asyncio.Event()
        self._beat_at = -_HEARTBEAT_S
        self.published = 0

    def note_commit(self, uow: UnitOfWork) -> None:
        """Look for the rows of ``uow`` at once; polling finds them anyway."""
        if uow.publishes:
            self._work.set()

    async def run(self) -> None:
        """Relay until cancelled, through lost connections and lost leases."""
        try:
            while True:
                with contextlib.suppress(*TRANSIENT, asyncpg.PostgresError):
                    await self._session()
                await asyncio.sleep(0.5)
        finally:
            await self._drop_producer()

    async def _session(self) -> None:
        connection = await asyncpg.connect(
            self._database_url,
            timeout=5,
            command_timeout=15,
            server_settings={
                "application_name": f"relay {self._holder}",
                # A query plan cached while the outbox was small would read all of it.
                "plan_cache_mode": "force_custom_plan",
            },
        )
        try:
            await connection.set_type_codec(
                "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=_header_list
            )
            while not await self._take_lease(connection):
                await asyncio.sleep(1)
            log.info("relay took the lease", holder=self._holder)
            while await self._holds_lease(connection):
                await self._round(connection)
        finally:
            await asyncio.shield(_close(connection))

    async def _take_lease(self, connection: Connection) -> bool:
        held = await connection.fetchrow(_HOLDER, LEASE)
        if held is None:
            return bool(await connection.fetchval(_TAKE_LEASE, self._holder, None, None))
        if not held["lapsed"]:
            return False
        await connection.fetch(_END_SESSION, held["backend_pid"], held["backend_start"])
        return bool(
            await connection.fetchval(
                _TAKE_LEASE, self._holder, held["backend_pid"], held["backend_start"]
            )
        )

    async def _holds_lease(self, connection: Connection) -> bool:
        """Return whether the lease is still this relay's; whoever takes it ends the session."""
        if time.monotonic() < self._beat_at + _HEARTBEAT_S:
            return True
        self._beat_at = time.monotonic()
        return bool(await connection.fetchval(_HEARTBEAT, self._holder))

    async def _round(self, connection: Connection) -> None:
        """Send one portion, or wait for the next hint or poll."""
        self._work.clear()
        rows = await connection.fetch(_UNSENT, _KEYS_A_ROUND)
        if not rows:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._work.wait()
            return
        sent = await self._send(rows)
        failpoint("after_produce")
        if sent:
            await connection.execute(
                _MARK_SENT, [row["id"] for row in sent], [row["created_at"] for row in sent]
            )
            self._report(sent)
        if len(sent) < len(rows):
            await self._drop_producer()
            await asyncio.sleep(0.5)

    def _report(self, sent: Sequence[asyncpg.Record]) -> None:
        self.published += len(sent)
        for event_type, count in Counter(row["type"] for row in sent).items():
            EVENTS_PUBLISHED.labels(event_type).inc(count)

    async def _send(self, rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
        """Produce the rows and return those that the broker has acknowledged."""
        try:
            producer = await self._running_producer()
            failpoint("before_produce")
            futures = await _enqueue(producer, rows)
            responses = await asyncio.gather(
                *(future for _, future in futures), return_exceptions=True
            )
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("broker unavailable", error=str(error) or type(error).__name__)
            return []
        for response in responses:
            if isinstance(response, BaseException):
                log.warning(
                    "event not acknowledged", error=str(response) or type(response).__name__
                )
                break
        return [
            row
            for (row, _), response in zip(futures, responses, strict=True)
            if not isinstance(response, BaseException)
        ]

    async def _running_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._kafka,
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=10_000,
                max_request_size=LARGEST_EVENT + 100_000,
            )
            try:
                await producer.start()
            except BaseException:
                await _stop(producer)
                raise
            self._producer = producer
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)


async def _enqueue(
    producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
) -> list[tuple[asyncpg.Record, asyncio.Future[Any]]]:
    """Hand rows to the producer; a key whose event is refused gets nothing further."""
    futures = []
    blocked: set[tuple[str, str]] = set()
    for row in rows:
        key = (row["topic"], row["aggregateid"])
        if key in blocked:
            continue
        try:
            future = await producer.send(
                row["topic"],
                key=row["aggregateid"].encode(),
                value=row["payload"],
                headers=row["headers"],
            )
        except KafkaError as error:
            log.error("event refused by the producer", key=key, error=str(error))
            blocked.add(key)
        else:
            futures.append((row, future))
    return futures


def _header_list(text: str) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in json.loads(text).items()]


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop a producer, which may never return by itself."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(producer.stop(), 5)


async def _close(connection: Connection) -> None:
    with contextlib.suppress(*TRANSIENT):
        await connection.close(timeout=2)
