"""Health of a service: alive, ready, and its backlog."""

import asyncio
from contextlib import suppress
from typing import Annotated

from aiokafka.errors import KafkaError
from fastapi import Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from shared.db import TRANSIENT
from shared.problems import Problem, not_ready
from shared.routing import Router
from shared.security import Principal, require_roles
from shared.telemetry import BACKLOG, DATABASE

router = Router(tags=["platform"])

_LAG_S = 2.0
"""Time that a scrape waits for Kafka; then it shows the lag of the last one."""

_BACKLOG = """
SELECT (SELECT count(*) FROM outbox WHERE sent_at IS NULL) AS outbox,
       (SELECT extract(epoch FROM clock_timestamp() - min(created_at))
          FROM outbox WHERE sent_at IS NULL) AS outbox_age_s,
       (SELECT count(*) FROM timer WHERE due_at <= $1 AND given_up_at IS NULL) AS due_timers,
       (SELECT extract(epoch FROM $1 - min(due_at)) FROM timer
          WHERE due_at <= $1 AND given_up_at IS NULL AND attempts = 0) AS due_timer_age_s,
       (SELECT count(*) FROM timer
          WHERE due_at <= $1 AND given_up_at IS NULL AND attempts > 0) AS waiting_timers,
       (SELECT count(DISTINCT (topic, key, store_id)) FROM parked_event) AS parked_keys,
       (SELECT count(*) FROM parked_event) AS parked_events,
       (SELECT count(*) FROM dead_letter WHERE resolved_at IS NULL)
         + (SELECT count(*) FROM timer WHERE given_up_at IS NOT NULL) AS dead_letters,
       (SELECT count(*) FROM dead_letter WHERE resolved_at IS NULL AND conflict) AS conflicts
"""

_DATABASE = """
SELECT pg_database_size(current_database()) AS size_bytes,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       current_setting('max_connections')::int AS max_connections,
       (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database())
         AS transaction_age,
       (SELECT (last_failed_time > coalesce(last_archived_time, '-infinity'))::int
          FROM pg_stat_archiver) AS archive_failing
"""


class Status(BaseModel):
    """Backlog of one process (积压).

    ``lag`` is absent while a consumer has no partition; ``waiting_timers`` are those of the due
    ones that were tried in vain and are tried again; ``dead_letters`` are events dead-lettered and
    timers given up, ``conflicts`` those of them that have the sequence of another event (事件冲突);
    ``lost`` counts records that were deleted before this process could read them.
    """

    service: str
    instance: str
    lag: int | None
    outbox: int
    outbox_age_s: float
    due_timers: int
    waiting_timers: int
    parked_keys: int
    dead_letters: int
    conflicts: int
    published: int
    applied: int
    unknown_types: int
    lost: int


@router.get("/health/live", summary="The process responds and its consumer is not stalled")
async def live(request: Request) -> dict[str, str]:
    if request.app.state.service.stalled:
        raise Problem(503, "stalled_consumer", "Records wait and nothing moves.")
    return {"status": "live"}


@router.get("/health/ready", summary="Database reachable, partitions assigned, master data read")
async def ready(request: Request) -> dict[str, str]:
    service = request.app.state.service
    try:
        await service.workers.fetchval("SELECT 1")
    except TRANSIENT:
        raise Problem(503, "database_unavailable", "The database does not respond.") from None
    if not service.is_ready:
        raise not_ready()
    if not all(consumer.assigned for consumer in service.consumers):
        raise Problem(503, "no_assignment", "No partition is assigned yet.")
    return {"status": "ready"}


@router.get("/status", response_model=Status)
async def status(
    request: Request, _: Annotated[Principal, Depends(require_roles("operator", "system"))]
) -> Status:
    """Backlog of this process; lag first, so that zeros mean that nothing was in flight."""
    service = request.app.state.service
    lag = await service.lag()
    backlog = await service.workers.fetchrow(_BACKLOG, service.clock.now())
    return Status(
        service=service.name,
        instance=service.settings.instance,
        lag=lag,
        outbox=backlog["outbox"],
        outbox_age_s=float(backlog["outbox_age_s"] or 0),
        due_timers=backlog["due_timers"],
        waiting_timers=backlog["waiting_timers"],
        parked_keys=backlog["parked_keys"],
        dead_letters=backlog["dead_letters"],
        conflicts=backlog["conflicts"],
        published=service.relay.published,
        applied=sum(consumer.applied for consumer in service.consumers),
        unknown_types=sum(consumer.unknown for consumer in service.consumers),
        lost=sum(consumer.lost for consumer in service.consumers),
    )


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    service = request.app.state.service
    with suppress(*TRANSIENT):
        backlog = await service.workers.fetchrow(_BACKLOG, service.clock.now())
        for what, figure in backlog.items():
            BACKLOG.labels(service.name, what).set(float(figure or 0))
        database = await service.workers.fetchrow(_DATABASE)
        for what, figure in database.items():
            DATABASE.labels(service.name, what).set(float(figure or 0))
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(_LAG_S):
            if (lag := await service.lag()) is not None:
                BACKLOG.labels(service.name, "lag").set(lag)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
