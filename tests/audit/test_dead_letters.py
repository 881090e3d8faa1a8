"""``aftersales dead-letters`` on letters of a running service: shown, replayed, skipped (R39)."""

import asyncio
import getpass
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from deploy.audit import run_audit
from deploy.cli.dead_letters import app
from deploy.cli.terminal import console
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SERVICES
from shared.clock import SimulatedClock
from shared.contracts.reception import VehicleDelivered
from shared.envelope import Causation, headers_of
from shared.ids import new_id
from shared.security import Role
from tests.support.polling import PATIENCE_S


@dataclass(frozen=True)
class CommandOutput:
    status: int
    output: str


async def command(platform: Platform, *arguments: str) -> CommandOutput:
    """Return the output of ``aftersales dead-letters``, its error included."""
    console.width = 240
    of_each = f"{platform.admin_url}?application_name={{service}}"
    result = await asyncio.to_thread(
        CliRunner().invoke, app, [*arguments, "--database-url", of_each]
    )
    if isinstance(result.exception, EmbeddedError):
        return CommandOutput(1, str(result.exception))
    return CommandOutput(result.exit_code, result.output.strip())


async def deliver(
    platform: Platform,
    clock: SimulatedClock,
    order_id: str,
    value: bytes,
    kind: str = "VehicleDelivered",
) -> None:
    """Send a VehicleDelivered, or another kind, as first event of its order with the given data."""
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
        event, event_id=str(new_id()), sequence=1, time=now, causation=Causation("test", "test")
    ) | {"ce_type": f"aftersales.reception.{kind}.v1"}
    async with AIOKafkaProducer(**platform.kafka.client) as producer:
        await producer.send_and_wait(
            event.topic,
            key=order_id.encode(),
            value=value or event.model_dump_json().encode(),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )


async def letters(platform: Platform, expected: int) -> list[int]:
    """Return numbers of the open dead letters of customer relations, once there are so many."""
    connection = await asyncpg.connect(platform.admin_url)
    try:
        async with asyncio.timeout(PATIENCE_S):
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
async def crm(servers: Platform, clock: SimulatedClock) -> AsyncIterator[Platform]:
    """Yield customer relations alone, with one dead letter."""
    await servers.start_services(("crm",))
    await deliver(servers, clock, "poisoned", b'{"broken')
    await letters(servers, 1)
    yield servers
    await servers.stop_services()


@dataclass(frozen=True)
class Operator:
    """Client of customer relations over HTTP, in the role of an operator or another."""

    platform: Platform
    client: httpx.AsyncClient

    def _headers(self, role: Role, key: str = "") -> dict[str, str]:
        subject = "operator-1" if role == "operator" else role
        token = self.platform.issuer.token(subject, roles=[role], stores=["S01"])
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(new_id())}

    async def get(self, path: str, role: Role = "operator") -> httpx.Response:
        return await self.client.get(path, headers=self._headers(role))

    async def decide(
        self, letter: str, decision: str, key: str = "", role: Role = "operator"
    ) -> httpx.Response:
        return await self.client.post(
            f"/dead-letters/{letter}/decisions",
            json={"decision": decision},
            headers=self._headers(role, key),
        )


@pytest_asyncio.fixture
async def operator(crm: Platform) -> AsyncIterator[Operator]:
    async with httpx.AsyncClient(
        base_url=crm.url("crm"), trust_env=False, timeout=PATIENCE_S
    ) as client:
        yield Operator(crm, client)


async def test_dead_letter_is_listed_with_original_content(crm: Platform) -> None:
    [number] = await letters(crm, 1)
    listed = await command(crm, "list")
    assert re.search(rf"crm/{number} .*order\.v1 .*poisoned .*open", listed.output)
    shown = await command(crm, "show", f"crm/{number}")
    assert '{"broken' in shown.output
    assert "aftersales.reception.VehicleDelivered.v1" in shown.output


