"""Follow-up calls after a delivery, on real Kafka and PostgreSQL (R21)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from services.crm.application import follow_up_calls, follow_ups, visits
from services.crm.application.follow_up_calls import FollowUpView, RecordCallRequest
from services.crm.domain.follow_up_reason import Reason
from shared.clock import SimulatedClock
from shared.contracts.crm import FollowUpCompleted, FollowUpScheduled
from shared.contracts.reception import DeliveryStep, OrderCustomerLinked, VehicleDelivered
from shared.envelope import Causation
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.persons import person

TOPIC = "aftersales.crm.customer.v1"
CAUSATION = Causation("test", "test")
AGENT = "S01-agent-2"
WORK: tuple[Reason, ...] = ("campaign", "complaint_revisit", "delivery")
DELIVERED_AT = datetime(2026, 3, 4, 8, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 3, 5, 2, tzinfo=UTC)


def delivered(order: str, customer: str | None, store: str = "S01") -> VehicleDelivered:
    return VehicleDelivered(
        store_id=store,
        order_id=order,
        advisor_id=f"{store}-advisor-1",
        customer_ref=customer,
        delivered_at=DELIVERED_AT,
        steps=(DeliveryStep(step="explain_invoice", done_by="a", done_at=DELIVERED_AT),),
    )


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


async def scheduled(crm: InProcess, order: str) -> list[dict[str, Any]]:
    await crm.wait_until_idle()
    response = await crm.client.get(
        "/stores/S01/follow-ups",
        params={"status": ["scheduled", "due", "completed"]},
        headers={"Authorization": f"Bearer {crm.token('customer_care_agent')}"},
    )
    return [call for call in response.json() if call["order_id"] == order]


async def test_delivery_is_followed_up_next_working_day(
    crm: InProcess, outside: Publisher, servers: Platform
) -> None:
    await outside.publish(delivered("o-1", "c-1"), at=DELIVERED_AT)
    (call,) = await scheduled(crm, "o-1")
    assert datetime.fromisoformat(call["due_at"]) == NEXT_MORNING
    assert call["status"] == "scheduled"
    (event,) = [
        received.event
        for received in await published(servers, [TOPIC])
        if isinstance(received.event, FollowUpScheduled) and received.event.order_id == "o-1"
    ]
    assert (event.follow_up_id, event.agent_id) == (call["follow_up_id"], call["agent_id"])


async def test_follow_ups_are_spread_evenly_over_agents(
    crm: InProcess, outside: Publisher, servers: Platform
) -> None:
    for number in range(6):
        await outside.publish(delivered(f"spread-{number}", f"cs-{number}"), at=DELIVERED_AT)
    await crm.wait_until_idle()
    response = await crm.get("/stores/S01/follow-ups", "customer_care_agent", status="scheduled")
    agents = [call["agent_id"] for call in response.json()]
    counts = {agent: agents.count(agent) for agent in agents}
    assert set(counts) == {"S01-agent-1", "S01-agent-2"}
    assert max(counts.values()) - min(counts.values()) <= 1


async def test_follow_up_waits_until_customer_is_linked(
    crm: InProcess, outside: Publisher, servers: Platform
) -> None:
    await outside.publish(delivered("o-2", None), at=DELIVERED_AT)
    assert await scheduled(crm, "o-2") == []
    await outside.publish(
        OrderCustomerLinked(store_id="S01", order_id="o-2", customer_ref="c-2"), at=DELIVERED_AT
    )
    (call,) = await scheduled(crm, "o-2")
    assert call["customer_ref"] == "c-2"


async def test_order_linked_before_delivery_is_followed_up_once(
    crm: InProcess, outside: Publisher
) -> None:
    await outside.publish(
        OrderCustomerLinked(store_id="S01", order_id="o-3", customer_ref="c-3"),
        delivered("o-3", "c-3"),
        at=DELIVERED_AT,
    )
    assert len(await scheduled(crm, "o-3")) == 1


async def test_follow_up_completes_once_with_encrypted_record(
    crm: InProcess, outside: Publisher, servers: Platform
) -> None:
    await outside.publish(delivered("o-4", "c-4"), at=DELIVERED_AT)
    (call,) = await scheduled(crm, "o-4")
    path = f"/stores/S01/follow-ups/{call['follow_up_id']}/calls"
    body = {"reached": True, "satisfaction": 5, "channel": "phone", "record": "客户很满意"}
    done = await crm.post(
        path, "customer_care_agent", body, subject="S01-agent-1", key="complete-o-4"
    )
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["completed_by"]) == ("completed", "S01-agent-1")
    repeated = await crm.post(
        path, "customer_care_agent", body, subject="S01-agent-1", key="complete-o-4"
    )
    assert repeated.json() == done.json()
    again = await crm.post(path, "customer_care_agent", body, subject="S01-agent-1")
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "already_completed")
    await crm.wait_until_idle()
    events = [
        (received.event.satisfaction, received.value)
        for received in await published(servers, [TOPIC])
        if isinstance(received.event, FollowUpCompleted) and received.event.order_id == "o-4"
    ]
    ((satisfaction, value),) = events
    assert satisfaction == 5
    assert "客户很满意".encode() not in value
    connection = await asyncpg.connect(servers.admin_url)
    record = await connection.fetchval(
        "SELECT record FROM crm.follow_up WHERE follow_up_id = $1", call["follow_up_id"]
    )
    await connection.close()
    assert record
    assert "客户很满意".encode() not in record


async def test_unreached_customer_stays_scheduled(crm: InProcess, outside: Publisher) -> None:
    await outside.publish(delivered("o-6", "c-6"), at=DELIVERED_AT)
    (call,) = await scheduled(crm, "o-6")
    path = f"/stores/S01/follow-ups/{call['follow_up_id']}/calls"
    body = {"reached": False, "channel": "phone", "record": "no answer"}
    attempted = (await crm.post(path, "customer_care_agent", body)).json()
    assert (attempted["attempts"], attempted["completed_at"]) == (1, None)
    assert attempted["calendar_assumed"] is False
    assert datetime.fromisoformat(attempted["due_at"]) > crm.app.state.service.clock.now()
    assert len(await scheduled(crm, "o-6")) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"satisfaction": 6}, 422),
        ({"satisfaction": 0}, 422),
        ({"channel": "pigeon"}, 422),
        ({"record": ""}, 422),
        ({"reached": False, "satisfaction": 3}, 422),
        ({"reached": None}, 422),
    ],
)
async def test_invalid_follow_up_completion_is_rejected(
    crm: InProcess, outside: Publisher, changes: dict[str, Any], status: int
) -> None:
    body = {"reached": True, "channel": "phone", "record": "notes"} | changes
    (call,) = await scheduled(crm, "o-1")
    path = f"/stores/S01/follow-ups/{call['follow_up_id']}/calls"
    assert (await crm.post(path, "customer_care_agent", body)).status_code == status
    (still,) = await scheduled(crm, "o-1")
    assert still["completed_at"] is None


async def test_unknown_follow_up_is_not_found(crm: InProcess) -> None:
    body = {"reached": False, "channel": "sms", "record": "no answer"}
    unknown = await crm.post("/stores/S01/follow-ups/none/calls", "customer_care_agent", body)
    refused = await crm.post("/stores/S01/follow-ups/none/calls", "technician", body)
    assert (unknown.status_code, refused.status_code) == (404, 403)


async def test_delivery_counts_as_visit(crm: InProcess, outside: Publisher) -> None:
    registered = await crm.post("/stores/S01/customers", "service_advisor", person(1))
    reference = registered.json()["customer_ref"]
    await outside.publish(delivered("v-1", reference), delivered("v-2", reference), at=DELIVERED_AT)
    await crm.wait_until_idle()
    found = await crm.get("/stores/S01/customers", "service_advisor", plate=person(1)["plate"])
    assert found.json()["visits"] == 2


async def call_after_delivery(crm: InProcess, order: str, customer: str) -> FollowUpView:
    """Return the call that follows from a delivery, without broker and HTTP."""
    service = crm.app.state.service
    async with service.uow_factory.open(["S01"], "reception", CAUSATION) as uow:
        await visits.complete_visit(uow, delivered(order, customer), service.deps)
    calls = await follow_up_calls.list_follow_ups("S01", ["scheduled", "due"], service.deps)
    (call,) = [each for each in calls if each.order_id == order]
    return call


async def test_delivery_reaction_schedules_one_call(crm: InProcess) -> None:
    call = await call_after_delivery(crm, "o-7", "c-7")
    assert (call.customer_ref, call.due_at) == ("c-7", NEXT_MORNING)


async def test_recorded_attempt_keeps_call_open(crm: InProcess) -> None:
    call = await call_after_delivery(crm, "o-8", "c-8")
    attempt = RecordCallRequest(reached=False, channel="phone", record="no answer")
    service = crm.app.state.service
    async with service.uow_factory.open(["S01"], call.agent_id, CAUSATION) as uow:
        attempted = await follow_up_calls.record_call(uow, call.follow_up_id, attempt, service.deps)
    assert (attempted.attempts, attempted.completed_at) == (1, None)


async def due(crm: InProcess, **params: Any) -> list[dict[str, Any]]:
    response = await crm.get("/stores/S01/due-calls", "customer_care_agent", **params)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


async def test_work_list_pages_by_what_matters(crm: InProcess, clock: SimulatedClock) -> None:
    service, before = crm.app.state.service, clock.now()
    async with service.uow_factory.open(["S01"], "test", CAUSATION) as uow:
        for number, reason in enumerate(WORK):
            await follow_ups.schedule_follow_up(
                uow,
                service.deps,
                reason=reason,
                customer_ref=f"work-{number}",
                due_at=NEXT_MORNING,
                agent_id=AGENT,
            )
    assert not any(call["customer_ref"] == "work-0" for call in await due(crm, agent_id=AGENT))
    clock.set(NEXT_MORNING)
    calls = await due(crm, agent_id=AGENT, limit=200)
    work = [call for call in calls if call["customer_ref"].startswith("work-")]
    assert [call["reason"] for call in work] == ["complaint_revisit", "delivery", "campaign"]
    assert "满意" in work[0]["script"]
    (second,) = await due(crm, agent_id=AGENT, after=calls[0]["follow_up_id"], limit=1)
    assert second == calls[1]
    everyone = await due(crm, limit=200)
    assert {call["follow_up_id"] for call in calls} <= {call["follow_up_id"] for call in everyone}
    clock.set(before)


async def test_customer_is_called_again_when_they_ask(crm: InProcess, outside: Publisher) -> None:
    await outside.publish(delivered("o-9", "c-9"), at=DELIVERED_AT)
    (call,) = await scheduled(crm, "o-9")
    path = f"/stores/S01/follow-ups/{call['follow_up_id']}/calls"
    asked = crm.app.state.service.clock.now().replace(hour=2, minute=0, second=0, microsecond=0)
    body = {"reached": True, "channel": "phone", "record": "later, please"}
    past = await crm.post(path, "customer_care_agent", body | {"next_call_at": asked.isoformat()})
    assert past.json()["errors"][0]["rule"] == "next_call_in_past"
    asked += timedelta(days=2)
    await crm.post(path, "customer_care_agent", body | {"next_call_at": asked.isoformat()})
    again = {each["reason"]: each for each in await scheduled(crm, "o-9")}
    assert datetime.fromisoformat(again["ad_hoc"]["due_at"]) == asked


async def test_settled_matter_ends_its_call(crm: InProcess) -> None:
    call = await call_after_delivery(crm, "o-10", "c-10")
    service = crm.app.state.service
    async with service.uow_factory.open(["S01"], "test", CAUSATION) as uow:
        await follow_ups.cancel_follow_ups(uow, about="o-10")
    late = await crm.post(
        f"/stores/S01/follow-ups/{call.follow_up_id}/calls",
        "customer_care_agent",
        {"reached": True, "channel": "phone", "record": "too late"},
    )
    assert (late.status_code, late.json()["errors"][0]["rule"]) == (409, "follow_up_cancelled")


async def test_second_call_in_a_week_moves(crm: InProcess) -> None:
    first = await call_after_delivery(crm, "o-11", "c-11")
    second = await call_after_delivery(crm, "o-12", "c-11")
    assert second.due_at - first.due_at == timedelta(days=7)


async def test_customer_who_declines_calls_gets_none(crm: InProcess, outside: Publisher) -> None:
    registered = await crm.post("/stores/S01/customers", "service_advisor", person(77))
    reference = registered.json()["customer_ref"]
    await outside.publish(delivered("o-13", reference), at=DELIVERED_AT)
    assert len(await scheduled(crm, "o-13")) == 1
    path = f"/stores/S01/customers/{reference}/contact-preferences"
    body = {"language": "zh", "declined_channels": ["phone"]}
    declined = await crm.post(path, "service_advisor", body, method="PUT")
    assert declined.status_code == 200, declined.text
    await outside.publish(delivered("o-14", reference), at=DELIVERED_AT)
    assert await scheduled(crm, "o-13") == await scheduled(crm, "o-14") == []


async def test_customer_refuses_calls_of_one_purpose(crm: InProcess, outside: Publisher) -> None:
    registered = await crm.post("/stores/S01/customers", "service_advisor", person(78))
    reference = registered.json()["customer_ref"]
    path = f"/stores/S01/customers/{reference}/consents"
    await outside.publish(delivered("o-15", reference), at=DELIVERED_AT)
    assert len(await scheduled(crm, "o-15")) == 1
    refused = {"is_given": False}
    for purpose in ("marketing", "surveys"):
        said = await crm.post(f"{path}/{purpose}", "service_advisor", refused, method="PUT")
        assert said.status_code == 200, said.text
    assert len(await scheduled(crm, "o-15")) == 1
    await crm.post(f"{path}/service_calls", "service_advisor", refused, method="PUT")
    await outside.publish(delivered("o-16", reference), at=DELIVERED_AT)
    assert await scheduled(crm, "o-15") == await scheduled(crm, "o-16") == []


async def test_customers_of_a_type_are_called_once(crm: InProcess, clock: SimulatedClock) -> None:
    for number in (80, 81):
        await crm.post("/stores/S01/customers", "service_advisor", person(number, brand="珍藏"))
    today = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    body = {"segment": {"brands": ["珍藏"]}, "due_on": str(today + timedelta(days=2))}
    rounds = "/stores/S01/follow-up-rounds"
    for _ in range(2):
        planned = await crm.post(rounds, "customer_care_manager", body, key="round-of-treasures")
        assert planned.status_code == 201, planned.text
    assert (planned.json()["customers"], planned.json()["planned"]) == (2, 2)
    calls = await crm.get("/stores/S01/follow-ups", "customer_care_agent", status="scheduled")
    about = [each["reason"] for each in calls.json() if each["about"] == planned.json()["round_id"]]
    assert about == ["ad_hoc", "ad_hoc"]
    past = await crm.post(
        rounds, "customer_care_manager", body | {"due_on": str(today - timedelta(days=1))}
    )
    refused = await crm.post(rounds, "customer_care_agent", body)
    assert (past.json()["errors"][0]["field"], refused.status_code) == ("due_on", 403)


async def test_event_of_undefined_store_is_dead_lettered(
    crm: InProcess, outside: Publisher, servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.consumer._STATES_COME_WITHIN_S", 0.2)
    await outside.publish(delivered("lost", "c-lost", store="S77"), at=DELIVERED_AT)
    await outside.publish(delivered("after", "c-after"), at=DELIVERED_AT)
    assert len(await scheduled(crm, "after")) == 1
    connection = await asyncpg.connect(servers.admin_url)
    dead = await connection.fetch("SELECT store_id, error FROM crm.dead_letter")
    await connection.close()
    assert [row["store_id"] for row in dead] == ["S77"]


async def test_follow_up_is_due_from_its_time(
    crm: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    await outside.publish(delivered("o-5", "c-5"), at=DELIVERED_AT)
    await crm.wait_until_idle()
    clock.set(NEXT_MORNING)
    (call,) = await scheduled(crm, "o-5")
    assert call["status"] == "due"
