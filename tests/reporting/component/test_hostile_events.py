"""Events that break the rules do not stop reporting and do not change a KPI."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.reception import PromisedTimeRevised, VehicleArrived
from shared.envelope import Causation, headers_of
from shared.ids import new_id
from tests.support.event_scenarios import local
from tests.support.harness import InProcess, Publisher, in_process, publisher

TOPIC = "aftersales.reception.order.v1"
DAY = date(2026, 3, 4)
NOW = local(DAY, 9).astimezone(UTC)


@pytest_asyncio.fixture(scope="module")
async def outside(servers: Platform) -> AsyncIterator[Publisher]:
    async with publisher(servers) as sending:
        yield sending


@pytest_asyncio.fixture(scope="module")
async def reporting(servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(servers, "reporting", create_app) as running:
        yield running


def arrived(order_id: str, store_id: str = "S01", at: datetime = NOW) -> VehicleArrived:
    return VehicleArrived(
        store_id=store_id,
        order_id=order_id,
        queue_number=1,
        vehicle_ref="v-1",
        arrived_at=at,
        greeting_due_at=at,
    )


def headers(event: VehicleArrived, **changes: str | None) -> dict[str, str]:
    made = headers_of(
        event, event_id=str(new_id()), sequence=1, time=NOW, causation=Causation("test", "test")
    )
    return {name: text for name, text in {**made, **changes}.items() if text is not None}


async def count(reporting: InProcess) -> int:
    await reporting.wait_until_idle()
    response = await reporting.get("/stores/S01/daily-kpis", "service_manager", day=DAY.isoformat())
    return int(response.json()["arrived"])


async def dead_letters(servers: Platform) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(servers.admin_url)
    rows = await connection.fetch(
        "SELECT convert_from(key, 'UTF8'), error FROM reporting.dead_letter ORDER BY 1"
    )
    await connection.close()
    return [tuple(row) for row in rows]


async def test_unreadable_events_are_dead_lettered_others_counted(
    reporting: InProcess, outside: Publisher, servers: Platform
) -> None:
    good = arrived("good").model_dump_json().encode()

    async def send(key: str, value: bytes, **changes: str | None) -> None:
        await outside.send_raw(TOPIC, key, value, headers(arrived(key), **changes))

    await send("broken", b"{not json")
    await send("negative", good.replace(b'"queue_number":1', b'"queue_number":-1'))
    await send("other-key", good)
    await send("foreign", arrived("foreign", "S02").model_dump_json().encode())
    await send("no-store", good, ce_storeid=None)
    await send("bad-id", arrived("bad-id").model_dump_json().encode(), ce_id="not-a-uuid")
    await send("newer", b"{}", ce_type="aftersales.reception.VehicleArrived.v9")
    await send("unknown", b"{}", ce_type="aftersales.reception.SomethingNew.v1")
    await outside.publish(arrived("good"), at=NOW)
    assert await count(reporting) == 1
    assert {key for key, _ in await dead_letters(servers)} == {
        "broken",
        "negative",
        "other-key",
        "foreign",
        "no-store",
        "bad-id",
        "newer",
    }


async def test_event_of_unknown_store_is_dead_lettered(
    reporting: InProcess,
    outside: Publisher,
    servers: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.consumer._STATES_COME_WITHIN_S", 0.2)
    await outside.publish(arrived("elsewhere", "S77"), at=NOW)
    await reporting.wait_until_idle()
    assert "elsewhere" in {key for key, _ in await dead_letters(servers)}


async def test_repeated_event_counts_once(reporting: InProcess, outside: Publisher) -> None:
    before = await count(reporting)
    event = arrived("twice")
    for _ in range(2):
        await outside.send_raw(TOPIC, "twice", event.model_dump_json().encode(), headers(event))
    assert await count(reporting) == before + 1


async def test_events_wait_for_missing_sequence_of_key(
    reporting: InProcess, outside: Publisher
) -> None:
    before = await count(reporting)
    later = PromisedTimeRevised(store_id="S01", order_id="gap", promised_at=NOW, reason="part_late")
    second = headers_of(
        later, event_id=str(new_id()), sequence=2, time=NOW, causation=Causation("test", "test")
    )
    await outside.send_raw(TOPIC, "gap", later.model_dump_json().encode(), second)
    await reporting.wait_until_idle()
    missing = await reporting.get("/stores/S01/orders/gap/history", "service_manager")
    assert missing.status_code == 404
    await outside.send_raw(
        TOPIC, "gap", arrived("gap").model_dump_json().encode(), headers(arrived("gap"))
    )
    assert await count(reporting) == before + 1
    history = (await reporting.get("/stores/S01/orders/gap/history", "service_manager")).json()
    assert [entry["sequence"] for entry in history] == [1, 2]


async def test_unknown_event_field_is_kept_in_log(reporting: InProcess, outside: Publisher) -> None:
    value = arrived("newer-field").model_dump_json().encode()
    await outside.send_raw(
        TOPIC,
        "newer-field",
        value.replace(b"{", b'{"lane":"B",', 1),
        headers(arrived("newer-field")),
    )
    await reporting.wait_until_idle()
    history = (
        await reporting.get("/stores/S01/orders/newer-field/history", "service_manager")
    ).json()
    assert history[0]["data"]["lane"] == "B"
