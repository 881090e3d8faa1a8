"""Other systems that read events (R39), administered over HTTP by the group's operator."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.embedded.platform import Platform
from deploy.embedded.secrets import ADMINISTRATOR
from shared.kafka import client_options
from shared.security import Role
from shared.settings import SUBSCRIBERS
from tests.support.polling import PATIENCE_S

ORDERS = "aftersales.reception.order.v1"
STAFF = "aftersales.management.staff.v1"
FINANCE: dict[str, Any] = {"name": "finance", "topics": [ORDERS]}
_TIMEOUT_S = PATIENCE_S


@pytest_asyncio.fixture(scope="module", autouse=True)
async def administration(servers: Platform) -> AsyncIterator[None]:
    """Run the administration, and management, which knows the callers' roles."""
    await servers.start_services(("management", SUBSCRIBERS))
    yield
    await servers.stop_services()


class Caller:
    """Person with a role at the administration's interface."""

    def __init__(self, servers: Platform, role: Role) -> None:
        self._servers, self._role, self._keys = servers, role, 0
        self.subject = f"{role}-1"

    async def ask(self) -> httpx.Response:
        return await self._send("GET", "/subscribers")

    async def add(self, key: str = "", **subscriber: Any) -> httpx.Response:
        return await self._send("POST", "/subscribers", key, subscriber)

    async def rotate(self, name: str, key: str = "") -> httpx.Response:
        return await self._send("POST", f"/subscribers/{name}/passwords", key)

    async def remove(self, name: str, key: str = "") -> httpx.Response:
        return await self._send("POST", f"/subscribers/{name}/removal", key)

    async def _send(
        self, method: str, path: str, key: str = "", body: Any = None
    ) -> httpx.Response:
        self._keys += 1
        token = self._servers.issuer.token(self.subject, roles=[self._role], stores=[])
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key or f"{id(self)}-{self._keys}",
            "Content-Type": "application/json",
        }
        address = self._servers.url(SUBSCRIBERS)
        async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S) as client:
            content = None if body is None else json.dumps(body)
            return await client.request(method, path, headers=headers, content=content)


@pytest_asyncio.fixture
async def operator(servers: Platform) -> AsyncIterator[Caller]:
    """Yield the operator; the subscribers of a test are removed."""
    caller = Caller(servers, "operator")
    yield caller
    for each in (await caller.ask()).json()["subscribers"]:
        assert (await caller.remove(each["name"])).is_success


async def signs_in(servers: Platform, access: dict[str, Any]) -> bool:
    """Return whether a subscriber reads an event with what its owner was given."""
    settings = servers.kafka.tls_settings_of(ADMINISTRATOR).model_copy(
        update={
            "kafka_bootstrap": access["bootstrap"],
            "kafka_security": access["security"],
            "kafka_username": access["user"],
            "kafka_password": access["password"],
        }
    )
    consumer = AIOKafkaConsumer(
        *access["topics"],
        **client_options(settings),
        group_id=f"{access['group_prefix']}test",
        auto_offset_reset="earliest",
    )
    try:
        await consumer.start()
        async with asyncio.timeout(_TIMEOUT_S):
            await consumer.getone()
        await consumer.commit()
    except KafkaError:
        return False
    finally:
        await consumer.stop()
    return True


async def send_event(servers: Platform) -> None:
    async with AIOKafkaProducer(**servers.kafka.client) as producer:
        await producer.send_and_wait(ORDERS, b"{}", headers=[("ce_storeid", b"S01")])


async def test_operator_adds_and_sees_what_is_read(servers: Platform, operator: Caller) -> None:
    await send_event(servers)
    added = (await operator.add(**FINANCE)).json()
    assert added["user"] == "subscriber.finance"
    assert added["authority"].startswith("-----BEGIN CERTIFICATE-----")
    assert await signs_in(servers, added)
    (seen,) = (await operator.ask()).json()["subscribers"]
    assert (seen["name"], seen["topics"], seen["stores"]) == ("finance", [ORDERS], [])
    assert seen["lag"] == 0
    assert seen["last_read"]
    assert "password" not in seen


async def test_name_is_free_once_its_forwarder_stopped(servers: Platform, operator: Caller) -> None:
    still_there = AIOKafkaConsumer(ORDERS, **servers.kafka.client, group_id="forwarder.finance")
    await still_there.start()
    refused = await operator.add(**FINANCE)
    await still_there.stop()
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (
        409,
        "subscriber_leaving",
    )
    assert (await operator.add(**FINANCE)).is_success


