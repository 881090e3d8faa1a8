"""One service in the test's own process; a publisher plays the rest of the platform."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI

from deploy.embedded.platform import Platform
from shared.contracts import Event
from shared.contracts.base import State
from shared.envelope import Causation, ReceivedEvent, decode, header_texts, headers_of
from shared.ids import new_id
from shared.issuer import DevelopmentIssuer
from shared.security import Role
from shared.settings import Settings
from tests.support.polling import until
from tests.support.seen_versions import SIGHTS, Sight

_TIMEOUT_S = 90.0
_AFTER_KNOWN_STATES = 1001

ROLE_IN_ID: dict[str, Role] = {
    "advisor": "service_advisor",
    "dispatcher": "dispatcher",
    "technician": "technician",
    "inspector": "quality_inspector",
    "agent": "customer_care_agent",
    "manager": "service_manager",
    "operator": "operator",
    "system": "system",
}
"""Roles by their word in ids such as S01-advisor-1."""


@dataclass
class InProcess:
    """Running service and the tokens to call it with."""

    app: FastAPI
    client: httpx.AsyncClient
    issuer: DevelopmentIssuer
    sent: dict[str, Any] = field(default_factory=dict)

    def token(self, *roles: Role, stores: Iterable[str] = ("S01",), subject: str = "") -> str:
        return self.issuer.token(subject or f"test-{roles[0]}", roles=roles, stores=stores)

    async def get(self, path: str, role: Role, **params: Any) -> httpx.Response:
        return await self.client.get(
            path, params=params or None, headers={"Authorization": f"Bearer {self.token(role)}"}
        )

    async def post(
        self,
        path: str,
        role: Role,
        body: Any,
        *,
        key: str = "",
        subject: str = "",
        method: str = "POST",
    ) -> httpx.Response:
        """Send a command; a body without a ``version`` gets the present one."""
        attempt = f"{key} {path} {body}"
        if not key or attempt not in self.sent:
            self.sent[attempt] = await self.seen(path, body)
        return await self.client.request(
            method,
            path,
            json=self.sent[attempt],
            headers={
                "Authorization": f"Bearer {self.token(role, subject=subject)}",
                "Idempotency-Key": key or str(new_id()),
            },
        )

    async def seen(self, path: str, body: Any) -> Any:
        """Return the body of a command with the version that its user has just read."""
        service = self.app.state.service.name
        if service not in SIGHTS:
            SIGHTS[service] = Sight.of(self.app.openapi())
        return await SIGHTS[service].look(path, body, self._shown)

    async def _shown(self, path: str) -> Any:
        store = path.split("/")[2]
        headers = {"Authorization": f"Bearer {self.token('service_manager', stores=[store])}"}
        response = await self.client.get(path, headers=headers)
        return response.json() if response.is_success else {"version": "unseen"}

    async def wait_until_idle(self) -> None:
        """Wait until nothing is to be read, sent or fired."""
        headers = {"Authorization": f"Bearer {self.token('operator')}"}
        deadline = time.monotonic() + _TIMEOUT_S
        idle_rounds = 0
        while idle_rounds < 2:
            status = (await self.client.get("/status", headers=headers)).json()
            backlog = (status["lag"], status["outbox"], status["due_timers"])
            idle_rounds = idle_rounds + 1 if backlog == (0, 0, 0) else 0
            assert time.monotonic() < deadline, f"still busy: {status}"
            await asyncio.sleep(0.05)


@asynccontextmanager
async def in_process(
    servers: Platform, service: str, create_app: Callable[[], FastAPI], **overrides: str
) -> AsyncIterator[InProcess]:
    """Run ``service`` as :func:`starting`; it has read its master data when the block begins."""
    async with starting(servers, service, create_app, **overrides) as running:
        assert await until(lambda: running.app.state.service.is_ready, _TIMEOUT_S, 0.02)
        yield running


@asynccontextmanager
async def starting(
    servers: Platform, service: str, create_app: Callable[[], FastAPI], **overrides: str
) -> AsyncIterator[InProcess]:
    """Run ``service`` on the real Kafka and PostgreSQL until the block ends.

    ``overrides`` are added to its environment.
    """
    before = dict(os.environ)
    os.environ.update(servers.environment(service) | overrides)
    try:
        app, settings = create_app(), Settings()
    finally:
        os.environ.clear()
        os.environ.update(before)
    issuer = DevelopmentIssuer(servers.secrets.issuer_key_file, settings.issuer, settings.audience)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield InProcess(app, client, issuer)


@dataclass
class Publisher:
    """Publisher of events as the other services would send them: enveloped, numbered by topic and
    key.
    """

    producer: AIOKafkaProducer
    sequences: dict[tuple[str, str], int] = field(default_factory=dict)

    async def publish(self, *events: Event, at: datetime, causation: str = "test") -> list[str]:
        """Send ``events`` as of ``at`` and return their ids."""
        return [await self._send(event, at, Causation("test", causation)) for event in events]

    async def enqueue(self, event: Event, at: datetime) -> None:
        """Send one event without waiting for the broker's acknowledgment."""
        key, headers = self._enveloped(event, at, Causation("test", "test"))
        await self.producer.send(
            event.topic,
            event.model_dump_json().encode(),
            key=key.encode(),
            headers=_encoded(headers),
        )

    async def _send(self, event: Event, at: datetime, causation: Causation) -> str:
        key, headers = self._enveloped(event, at, causation)
        await self.send_raw(event.topic, key, event.model_dump_json().encode(), headers)
        return headers["ce_id"]

    def _enveloped(
        self, event: Event, at: datetime, causation: Causation
    ) -> tuple[str, dict[str, str]]:
        key = str(getattr(event, event.key_field))
        first = _AFTER_KNOWN_STATES if isinstance(event, State) else 1
        sequence = self.sequences.get((event.topic, key), first - 1) + 1
        self.sequences[event.topic, key] = sequence
        headers = headers_of(
            event, event_id=str(new_id()), sequence=sequence, time=at, causation=causation
        )
        return key, headers

    async def send_raw(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        """Send one record as it is."""
        await self.producer.send_and_wait(topic, value, key=key.encode(), headers=_encoded(headers))


def _encoded(headers: dict[str, str]) -> list[tuple[str, bytes]]:
    return [(name, text.encode()) for name, text in headers.items()]


@asynccontextmanager
async def publisher(servers: Platform) -> AsyncIterator[Publisher]:
    """Yield a publisher for the time of the block."""
    producer = AIOKafkaProducer(**servers.kafka.client)
    await producer.start()
    try:
        yield Publisher(producer)
    finally:
        await producer.stop()


async def published(servers: Platform, topics: Sequence[str]) -> list[ReceivedEvent]:
    """Return every event that stands on ``topics`` now, in order per key."""
    consumer = AIOKafkaConsumer(*topics, **servers.kafka.client, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        received = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                received += [
                    decode(header_texts(record.headers), record.key.decode(), record.value)
                    for record in records
                ]
        return received
    finally:
        await consumer.stop()
