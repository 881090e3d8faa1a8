"""Retention of outbox and responses to commands; unsent rows are kept longer."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from deploy.embedded.platform import Platform

_PARTITION = """
SET ROLE reception_owner;
CREATE TABLE reception.{parent}_{day:%Y%m%d} PARTITION OF reception.{parent}
    FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next_day} 00:00:00+00');
RESET ROLE;
"""

_EVENT = """
INSERT INTO reception.outbox (id, created_at, store_id, topic, aggregatetype, aggregateid, sequence,
                              type, payload, headers, sent_at)
VALUES (gen_random_uuid(), $1, 'S01', 't', 'order', 'o', 1, 'T', '', '{}', $2)
"""

_DAYS = """
SELECT to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') FROM pg_inherits
WHERE inhparent = ('reception.' || $1)::regclass
"""


@pytest.mark.parametrize(
    ("parent", "kept_days", "sent", "kept"),
    [
        ("idempotency", 40, True, False),
        ("idempotency", 20, True, True),
        ("outbox", 41, True, False),
        ("outbox", 42, False, True),
        ("outbox", 21, True, True),
    ],
)
async def test_expired_partition_is_dropped_unless_events_are_unsent(
    servers: Platform, parent: str, kept_days: int, sent: bool, kept: bool
) -> None:
    at = datetime.now(UTC) - timedelta(days=kept_days)
    day = at.date()
    admin = await asyncpg.connect(servers.admin_url)
    await admin.execute(_PARTITION.format(parent=parent, day=day, next_day=day + timedelta(days=1)))
    if parent == "outbox":
        await admin.execute(_EVENT, at, at if sent else None)
    worker = await asyncpg.connect(servers.database_url("reception_worker"))
    await worker.execute("SELECT reception.maintain_partitions(14, 30)")
    await worker.close()
    days = {row[0] for row in await admin.fetch(_DAYS, parent)}
    await admin.close()
    assert (day in days) is kept
    today = {at.date() + timedelta(days=kept_days), datetime.now(UTC).date()}
    assert {each + timedelta(days=14) for each in today} & days
