"""Complaints, inquiries and public posts, on real Kafka and PostgreSQL (R22, R23, R44)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts import type_name
from shared.contracts.crm import (
    ComplaintCauseRepeated,
    ComplaintClosed,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintTaskEscalated,
    InquiryAnswered,
    PublicPostOverdue,
)
from shared.security import Role
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.persons import person

COMPLAINTS = "/stores/S01/complaints"
AGENT, CARE_MANAGER = "S01-agent-1", "S01-customer-care-manager-1"
WORDS = "空调修了三次还是不冷"
NINE = datetime(2026, 3, 4, 1, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


@pytest_asyncio.fixture(scope="module")
async def customer(crm: InProcess) -> str:
    response = await crm.post("/stores/S01/customers", "service_advisor", person(1))
    return str(response.json()["customer_ref"])


async def opened(crm: InProcess, customer: str, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "customer_ref": customer,
        "source": "phone",
        "severity": "major",
        "words": WORDS,
    }
    response = await crm.post(COMPLAINTS, "customer_care_agent", body | changes, subject=AGENT)
    assert response.status_code == 201, response.text
    complaint: dict[str, Any] = response.json()
    return complaint


async def does(
    crm: InProcess,
    complaint: dict[str, Any],
    action: str,
    by: Role = "customer_care_manager",
    **body: Any,
) -> Any:
    """Send a command about a complaint, in the version that the person has just read."""
    path = f"{COMPLAINTS}/{complaint['complaint_id']}"
    shown = (await crm.get(path, "customer_care_agent")).json()
    sent = body if action == "tasks" else {"version": shown["version"], **body}
    return await crm.post(f"{path}/{action}", by, sent)


async def is_resolved(
    crm: InProcess, complaint: dict[str, Any], cause: str = "repair_quality"
) -> None:
    contact: dict[str, Any] = {"channel": "phone", "reached": True, "words": "已致歉并说明"}
    assert (await does(crm, complaint, "contacts", **contact)).status_code == 200
    solution: dict[str, Any] = {"cause": cause, "words": "免费更换压缩机"}
    response = await does(crm, complaint, "resolution", **solution)
    assert response.status_code == 200, response.text


def rule(response: Any) -> tuple[int, str]:
    assert "errors" in response.json(), response.text
    return response.status_code, response.json()["errors"][0]["rule"]


async def of_type(servers: Platform, kind: type[Any]) -> list[Any]:
    topics = ["aftersales.crm.customer.v1", "aftersales.crm.store.v1"]
    return [
        received.event
        for received in await published(servers, topics)
        if received.envelope.type == type_name(kind)
    ]


async def test_complaint_is_closed_after_satisfied_revisit(
    crm: InProcess, customer: str, servers: Platform
) -> None:
    complaint = await opened(crm, customer, technician_id="S01-technician-1")
    assert (complaint["owner_id"], complaint["status"]) == (CARE_MANAGER, "open")
    early = await does(crm, complaint, "revisit", satisfied=True, channel="phone", words="满意")
    assert rule(early) == (409, "complaint_not_resolved")
    await is_resolved(crm, complaint)
    again: dict[str, Any] = {"satisfied": False, "channel": "phone", "words": "仍有异响"}
    assert (await does(crm, complaint, "revisit", **again)).json()["status"] == "in_progress"
    await is_resolved(crm, complaint)
    done: dict[str, Any] = {"satisfied": True, "channel": "phone", "words": "满意"}
    assert (await does(crm, complaint, "revisit", **done)).json()["status"] == "closed"
    contact: dict[str, Any] = {"channel": "phone", "reached": True, "words": "改记录"}
    assert rule(await does(crm, complaint, "contacts", **contact)) == (409, "complaint_closed")
    reopened = await does(crm, complaint, "reopening", reason="客户再次来电")
    assert reopened.json()["status"] == "in_progress"
    await crm.wait_until_idle()
    assert len(await of_type(servers, ComplaintClosed)) == 1
    assert len(await of_type(servers, ComplaintReopened)) == 2


async def test_follow_up_after_solution_closes_complaint(crm: InProcess, customer: str) -> None:
    complaint = await opened(crm, customer)
    await is_resolved(crm, complaint)
    listed = await crm.get("/stores/S01/follow-ups", "customer_care_agent", status="scheduled")
    (call,) = [
        each for each in listed.json() if each["about"].startswith(complaint["complaint_id"])
    ]
    assert call["reason"] == "complaint_revisit"
    said = {"reached": True, "satisfaction": 5, "channel": "phone", "record": "很满意"}
    path = f"/stores/S01/follow-ups/{call['follow_up_id']}/calls"
    assert (await crm.post(path, "customer_care_agent", said)).status_code == 200
    shown = await crm.get(f"{COMPLAINTS}/{complaint['complaint_id']}", "service_manager")
    assert shown.json()["status"] == "closed"


async def test_words_are_in_timeline_but_not_in_events(
    crm: InProcess, customer: str, servers: Platform
) -> None:
    complaint = await opened(crm, customer)
    detail = (await crm.get(f"{COMPLAINTS}/{complaint['complaint_id']}", "service_advisor")).json()
    assert [(each["kind"], each["words"]) for each in detail["entries"]] == [("opened", WORDS)]
    await crm.wait_until_idle()
    topics = ["aftersales.crm.customer.v1", "aftersales.crm.store.v1"]
    values = b"".join(received.value for received in await published(servers, topics))
    assert WORDS.encode() not in values
    connection = await asyncpg.connect(servers.admin_url)
    stored = await connection.fetchval(
        "SELECT words FROM crm.complaint_entry WHERE complaint_id = $1", complaint["complaint_id"]
    )
    await connection.close()
    assert WORDS.encode() not in stored


async def test_complaint_names_what_store_knows(crm: InProcess, customer: str) -> None:
    body: dict[str, Any] = {
        "customer_ref": customer,
        "source": "phone",
        "severity": "minor",
        "words": WORDS,
    }
    for wrong, found in (
        ({"customer_ref": "c-nobody"}, (404, "unknown_customer")),
        ({"technician_id": "13812345678"}, (404, "unknown_technician")),
        ({"order_id": "13812345678"}, (404, "unknown_order")),
        ({"vehicle_ref": "13812345678"}, (404, "unknown_vehicle")),
        ({"part_number": "13812345678"}, (422, "telephone_as_part_number")),
    ):
        response = await crm.post(COMPLAINTS, "customer_care_agent", body | wrong)
        assert rule(response) == found, wrong


async def test_escalating_twice_is_a_conflict(crm: InProcess, customer: str) -> None:
    complaint = await opened(crm, customer)
    body: dict[str, Any] = {"to": "service_manager", "reason": "客户情绪激动"}
    assert (await does(crm, complaint, "escalation", **body)).status_code == 200
    assert rule(await does(crm, complaint, "escalation", **body)) == (409, "already_escalated")


async def test_compensation_over_limit_needs_higher_role(crm: InProcess, customer: str) -> None:
    complaint = await opened(crm, customer)
    contact: dict[str, Any] = {"channel": "phone", "reached": True, "words": "已致歉"}
    await does(crm, complaint, "contacts", **contact)
    offered: dict[str, Any] = {"amount_cents": 300_000, "reason": "误工补偿"}
    proposed = await does(crm, complaint, "compensation", "customer_care_agent", **offered)
    assert proposed.json()["compensation_pending"]
    solution: dict[str, Any] = {"cause": "price", "words": "补偿"}
    refused = await does(crm, complaint, "resolution", **solution)
    assert rule(refused) == (409, "compensation_not_approved")
    over = await does(crm, complaint, "compensation/approval")
    assert rule(over) == (403, "compensation_over_limit")
    approved = await does(crm, complaint, "compensation/approval", "service_manager")
    assert not approved.json()["compensation_pending"]
    assert (await does(crm, complaint, "resolution", **solution)).status_code == 200


async def test_task_is_answered_by_its_department_alone(crm: InProcess, customer: str) -> None:
    complaint = await opened(crm, customer)
    asked: dict[str, Any] = {"role": "parts_clerk", "words": "核实压缩机批次"}
    task = (await does(crm, complaint, "tasks", **asked)).json()
    path = f"/stores/S01/complaint-tasks/{task['complaint_task_id']}"
    other = await crm.post(f"{path}/result", "dispatcher", {"words": "不知道"})
    assert rule(other) == (403, "task_of_another_department")
    (request,) = (await crm.get("/stores/S01/department-requests", "parts_clerk")).json()
    assert (request["request_id"], request["words"]) == (
        task["complaint_task_id"],
        "核实压缩机批次",
    )
    reason = {"reason": "供应商未答复"}
    assert (await crm.post(f"{path}/escalation", "parts_clerk", reason)).status_code == 200
    again = await crm.post(f"{path}/escalation", "parts_clerk", reason)
    assert rule(again) == (409, "already_escalated")
    done = await crm.post(f"{path}/result", "service_manager", {"words": "批次有问题"})
    assert done.json()["completed_by"]
    late = await crm.post(f"{path}/result", "parts_clerk", {"words": "已核实"})
    assert rule(late) == (409, "complaint_task_completed")


async def test_repeated_cause_is_told_once(
    crm: InProcess, customer: str, servers: Platform
) -> None:
    for _ in range(4):
        await is_resolved(crm, await opened(crm, customer), "waiting_time")
    await crm.wait_until_idle()
    (event,) = await of_type(servers, ComplaintCauseRepeated)
    assert (event.cause, len(event.complaint_ids)) == ("waiting_time", 3)


async def test_inquiry_is_passed_on_and_answered(
    crm: InProcess, customer: str, servers: Platform
) -> None:
    asked: dict[str, Any] = {
        "customer_ref": customer,
        "subject": "repair_progress",
        "channel": "phone",
        "words": "车什么时候好",
        "role": "dispatcher",
    }
    inquiry = (await crm.post("/stores/S01/inquiries", "customer_care_agent", asked)).json()
    path = f"/stores/S01/inquiries/{inquiry['inquiry_id']}/answer"
    other = await crm.post(path, "cashier", {"words": "不清楚"})
    assert rule(other) == (403, "inquiry_of_another_department")
    answered = await crm.post(path, "dispatcher", {"words": "下午四点"})
    assert answered.status_code == 200
    again = await crm.post(path, "dispatcher", {"words": "五点"})
    assert rule(again) == (409, "inquiry_answered")
    listed = await crm.get("/stores/S01/inquiries", "service_advisor", status="answered")
    (shown,) = listed.json()["inquiries"]
    assert (shown["question"], shown["answer"]) == ("车什么时候好", "下午四点")
    await crm.post(
        "/stores/S01/inquiries",
        "customer_care_agent",
        {"subject": "price", "channel": "counter", "words": "保养多少钱", "answer": "560 元"},
    )
    days = {"first_day": "2026-03-04", "last_day": "2026-03-04"}
    summary = (await crm.get("/stores/S01/inquiries/summary", "service_manager", **days)).json()
    counts = {each["subject"]: (each["inquiries"], each["answered"]) for each in summary}
    assert counts == {"repair_progress": (1, 1), "price": (1, 1)}
    await crm.wait_until_idle()
    assert len(await of_type(servers, InquiryAnswered)) == 2


async def test_deadlines_that_pass_are_raised(
    crm: InProcess, customer: str, servers: Platform, clock: SimulatedClock
) -> None:
    complaint = await opened(crm, customer, severity="critical")
    asked: dict[str, Any] = {
        "role": "dispatcher",
        "words": "查明",
        "due_at": "2026-03-04T10:00:00+08:00",
    }
    task = (await does(crm, complaint, "tasks", **asked)).json()
    log = {
        "platform": "weibo",
        "tone": "negative",
        "posted_on": "2026-03-03",
        "summary": "车主吐槽维修质量",
        "link": "https://weibo.example/1",
        "complaint_id": complaint["complaint_id"],
    }
    post = (await crm.post("/stores/S01/public-posts", "customer_care_agent", log)).json()
    future = await crm.post(
        "/stores/S01/public-posts", "customer_care_agent", log | {"posted_on": "2026-03-05"}
    )
    assert rule(future) == (422, "day_in_future")
    for hours in (0, 4, 8):
        clock.set(NINE + timedelta(hours=hours, minutes=hours + 1))
        await crm.wait_until_idle()
    complaint_id = complaint["complaint_id"]
    levels = [
        event.escalated_to
        for event in await of_type(servers, ComplaintEscalated)
        if event.complaint_id == complaint_id
    ]
    assert levels == ["service_manager", "group_customer_care_manager", "group_manager"]
    (late,) = await of_type(servers, PublicPostOverdue)
    assert late.public_post_id == post["public_post_id"]
    tasks = [event.complaint_task_id for event in await of_type(servers, ComplaintTaskEscalated)]
    assert task["complaint_task_id"] in tasks
    token = crm.token("group_customer_care_manager", subject="group-customer-care-manager-1")
    escalated = await crm.client.get(
        "/group/escalated-complaints", headers={"Authorization": f"Bearer {token}"}
    )
    assert complaint_id in {each["complaint_id"] for each in escalated.json()}
    path = f"/stores/S01/public-posts/{post['public_post_id']}/answer"
    assert (await crm.post(path, "customer_care_agent", {"words": "已联系车主"})).json()["status"]


async def test_list_is_paged_by_deadline(crm: InProcess, customer: str, servers: Platform) -> None:
    first = (await crm.get(COMPLAINTS, "service_manager", status=["open", "in_progress"])).json()
    due = [each["due_at"] for each in first["complaints"]]
    assert due == sorted(due)
    behind = first["complaints"][0]["complaint_id"]
    rest = await crm.get(
        COMPLAINTS, "service_manager", status=["open", "in_progress"], after=behind
    )
    assert rest.json()["complaints"] == first["complaints"][1:]
    opened_events = [event.complaint_id for event in await of_type(servers, ComplaintOpened)]
    assert {each["complaint_id"] for each in first["complaints"]} <= set(opened_events)