async def test_state_of_kafka_is_among_the_metrics(servers: Platform) -> None:
    async with httpx.AsyncClient(base_url=servers.url(SUBSCRIBERS), timeout=PATIENCE_S) as client:
        metrics = (await client.get("/metrics")).text.splitlines()
    assert 'aftersales_kafka{what="brokers"} 1.0' in metrics
    assert 'aftersales_kafka{what="offline_partitions"} 0.0' in metrics
    assert 'aftersales_kafka{what="under_replicated_partitions"} 0.0' in metrics


async def test_subscriber_of_some_stores_gets_own_streams(operator: Caller) -> None:
    added = (await operator.add(name="insurer", topics=["reception.order"], stores=["S01"])).json()
    assert added["topics"] == ["aftersales.subscriber.insurer.reception.order.v1"]


async def test_rotated_password_signs_in_alone(servers: Platform, operator: Caller) -> None:
    await send_event(servers)
    old = (await operator.add(**FINANCE)).json()
    new = (await operator.rotate("finance")).json()
    assert await signs_in(servers, new)
    assert not await signs_in(servers, old)


async def test_repeated_command_is_one_change(servers: Platform, operator: Caller) -> None:
    await send_event(servers)
    first, again = [await operator.add("add-finance", **FINANCE) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert await signs_in(servers, again.json())
    assert (await operator.add("add-finance", name="other", topics=[ORDERS])).status_code == 422
    rotated = await operator.rotate("finance")
    late = await operator.add("add-finance", **FINANCE)
    assert (rotated.status_code, late.status_code) == (200, 409)
    assert late.json()["type"] == "/problems/changed_since"
    removed = [await operator.remove("finance", "remove-finance") for _ in range(2)]
    assert [each.status_code for each in removed] == [200, 200]
    changes = (await operator.ask()).json()["changes"][:3]
    assert [each["kind"] for each in changes] == ["removed", "rotated", "added"]
    assert {(each["name"], each["by"]) for each in changes} == {("finance", operator.subject)}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "Finance", "topics": [ORDERS]}, 422, "name"),
        ({"name": "finance*", "topics": [ORDERS]}, 422, "name"),
        ({"name": "财务", "topics": [ORDERS]}, 422, "name"),
        ({"name": "finance", "topics": []}, 422, "topics"),
        ({"name": "finance", "topics": ["reception.orders"]}, 422, "topics"),
        ({"name": "finance", "topics": [STAFF], "stores": ["S01"]}, 422, "topics"),
        ({"name": "finance", "topics": [ORDERS], "stores": []}, 422, "stores"),
        ({"name": "finance", "topics": [ORDERS], "stores": ["S 1"]}, 422, "stores.0"),
        ({"name": "finance", "topics": [ORDERS], "stores": ["S01", "S99"]}, 422, "stores"),
    ],
    ids=[
        *("capital", "wildcard", "Chinese", "no topic", "unknown topic", "master data"),
        *("no store", "odd store", "unknown store"),
    ],
)
async def test_odd_input_is_refused_by_field(
    operator: Caller, body: dict[str, Any], status: int, field: str
) -> None:
    refused = await operator.add(**body)
    assert refused.status_code == status
    assert [each["field"] for each in refused.json()["errors"]] == [field]
    assert (await operator.ask()).json()["subscribers"] == []


async def test_name_is_taken_once(operator: Caller) -> None:
    assert (await operator.add(**FINANCE)).is_success
    taken = await operator.add(**FINANCE)
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "name")


async def test_unknown_subscriber_is_not_found(operator: Caller) -> None:
    assert (await operator.rotate("nobody")).status_code == 404
    assert (await operator.remove("nobody")).status_code == 404


async def test_others_cannot_change_subscribers(servers: Platform, operator: Caller) -> None:
    manager, advisor = Caller(servers, "group_manager"), Caller(servers, "service_advisor")
    assert (await manager.ask()).status_code == 200
    assert (await advisor.ask()).status_code == 403
    for each in (manager, advisor):
        assert (await each.add(**FINANCE)).status_code == 403
        assert (await each.rotate("finance")).status_code == 403
        assert (await each.remove("finance")).status_code == 403
    assert (await operator.ask()).json()["subscribers"] == []


async def test_administration_cannot_read_as_service(servers: Platform) -> None:
    consumer = AIOKafkaConsumer(
        ORDERS, **client_options(servers.kafka.settings_of(SUBSCRIBERS)), group_id="reporting"
    )
    with pytest.raises(KafkaError):
        await consumer.start()
    await consumer.stop()
