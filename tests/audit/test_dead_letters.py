"""``aftersales dead-letters`` on letters of a running service: shown, replayed, skipped (R39)."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from deploy.cli.audit import run_audit
from deploy.cli.dead_letters import app
from deploy.cli.terminal import console
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from shared.clock import SteppedClock
from shared.contracts.reception import VehicleDelivered
from shared.envelope import Cause, headers_of
from shared.ids import new_id


@dataclass(frozen=True)
class Said:
    status: int
    output: str


async def command(platform: Platform, *arguments: str) -> Said:
    """What ``aftersales dead-letters`` says, its complaint included."""
    console.width = 240
    result = await asyncio.to_thread(
        CliRunner().invoke, app, [*arguments, "--database-url", platform.admin_url]
    )
    if isinstance(result.exception, EmbeddedError):
        return Said(1, str(result.exception))
    return Said(result.exit_code, result.output.strip())


async def deliver(platform: Platform, clock: SteppedClock, order_id: str, value: bytes) -> None:
    """Send a VehicleDelivered, the first event of its order, with the given data."""
    now = clock.now()
    event = VehicleDelivered(
        store_id="S01",
        order_id=order_id,
        advisor_id="S01-advisor-1",
        customer_ref=None,
        delivered_at=now,
        steps=(),
    )
    headers = headers_of(
        event, event_id=str(new_id()), sequence=1, time=now, cause=Cause("test", "test")
    )
    async with AIOKafkaProducer(bootstrap_servers=platform.kafka.bootstrap) as producer:
        await producer.send_and_wait(
            event.topic,
            key=order_id.encode(),
            value=value or event.model_dump_json().encode(),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )


async def letters(platform: Platform, expected: int) -> list[int]:
    """Numbers of the open dead letters of customer relations, once there are so many."""
    connection = await asyncpg.connect(platform.admin_url)
    try:
        async with asyncio.timeout(30):
            while True:
                rows = await connection.fetch(
                    "SELECT dead_letter_id FROM crm.dead_letter WHERE resolved_at IS NULL "
                    "ORDER BY dead_letter_id"
                )
                if len(rows) == expected:
                    return [row["dead_letter_id"] for row in rows]
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, clock: SteppedClock) -> AsyncIterator[Platform]:
    """Customer relations alone, with one dead letter."""
    await servers.start_services(("crm",))
    await deliver(servers, clock, "poisoned", b'{"broken')
    await letters(servers, 1)
    yield servers
    await servers.stop_services()


async def test_a_letter_is_listed_and_shown_as_it_came(crm: Platform) -> None:
    [number] = await letters(crm, 1)
    listed = await command(crm, "list")
    assert re.search(rf"crm/{number} .*order\.v1 .*poisoned .*open", listed.output)
    shown = await command(crm, "show", f"crm/{number}")
    assert '{"broken' in shown.output
    assert "aftersales.reception.VehicleDelivered.v1" in shown.output


async def test_a_letter_that_cannot_be_understood_is_not_replayed_but_skipped(
    crm: Platform,
) -> None:
    [number] = await letters(crm, 1)
    again = await command(crm, "replay", f"crm/{number}")
    assert again.status == 1
    assert f"crm/{number} still cannot be applied" in again.output
    skipped = await command(crm, "skip", f"crm/{number}")
    assert (skipped.status, skipped.output) == (0, f"crm/{number}: skipped")
    assert "no dead letter" in (await command(crm, "list")).output
    twice = await command(crm, "skip", f"crm/{number}")
    assert (twice.status, twice.output.count("\n")) == (1, 0)
    assert "already resolved" in twice.output


async def test_the_audit_accepts_a_letter_in_the_place_of_an_effect(crm: Platform) -> None:
    result = await run_audit(crm.admin_url, crm.kafka.bootstrap, crm.settings)
    about_crm = [str(each) for each in result.differences if each.service in ("crm", "kafka")]
    assert about_crm == []
    assert result.counted["dead_letters_resolved"] == 1


async def test_a_record_without_headers_can_only_be_skipped(crm: Platform) -> None:
    async with AIOKafkaProducer(bootstrap_servers=crm.kafka.bootstrap) as producer:
        await producer.send_and_wait(VehicleDelivered.topic, key=b"nobody", value=b"{}")
    [number] = await letters(crm, 1)
    refused = await command(crm, "replay", f"crm/{number}")
    assert refused.status == 1
    assert "can only be skipped" in refused.output
    assert (await command(crm, "skip", f"crm/{number}")).output.endswith("skipped")


async def test_mistakes_are_one_line(crm: Platform) -> None:
    for letter, said in {
        "crm/999": "there is no dead letter crm/999",
        "sales/1": "'sales/1' names no dead letter",
        "crm": "'crm' names no dead letter",
    }.items():
        answer = await command(crm, "show", letter)
        assert (answer.status, answer.output.count("\n")) == (1, 0)
        assert said in answer.output
