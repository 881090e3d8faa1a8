"""Retention that is shorter than an outage: detected and reported."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from structlog.testing import capture_logs

from deploy.embedded.platform import Platform
from tests.support.foundation import Bench

TIMEOUT_S = 60.0


async def consume(bench: Bench) -> None:
    """Run until no record waits, then stop."""
    async with bench.service.running(), asyncio.timeout(TIMEOUT_S):
        while await bench.service.consumer.lag() != 0:
            await asyncio.sleep(0.1)


async def delete_unread(bench: Bench) -> int:
    """Delete every record that the topic holds; return how many were unread."""
    ends = await bench.service.consumer._probe.ends(bench.begin)
    admin = AIOKafkaAdminClient(**bench.kafka)
    await admin.start()
    await admin.delete_records(
        {TopicPartition(*partition): RecordsToDelete(end) for partition, end in ends.items() if end}
    )
    await admin.close()
    return sum(ends.values())


async def test_records_deleted_during_outage_are_counted(servers: Platform, bench: Bench) -> None:
    await bench.send_greeted("o1", 1, 2, 3)
    await delete_unread(bench)
    await bench.send_greeted("o1", 4)
    await bench.send_greeted("o2", 1)
    with capture_logs() as logs:
        await consume(bench)
    said = [
        entry for entry in logs if entry["event"] == "records were deleted before they were read"
    ]
    assert sum(entry["records"] for entry in said) == 3
    assert bench.service.consumer.lost == 3
    assert bench.effects.advisors == {"o2": ["a1"]}
    parked = await bench.admin.fetch("SELECT key, sequence FROM crm.parked_event")
    assert [tuple(row) for row in parked] == [("o1", 4)]


async def test_complete_topic_reports_no_lost_records(servers: Platform, bench: Bench) -> None:
    await bench.send_greeted("o3", 1)
    with capture_logs() as logs:
        await consume(bench)
    assert bench.service.consumer.lost == 0
    assert not [entry for entry in logs if entry["log_level"] == "critical"]
