"""Crash of a sending process: no customer is notified twice, and none is left out (R9)."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from shared.ids import new_id
from tests.support.fake_servers import Gateway, MailServer, gateway, mail_server
from tests.support.harness import Publisher
from tests.support.persons import person
from tests.support.polling import PATIENCE_S

TIMEOUT_S = PATIENCE_S
MORNING = datetime(2026, 3, 5, 2, tzinfo=UTC)


@dataclass
class Crm:
    """Customer relations as a process, with a mail server and a gateway outside."""

    platform: Platform
    clock: SimulatedClock
    mail: MailServer
    sms: Gateway
    client: httpx.AsyncClient

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        token = self.platform.issuer.token(
            "S01-agent-1", roles=["customer_care_agent"], stores=["S01"]
        )
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())}
        url = f"{self.platform.url('crm')}/stores/S01{path}"
        response = await self.client.request(method, url, json=body, headers=headers)
        return response.raise_for_status().json()

    async def restart(self, **overrides: str) -> None:
        settings = self.mail.settings() | self.sms.settings("sms")
        await self.platform.restart("crm", **settings, **overrides)

    async def send(self, number: int, **contact: Any) -> str:
        """Request a message to a new customer; return the message's id."""
        customer = (await self.call("POST", "/customers", person(number)))["customer_ref"]
        path = f"/customers/{customer}/contact-preferences"
        seen = {"version": (await self.call("GET", path))["version"]}
        await self.call("PUT", path, contact | seen)
        body = {"message_type": "ready", "values": {"ready_at": MORNING.isoformat()}}
        message = await self.call("POST", "/messages", body | {"customer_ref": customer})
        return str(message["message_id"])

    async def dead(self) -> None:
        """Wait until the process has died."""
        deadline = time.monotonic() + TIMEOUT_S
        while self.platform.process("crm").alive:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async def claim_runs_out(self, message_id: str) -> None:
        """Let the claim end, and with it the pause of timers that it has deferred."""
        connection = await asyncpg.connect(self.platform.admin_url)
        done = await connection.execute(
            "UPDATE crm.message SET claimed_until = clock_timestamp() "
            "WHERE message_id = $1 AND state = 'sending'",
            message_id,
        )
        await connection.execute("UPDATE crm.timer SET next_attempt_at = '-infinity'")
        await connection.close()
        assert done == "UPDATE 1"

    async def reaches(self, message_id: str, status: str) -> dict[str, Any]:
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            found: list[dict[str, Any]] = await self.call("GET", "/messages")
            (message,) = [each for each in found if each["message_id"] == message_id]
            if message["status"] == status:
                return message
            assert time.monotonic() < deadline, message
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, clock: SimulatedClock, outside: Publisher) -> AsyncIterator[Crm]:
    clock.set(MORNING)
    to_new_processes = httpx.Limits(max_keepalive_connections=0)
    async with (
        mail_server() as mail,
        gateway() as sms,
        httpx.AsyncClient(trust_env=False, limits=to_new_processes, timeout=PATIENCE_S) as client,
    ):
        await servers.start_services(("crm",))
        yield Crm(servers, clock, mail, sms, client)
        await servers.stop_services()


@pytest.mark.parametrize(("place", "number"), [("message_claimed", 1), ("message_answered", 2)])
async def test_gateway_is_retried_with_same_id_after_crash(
    crm: Crm, place: str, number: int
) -> None:
    await crm.restart(AFTERSALES_FAILPOINT=place)
    message_id = await crm.send(number)
    await crm.dead()
    await crm.restart()
    await crm.claim_runs_out(message_id)
    await crm.reaches(message_id, "waiting")
    crm.clock.set(crm.clock.now() + timedelta(minutes=1))
    assert (await crm.reaches(message_id, "sent"))["tries"] == 2
    requests = [each for each in crm.sms.requests if each["to"] == person(number)["phone"]]
    assert {each["id"] for each in requests} == {message_id}
    assert len(requests) == (1 if place == "message_claimed" else 2)


@pytest.mark.parametrize(("place", "number"), [("message_claimed", 3), ("message_answered", 4)])
async def test_possibly_sent_mail_becomes_call_task_after_crash(
    crm: Crm, place: str, number: int
) -> None:
    await crm.restart(AFTERSALES_FAILPOINT=place)
    address = f"{number}@mail.example"
    message_id = await crm.send(number, email=address, preferred_channel="email")
    await crm.dead()
    await crm.restart()
    await crm.claim_runs_out(message_id)
    assert (await crm.reaches(message_id, "call_required"))["reason"] == "unanswered"
    arrived = [each for each in crm.mail.taken if each["To"] == address]
    assert len(arrived) == (0 if place == "message_claimed" else 1)


async def test_claimed_message_is_not_sent_by_another_process(crm: Crm) -> None:
    await crm.restart(AFTERSALES_FAILPOINT="message_claimed")
    message_id = await crm.send(5)
    await crm.dead()
    await crm.restart()
    await asyncio.sleep(1.5)
    assert (await crm.reaches(message_id, "sending"))["tries"] == 1
    assert person(5)["phone"] not in {each["to"] for each in crm.sms.requests}
    await crm.claim_runs_out(message_id)
    await crm.reaches(message_id, "waiting")