async def test_unreadable_dead_letter_is_skipped_but_not_replayed(
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


async def test_audit_accepts_dead_letter_instead_of_effect(crm: Platform) -> None:
    of_each = {name: f"{crm.admin_url}?application_name={name}" for name in SERVICES}
    result = await run_audit(of_each, crm.kafka.client, crm.settings)
    about_crm = [str(each) for each in result.differences if each.service in ("crm", "kafka")]
    assert about_crm == []
    assert result.counted["dead_letters_resolved"] == 1


async def test_record_without_headers_can_only_be_skipped(crm: Platform) -> None:
    async with AIOKafkaProducer(**crm.kafka.client) as producer:
        await producer.send_and_wait(VehicleDelivered.topic, key=b"nobody", value=b"{}")
    [number] = await letters(crm, 1)
    refused = await command(crm, "replay", f"crm/{number}")
    assert refused.status == 1
    assert "can only be skipped" in refused.output
    assert (await command(crm, "skip", f"crm/{number}")).output.endswith("skipped")


async def test_second_event_of_one_sequence_raises_alarm(
    crm: Platform, clock: SimulatedClock, operator: Operator
) -> None:
    await deliver(crm, clock, "twice-first", b"{}", "NeverHeardOf")
    await deliver(crm, clock, "twice-first", b"{}", "NeverHeardOf")
    [number] = await letters(crm, 1)
    listed = await command(crm, "list")
    assert re.search(rf"crm/{number} .*twice-first .*open.*another event of this", listed.output)
    assert (await operator.get("/status")).json()["conflicts"] == 1
    assert (
        'aftersales_event_conflicts_total{consumer="crm"} 1.0'
        in (await operator.get("/metrics")).text
    )
    refused = await command(crm, "replay", f"crm/{number}")
    assert (refused.status, refused.output.count("\n")) == (1, 0)
    assert "Another event has the sequence 1 of twice-first" in refused.output
    assert (await operator.decide(str(number), "replay")).status_code == 409
    skipped = await command(crm, "skip", f"crm/{number}")
    assert skipped.output == f"crm/{number}: skipped"
    assert (await operator.get("/status")).json()["conflicts"] == 0


async def test_wrong_letter_id_prints_one_line(crm: Platform) -> None:
    for letter, said in {
        "crm/999": "there is no dead letter crm/999",
        "sales/1": "'sales/1' names no dead letter",
        "crm": "'crm' names no dead letter",
    }.items():
        response = await command(crm, "show", letter)
        assert (response.status, response.output.count("\n")) == (1, 0)
        assert said in response.output


async def give_up(platform: Platform, entity_id: str) -> str:
    """Insert a timer of customer relations that has given up; return its letter."""
    connection = await asyncpg.connect(platform.admin_url)
    try:
        timer_id = await connection.fetchval(
            "INSERT INTO crm.timer (timer_id, store_id, kind, entity_id, due_at, failures, error,"
            " given_up_at) VALUES (gen_random_uuid(), 'S01', 'send_message', $1, '2026-01-01', 6,"
            " 'RuleViolation: no such message', now()) RETURNING timer_id",
            entity_id,
        )
        return str(timer_id)
    finally:
        await connection.close()


async def test_dead_lettered_timer_is_listed_and_skipped(crm: Platform) -> None:
    letter = await give_up(crm, "skipped-here")
    listed = await command(crm, "list")
    assert re.search(
        rf"crm/{letter} .*send_message .*skipped-here .*no such message", listed.output
    )
    assert "attempts" in (await command(crm, "show", f"crm/{letter}")).output
    skipped = await command(crm, "skip", f"crm/{letter}")
    assert skipped.output == f"crm/{letter}: skipped"
    assert "no dead letter" in (await command(crm, "list")).output


async def test_operator_sees_dead_letter_of_blocked_key(
    crm: Platform, clock: SimulatedClock, operator: Operator
) -> None:
    await deliver(crm, clock, "held-up", b'{"broken')
    [number] = await letters(crm, 1)
    assert (await operator.get("/status")).json()["dead_letters"] == 1
    metrics = (await operator.get("/metrics")).text
    assert 'aftersales_backlog{service="crm",what="dead_letters"} 1.0' in metrics
    assert 'aftersales_database{service="crm",what="archive_failing"} 0.0' in metrics
    assert (await operator.get("/health/ready")).status_code == 200
    found = (await operator.get("/dead-letters")).json()
    [letter] = found["letters"]
    assert (letter["letter_id"], letter["kind"], letter["key"]) == (str(number), "event", "held-up")
    shown = (await operator.get(f"/dead-letters/{number}")).json()
    assert shown["value"] == '{"broken'
    response = await operator.decide(str(number), "skip", "one-decision")
    assert response.status_code == 200
    await letters(crm, 0)


async def test_replayed_timer_becomes_due_again(crm: Platform, operator: Operator) -> None:
    letter = await give_up(crm, "tried-again")
    assert (await operator.decide(letter, "replay")).status_code == 200
    assert (await operator.get(f"/dead-letters/{letter}")).status_code == 404
    assert (await operator.get("/status")).json()["due_timers"] == 1
    connection = await asyncpg.connect(crm.admin_url)
    await connection.execute("DELETE FROM crm.timer WHERE timer_id = $1", UUID(letter))
    await connection.close()


async def test_repeated_decision_is_recorded_once(crm: Platform, operator: Operator) -> None:
    letter = await give_up(crm, "decided-once")
    for _ in range(2):
        assert (await operator.decide(letter, "skip", "the-same-key")).status_code == 200
    reused = await operator.decide(await give_up(crm, "decided-never"), "skip", "the-same-key")
    assert reused.status_code == 422
    assert reused.json()["errors"][0]["rule"] == "idempotency_key_reused"
    noted = (await operator.get("/dead-letters")).json()["decisions"]
    [mine] = [each for each in noted if each["letter_id"] == letter]
    assert (mine["decided_by"], mine["decision"]) == ("operator-1", "skip")
    assert mine["about"] == "send_message decided-once"
    assert {each["decided_by"] for each in noted} == {"operator-1", f"cli:{getpass.getuser()}"}


async def test_dead_letters_are_open_to_operators_only(operator: Operator) -> None:
    assert (await operator.get("/dead-letters", "service_manager")).status_code == 403
    assert (await operator.decide("1", "skip", role="service_manager")).status_code == 403
    assert (await operator.decide("999", "skip")).status_code == 404
    assert (await operator.decide("1", "forget")).status_code == 422
