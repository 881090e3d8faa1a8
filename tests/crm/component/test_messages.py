"""Messages to customers on real Kafka and PostgreSQL, with real servers outside (R9)."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from services.crm.domain.conversation import UNKNOWN_SENDER_KEPT_FOR
from shared.clock import SimulatedClock
from shared.contracts.crm import CustomerNotified, MessageAnswered, MessageReceived
from shared.contracts.management import MessageRules
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AppointmentCancelled,
    OrderCancelled,
    OrderCustomerLinked,
    OrderOpened,
    PaymentReceived,
    PromisedTimeRevised,
    ReceivableOverdue,
    VehicleDelivered,
)
from shared.contracts.workshop import PromisedTimeAtRisk, VehicleReady
from shared.ids import new_id
from shared.security import Role
from tests.support.fake_servers import SECRET, Gateway, MailServer, gateway, mail_server
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.persons import person
from tests.support.rules import rule_set
from tests.support.stack import MORNING

TOPIC = "aftersales.crm.customer.v1"
MESSAGES = "/stores/S01/messages"
_days = count()
_numbers = count(100)


@pytest_asyncio.fixture(scope="module")
async def mail() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def sms() -> AsyncIterator[Gateway]:
    async with gateway() as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def wecom() -> AsyncIterator[Gateway]:
    async with gateway() as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def crm(
    servers: Platform,
    outside: Publisher,
    mail: MailServer,
    sms: Gateway,
    wecom: Gateway,
) -> AsyncIterator[InProcess]:
    """Run customer relations; one store tells its customers of risks."""
    own = rule_set("messages.S01", (date(2026, 1, 1), MessageRules(notify_at_risk=True)))
    await outside.publish(own, at=MORNING)
    settings = mail.settings() | sms.settings("sms") | wecom.settings("wecom")
    async with in_process(servers, "crm", create_app, **settings) as running:
        await running.wait_until_idle()
        yield running


@pytest.fixture
def morning(crm: InProcess, clock: SimulatedClock) -> datetime:
    """Return ten o'clock in Shanghai of a day of its own."""
    moment = datetime(2026, 3, 5, 2, tzinfo=UTC) + timedelta(days=next(_days))
    clock.set(moment)
    return moment


@pytest.fixture
def night(morning: datetime, clock: SimulatedClock) -> datetime:
    """Return nine in the evening of that day."""
    moment = morning + timedelta(hours=11)
    clock.set(moment)
    return moment


@pytest_asyncio.fixture
async def customer(crm: InProcess, morning: datetime) -> dict[str, str]:
    """Return a customer of customer records, with the references and the details."""
    details = person(next(_numbers))
    response = await crm.post("/stores/S01/customers", "service_advisor", details)
    assert response.status_code == 201, response.text
    references: dict[str, str] = response.json()
    return details | references


def order_of(customer: dict[str, str]) -> str:
    return f"order-of-{customer['customer_ref']}"


def opened(customer: dict[str, str], *, known: bool = True, waiting: bool = False) -> OrderOpened:
    return OrderOpened(
        store_id="S01",
        order_id=order_of(customer),
        advisor_id="S01-advisor-1",
        customer_ref=customer["customer_ref"] if known else None,
        vehicle_ref=customer["vehicle_ref"],
        odometer_km=1000,
        symptoms=(),
        labor_operations=(),
        lines=(),
        estimate_cents=0,
        promised_at=datetime(2026, 3, 5, 9, tzinfo=UTC),
        promise_confidence=0.9,
        hold_id=None,
        waiting_customer=waiting,
        opened_at=datetime(2026, 3, 5, 2, tzinfo=UTC),
    )


def ready(customer: dict[str, str], at: datetime) -> VehicleReady:
    return VehicleReady(store_id="S01", order_id=order_of(customer), ready_at=at)


def revised(customer: dict[str, str], promised_at: datetime) -> PromisedTimeRevised:
    return PromisedTimeRevised(
        store_id="S01", order_id=order_of(customer), promised_at=promised_at, reason="part_late"
    )


def delivered(customer: dict[str, str], at: datetime) -> VehicleDelivered:
    return VehicleDelivered(
        store_id="S01",
        order_id=order_of(customer),
        advisor_id="S01-advisor-1",
        customer_ref=customer["customer_ref"],
        delivered_at=at,
        steps=(),
    )


async def prefer(crm: InProcess, customer: dict[str, str], **preferences: Any) -> dict[str, Any]:
    path = f"/stores/S01/customers/{customer['customer_ref']}/contact-preferences"
    response = await crm.post(path, "customer_care_agent", preferences, method="PUT")
    assert response.status_code == 200, response.text
    preferred: dict[str, Any] = response.json()
    return preferred


async def ask(crm: InProcess, customer: dict[str, str], **body: Any) -> dict[str, Any]:
    content = {
        "customer_ref": customer["customer_ref"],
        "message_type": "authorization",
        "values": {"amount_cents": 123456, "link": "https://dealer.example/a/secret-token"},
    }
    response = await crm.post(MESSAGES, "system", content | body)
    assert response.status_code == 201, response.text
    message: dict[str, Any] = response.json()
    return message


async def told(crm: InProcess, customer: dict[str, str], **filters: Any) -> list[dict[str, Any]]:
    """Return the messages to a customer once none is in process, oldest first."""
    await crm.wait_until_idle()
    response = await crm.get(
        MESSAGES, "service_advisor", customer_ref=customer["customer_ref"], **filters
    )
    assert response.status_code == 200, response.text
    messages: list[dict[str, Any]] = response.json()
    return messages[::-1]


async def tasks_for(crm: InProcess, customer: dict[str, str]) -> list[dict[str, Any]]:
    await crm.wait_until_idle()
    response = await crm.get("/stores/S01/call-tasks", "customer_care_agent")
    return [task for task in response.json() if task["customer_ref"] == customer["customer_ref"]]


def texts(server: Gateway, customer: dict[str, str]) -> list[str]:
    """Return the texts that a gateway received for a customer."""
    return [each["text"] for each in server.taken.values() if each["to"] == customer["phone"]]


async def test_customer_is_notified_once_of_ready_vehicle(
    crm: InProcess,
    outside: Publisher,
    customer: dict[str, str],
    morning: datetime,
    sms: Gateway,
    servers: Platform,
) -> None:
    await outside.publish(opened(customer), ready(customer, morning), at=morning)
    (message,) = await told(crm, customer)
    assert (message["status"], message["channel"], message["tries"]) == ("sent", "sms", 1)
    assert texts(sms, customer) == [
        f"{customer['name']}您好，您的爱车已于{morning.month}月{morning.day}日 10:00完工"
        "并通过质检，欢迎到店取车。【上海启岳闵行店】"
    ]
    await crm.wait_until_idle()
    ((event, value),) = [
        (received.event, received.value)
        for received in await published(servers, [TOPIC])
        if isinstance(received.event, CustomerNotified)
        and received.event.customer_ref == customer["customer_ref"]
    ]
    assert (event.message_type, event.channel) == ("ready", "sms")
    assert event.order_id == order_of(customer)
    assert event.notified_at == morning
    assert customer["phone"].encode() not in value


async def test_message_uses_preferred_language_and_channel(
    crm: InProcess,
    outside: Publisher,
    customer: dict[str, str],
    morning: datetime,
    mail: MailServer,
    sms: Gateway,
    wecom: Gateway,
) -> None:
    view = await prefer(
        crm,
        customer,
        language="en",
        email="li.ming@mail.example",
        wecom_id="wm-1",
        preferred_channel="email",
    )
    assert view["reachable_by"] == ["wecom", "sms", "email"]
    shown = await crm.get(
        f"/stores/S01/customers/{customer['customer_ref']}/contact-preferences", "service_advisor"
    )
    assert (shown.json()["email"], shown.json()["wecom_id"]) == ("li.ming@mail.example", "wm-1")
    await outside.publish(opened(customer), revised(customer, morning), at=morning)
    (message,) = await told(crm, customer)
    (letter,) = [each for each in mail.taken if each["To"] == "li.ming@mail.example"]
    assert letter["Subject"] == "Qiyue Shanghai Minhang: new completion time"
    assert letter["Message-ID"] == f"<{message['message_id']}@dealer.example>"
    assert f"ready at {morning.day} Mar 10:00" in letter.get_content()
    assert (texts(sms, customer), message["channel"]) == ([], "email")
    await prefer(crm, customer, wecom_id="wm-1")
    await ask(crm, customer)
    assert [each["channel"] for each in await told(crm, customer)] == ["email", "wecom"]
    assert [each["to"] for each in wecom.taken.values()] == ["wm-1"]


async def test_message_names_who_set_its_address(
    crm: InProcess, customer: dict[str, str], morning: datetime, clock: SimulatedClock
) -> None:
    first = await ask(crm, customer)
    assert [each["status"] for each in await told(crm, customer)] == ["sent"]
    clock.set(morning + timedelta(hours=1))
    await prefer(crm, customer, email="own@mail.example", preferred_channel="email")
    second = await ask(crm, customer)
    await told(crm, customer)
    clock.set(morning + timedelta(hours=2))
    await prefer(crm, customer)
    other = person(next(_numbers))["phone"]
    details = {name: customer[name] for name in person(0)}
    same = {"answer": "same_person", "customer_ref": customer["customer_ref"]}
    response = await crm.post(
        "/stores/S01/customers", "service_advisor", details | {"phone": other, "decision": same}
    )
    assert response.json()["customer_ref"] == customer["customer_ref"]
    third = await ask(crm, customer)
    await told(crm, customer)
    seen = [
        (await crm.get(f"{MESSAGES}/{each['message_id']}", "system")).json()
        for each in (first, second, third)
    ]
    assert [(each["channel"], each["contact_set_by"]) for each in seen] == [
        ("sms", None),
        ("email", "test-customer_care_agent"),
        ("sms", "test-service_advisor"),
    ]
    assert [
        each["contact_set_at"] and datetime.fromisoformat(each["contact_set_at"]) for each in seen
    ] == [None, morning + timedelta(hours=1), morning + timedelta(hours=2)]
    assert other not in str(seen)


async def test_addresses_and_links_are_encrypted_in_database(
    crm: InProcess, customer: dict[str, str], servers: Platform, mail: MailServer
) -> None:
    await prefer(crm, customer, email="hidden@mail.example", preferred_channel="email")
    await ask(crm, customer)
    assert [each["status"] for each in await told(crm, customer)] == ["sent"]
    assert "secret-token" in mail.taken[-1].get_content()
    connection = await asyncpg.connect(servers.admin_url)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'crm'")
    stored = ""
    for table in tables:
        rows = await connection.fetch(f"SELECT t::text FROM crm.{table['tablename']} AS t")
        stored += "".join(row[0] for row in rows)
    assert not await connection.fetchval(
        "SELECT count(link) FROM crm.message WHERE customer_ref = $1", customer["customer_ref"]
    )
    await connection.close()
    for secret in ("hidden@mail.example", "secret-token", customer["phone"], customer["name"]):
        assert secret not in stored
        assert secret.encode().hex() not in stored


async def test_call_task_shows_no_link(
    crm: InProcess, customer: dict[str, str], servers: Platform
) -> None:
    await prefer(crm, customer, declined_channels=["sms", "wecom", "email"])
    await ask(crm, customer)
    (task,) = await tasks_for(crm, customer)
    assert task["text"].startswith(f"{customer['name']}您好，您的爱车有维修项目待您确认，")
    assert "¥1,234.56" in task["text"]
    shown = str([task, await told(crm, customer)])
    assert "secret-token" not in shown
    assert "http" not in shown
    connection = await asyncpg.connect(servers.admin_url)
    assert not await connection.fetchval(
        "SELECT count(link) FROM crm.message WHERE customer_ref = $1", customer["customer_ref"]
    )
    await connection.close()


@pytest.mark.parametrize("role", ["service_advisor", "customer_care_agent", "service_manager"])
async def test_link_sent_by_employee_is_rejected(
    crm: InProcess, customer: dict[str, str], role: Role
) -> None:
    body = {
        "customer_ref": customer["customer_ref"],
        "message_type": "authorization",
        "values": {"amount_cents": 1, "link": "https://elsewhere.example"},
    }
    response = await crm.post(MESSAGES, role, body)
    assert response.status_code == 403
    assert response.json()["errors"][0]["rule"] == "link_from_a_person"
    assert await told(crm, customer) == []


async def test_repeated_request_sends_one_message(
    crm: InProcess, customer: dict[str, str], sms: Gateway
) -> None:
    body = {
        "customer_ref": customer["customer_ref"],
        "message_type": "overdue_payment",
        "values": {"amount_cents": 100, "due_at": "2026-03-01T00:00:00Z"},
    }
    first = await crm.post(MESSAGES, "system", body, key="pay-1234")
    again = await crm.post(MESSAGES, "system", body, key="pay-1234")
    assert (first.status_code, again.json()) == (201, first.json())
    assert [each["status"] for each in await told(crm, customer)] == ["sent"]
    assert len(texts(sms, customer)) == 1


async def test_ready_message_at_night_reaches_only_waiter(
    crm: InProcess,
    outside: Publisher,
    customer: dict[str, str],
    night: datetime,
    clock: SimulatedClock,
    sms: Gateway,
) -> None:
    await outside.publish(
        opened(customer, waiting=True), revised(customer, night), at=night, causation="night"
    )
    (promise,) = await told(crm, customer)
    assert promise["status"] == "waiting"
    await ask(crm, customer, message_type="ready", values={"ready_at": night.isoformat()})
    assert texts(sms, customer) == []
    await outside.publish(ready(customer, night), at=night)
    await told(crm, customer)
    (text,) = texts(sms, customer)
    assert "欢迎到店取车" in text


async def test_deferred_message_is_sent_in_morning(
    crm: InProcess,
    outside: Publisher,
    customer: dict[str, str],
    night: datetime,
    clock: SimulatedClock,
    sms: Gateway,
) -> None:
    later = night + timedelta(hours=20)
    await outside.publish(opened(customer), revised(customer, night), at=night)
    await outside.publish(revised(customer, later), at=night)
    assert {each["status"] for each in await told(crm, customer)} == {"obsolete", "waiting"}
    clock.set(night + timedelta(hours=10, minutes=59))
    await told(crm, customer)
    assert texts(sms, customer) == []
    clock.set(night + timedelta(hours=11))
    messages = await told(crm, customer)
    assert [each["status"] for each in messages] == ["obsolete", "sent"]
    assert (
        f"调整为{later.month}月{(later + timedelta(hours=8)).day}日 17:00"
        in texts(sms, customer)[0]
    )


@pytest.mark.parametrize(
    "end", ["delivered", "cancelled", "authorized", "promised", "reopened", "paid", "unbooked"]
)
async def test_message_about_past_state_is_not_sent(
    crm: InProcess,
    outside: Publisher,
    customer: dict[str, str],
    night: datetime,
    clock: SimulatedClock,
    sms: Gateway,
    end: str,
) -> None:
    order = order_of(customer)
    await outside.publish(opened(customer), at=night)
    await crm.wait_until_idle()
    message_types: dict[str, dict[str, Any]] = {
        "delivered": {"message_type": "ready", "values": {"ready_at": night.isoformat()}},
        "reopened": {"message_type": "ready", "values": {"ready_at": night.isoformat()}},
        "cancelled": {},
        "authorized": {"about": f"work-{order}"},
        "promised": {
            "message_type": "promise_changed",
            "values": {"promised_at": night.isoformat()},
        },
        "paid": {
            "message_type": "overdue_payment",
            "values": {"amount_cents": 1, "due_at": night.isoformat()},
        },
        "unbooked": {
            "message_type": "appointment_reminder",
            "values": {"appointment_at": (night + timedelta(days=2)).isoformat()},
            "about": f"appointment-{order}",
            "order_id": None,
        },
    }
    authorized = AdditionalWorkAuthorized(
        store_id="S01",
        order_id=order,
        additional_work_id=f"work-{order}",
        labor_operations=(),
        lines=(),
        total_cents=1,
        estimate_version=2,
        channel="in_person",
        recorded_by="a",
        promised_at=None,
        hold_id=None,
        authorized_at=night,
    )
    promised = authorized.model_copy(update={"promised_at": night + timedelta(hours=20)})
    events = {
        "delivered": delivered(customer, night),
        "cancelled": OrderCancelled(store_id="S01", order_id=order, reason="too_expensive"),
        "authorized": authorized,
        "promised": promised,
        "reopened": promised,
        "paid": PaymentReceived(
            store_id="S01",
            order_id=order,
            payment_id="p",
            invoice_id="i",
            method="cash",
            amount_cents=1,
            balance_cents=0,
            received_at=night,
        ),
        "unbooked": AppointmentCancelled(
            store_id="S01", appointment_id=f"appointment-{order}", reason="customer_request"
        ),
    }
    await ask(crm, customer, **({"order_id": order} | message_types[end]))
    assert [each["status"] for each in await told(crm, customer)] == ["waiting"]
    await outside.publish(events[end], at=night)
    assert [each["status"] for each in await told(crm, customer)] == ["obsolete"]
    clock.set(night + timedelta(hours=12))
    assert len(await told(crm, customer, status="obsolete")) == 1
    assert texts(sms, customer) == []


async def test_reminder_of_past_appointment_is_not_sent(
    crm: InProcess, customer: dict[str, str], morning: datetime
) -> None:
    await ask(
        crm,
        customer,
        message_type="appointment_reminder",
        values={"appointment_at": morning.isoformat()},
    )
    assert [each["status"] for each in await told(crm, customer)] == ["obsolete"]


async def test_message_waits_until_customer_is_linked(
    crm: InProcess, outside: Publisher, customer: dict[str, str], morning: datetime, sms: Gateway
) -> None:
    """Accept the events of two topics in any order."""
    await outside.publish(ready(customer, morning), at=morning)
    await crm.wait_until_idle()
    await outside.publish(opened(customer, known=False), at=morning)
    assert await told(crm, customer) == []
    linked = OrderCustomerLinked(
        store_id="S01", order_id=order_of(customer), customer_ref=customer["customer_ref"]
    )
    await outside.publish(linked, at=morning)
    assert [each["status"] for each in await told(crm, customer)] == ["sent"]
    assert len(texts(sms, customer)) == 1


async def test_promise_risk_is_notified_only_where_configured(
    crm: InProcess,
    outside: Publisher,
    customer: dict[str, str],
    morning: datetime,
    sms: Gateway,
    servers: Platform,
) -> None:
    def at_risk(store_id: str) -> PromisedTimeAtRisk:
        return PromisedTimeAtRisk(
            store_id=store_id,
            order_id=f"risky-in-{store_id}",
            promised_at=morning,
            probability=0.2,
            risk_cause="part_late",
            explanation="…",
            best_promise_at=morning + timedelta(hours=3),
            confidence=0.9,
            alerted_at=morning,
        )

    linked = OrderCustomerLinked(
        store_id="S01", order_id="risky-in-S01", customer_ref=customer["customer_ref"]
    )
    await outside.publish(linked, at_risk("S01"), at_risk("S02"), at=morning)
    (message,) = await told(crm, customer)
    assert (message["message_type"], message["status"]) == ("at_risk", "sent")
    assert "可能延后至" in texts(sms, customer)[0]
    connection = await asyncpg.connect(servers.admin_url)
    elsewhere = await connection.fetchval("SELECT count(*) FROM crm.message WHERE store_id = 'S02'")
    await connection.close()
    assert elsewhere == 0


async def test_customer_is_reminded_of_own_split_only(
    crm: InProcess, outside: Publisher, customer: dict[str, str], morning: datetime, sms: Gateway
) -> None:
    def overdue(payer: str) -> ReceivableOverdue:
        return ReceivableOverdue(
            store_id="S01",
            order_id=order_of(customer),
            invoice_id="i",
            payer=payer,
            balance_cents=15300,
            due_at=morning,
            days_overdue=7,
            advisor_id="S01-advisor-1",
        )

    await outside.publish(
        opened(customer), overdue("manufacturer"), overdue("customer"), at=morning
    )
    (message,) = await told(crm, customer)
    assert (message["message_type"], message["status"]) == ("overdue_payment", "sent")
    assert "¥153.00" in texts(sms, customer)[0]


async def test_channel_declined_before_sending_is_not_used(
    crm: InProcess,
    outside: Publisher,
    customer: dict[str, str],
    night: datetime,
    clock: SimulatedClock,
    sms: Gateway,
) -> None:
    await outside.publish(opened(customer), revised(customer, night), at=night)
    assert [each["status"] for each in await told(crm, customer)] == ["waiting"]
    await prefer(crm, customer, declined_channels=["sms"])
    clock.set(night + timedelta(hours=11))
    (task,) = await tasks_for(crm, customer)
    assert (task["reason"], task["phone"]) == ("no_channel", customer["phone"])
    assert texts(sms, customer) == []
    await prefer(crm, customer, declined_channels=["sms", "phone"])
    await ask(crm, customer)
    assert [each["status"] for each in await told(crm, customer)] == ["call_required", "suppressed"]


async def test_unsent_message_is_retried_then_changes_channel(
    crm: InProcess,
    customer: dict[str, str],
    morning: datetime,
    clock: SimulatedClock,
    sms: Gateway,
    mail: MailServer,
) -> None:
    await prefer(crm, customer, email="second@mail.example")
    sms.responses[:] = [503, 429, 503, 503]
    await ask(crm, customer)
    for pause in (1, 5, 15):
        (message,) = await told(crm, customer)
        assert message["status"] == "waiting"
        clock.set(morning + timedelta(minutes=pause))
        morning += timedelta(minutes=pause)
    (message,) = await told(crm, customer)
    assert (message["status"], message["channel"]) == ("sent", "email")
    assert sms.responses == []
    assert [each["To"] for each in mail.taken][-1] == "second@mail.example"


async def test_uncertain_message_is_repeated_on_same_channel(
    crm: InProcess,
    customer: dict[str, str],
    morning: datetime,
    clock: SimulatedClock,
    sms: Gateway,
    mail: MailServer,
) -> None:
    await prefer(crm, customer, email="never@mail.example")
    sms.responses[:] = [0, 500]
    requests = len(sms.requests)
    await ask(crm, customer)
    for pause in (1, 6):
        assert [each["status"] for each in await told(crm, customer)] == ["waiting"]
        clock.set(morning + timedelta(minutes=pause))
    (message,) = await told(crm, customer)
    assert (message["status"], message["channel"], message["tries"]) == ("sent", "sms", 3)
    assert len(sms.requests) - requests == 3
    assert len(texts(sms, customer)) == 1
    assert "never@mail.example" not in [each["To"] for each in mail.taken]


async def test_rejected_number_becomes_call_task(
    crm: InProcess, customer: dict[str, str], sms: Gateway
) -> None:
    sms.responses[:] = [422]
    await ask(crm, customer)
    (task,) = await tasks_for(crm, customer)
    assert (task["reason"], task["message_type"]) == ("refused", "authorization")
    assert "http" not in task["text"]


@pytest.mark.parametrize(
    ("responses", "recipient", "reason"),
    [
        (["silence"], "", "unanswered"),
        (["554 no"], "", "refused"),
        ([], "550 nobody", "refused"),
        (["451 later"], "", ""),
        ([], "", ""),
    ],
)
async def test_mail_is_never_sent_twice(
    crm: InProcess,
    customer: dict[str, str],
    morning: datetime,
    clock: SimulatedClock,
    mail: MailServer,
    responses: list[str],
    recipient: str,
    reason: str,
) -> None:
    address = f"{customer['phone']}@mail.example"
    await prefer(crm, customer, email=address, declined_channels=["sms"])
    mail.responses[:], mail.recipient_response = responses, recipient
    await ask(crm, customer)
    await crm.wait_until_idle()
    mail.recipient_response = ""
    clock.set(morning + timedelta(minutes=30))
    tasks = await tasks_for(crm, customer)
    assert [task["reason"] for task in tasks] == ([reason] if reason else [])
    arrived = [each for each in mail.taken if each["To"] == address]
    assert len(arrived) == (0 if reason == "refused" else 1)


async def test_call_task_is_completed_once(
    crm: InProcess, customer: dict[str, str], sms: Gateway, servers: Platform
) -> None:
    sms.responses[:] = [400]
    message = await ask(crm, customer)
    (task,) = await tasks_for(crm, customer)
    assert task["agent_id"] in ("S01-agent-1", "S01-agent-2")
    assert (task["name"], task["language"]) == (customer["name"], "zh")
    path = f"/stores/S01/call-tasks/{message['message_id']}/complete"
    done = await crm.post(path, "customer_care_agent", {"reached": True}, subject="S01-agent-1")
    assert (done.status_code, done.json()["completed_by"]) == (200, "S01-agent-1")
    again = await crm.post(path, "customer_care_agent", {"reached": True})
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "nothing_to_call_about")
    assert await tasks_for(crm, customer) == []
    assert [each["status"] for each in await told(crm, customer)] == ["called"]
    channels = [
        received.event.channel
        for received in await published(servers, [TOPIC])
        if isinstance(received.event, CustomerNotified)
        and received.event.message_id == message["message_id"]
    ]
    assert channels == ["phone"]


async def test_call_task_ends_with_delivery(
    crm: InProcess, outside: Publisher, customer: dict[str, str], morning: datetime, sms: Gateway
) -> None:
    sms.responses[:] = [400]
    await outside.publish(opened(customer), ready(customer, morning), at=morning)
    assert len(await tasks_for(crm, customer)) == 1
    await outside.publish(delivered(customer, morning), at=morning)
    assert await tasks_for(crm, customer) == []


BAD = [
    ({"message_type": "birthday"}, 422, "message_type"),
    ({"values": {"amount_cents": 1}}, 422, "link"),
    ({"values": {"amount_cents": 1, "link": "http://plain.example"}}, 422, "link"),
    ({"values": {"amount_cents": -1, "link": "https://a.example"}}, 422, "amount_cents"),
    ({"values": {"amount_cents": 1, "link": "https://a.example", "text": "hi"}}, 422, "text"),
    ({"message_type": "ready", "values": {"ready_at": "2026-03-05T10:00:00"}}, 422, "ready_at"),
    ({"expires_at": "9999-12-31T23:59:59Z"}, 422, "expires_at"),
    ({"customer_ref": "nobody"}, 404, "customer_ref"),
    ({"customer_ref": "a\0b"}, 422, "customer_ref"),
    ({"phone": "13900000001"}, 422, "phone"),
]


@pytest.mark.parametrize(("changes", "status", "field"), BAD)
async def test_invalid_message_is_rejected(
    crm: InProcess, customer: dict[str, str], changes: dict[str, Any], status: int, field: str
) -> None:
    body = {
        "customer_ref": customer["customer_ref"],
        "message_type": "authorization",
        "values": {"amount_cents": 1, "link": "https://a.example"},
    } | changes
    response = await crm.post(MESSAGES, "system", body)
    assert response.status_code == status, response.text
    assert response.json()["errors"][0]["field"].endswith(field)
    assert await told(crm, customer) == []


async def test_order_message_to_other_customer_is_rejected(
    crm: InProcess, outside: Publisher, customer: dict[str, str], morning: datetime
) -> None:
    await outside.publish(opened(customer), at=morning)
    await crm.wait_until_idle()
    other = await crm.post("/stores/S01/customers", "service_advisor", person(next(_numbers)))
    body = {
        "customer_ref": other.json()["customer_ref"],
        "message_type": "ready",
        "values": {"ready_at": morning.isoformat()},
        "order_id": order_of(customer),
    }
    response = await crm.post(MESSAGES, "service_advisor", body)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (409, "order_id")


async def test_messages_and_call_tasks_are_restricted_by_role(
    crm: InProcess, customer: dict[str, str]
) -> None:
    refused = await crm.post(MESSAGES, "technician", {})
    tasks = await crm.get("/stores/S01/call-tasks", "service_advisor")
    foreign = await crm.get("/stores/S02/messages", "service_advisor")
    assert (refused.status_code, tasks.status_code, foreign.status_code) == (403, 403, 403)


@pytest.mark.parametrize(
    "preferences",
    [
        {"email": "not an address"},
        {"email": f"{'a' * 250}@b.example"},
        {"wecom_id": "a b"},
        {"language": "fr"},
        {"preferred_channel": "phone"},
        {"declined_channels": ["pigeon"]},
    ],
)
async def test_invalid_contact_preferences_are_rejected(
    crm: InProcess, customer: dict[str, str], preferences: dict[str, Any]
) -> None:
    path = f"/stores/S01/customers/{customer['customer_ref']}/contact-preferences"
    response = await crm.post(path, "customer_care_agent", preferences, method="PUT")
    assert response.status_code == 422
    unknown = "/stores/S01/customers/nobody/contact-preferences"
    assert (await crm.post(unknown, "customer_care_agent", {}, method="PUT")).status_code == 404
    assert (await crm.get(unknown, "customer_care_agent")).status_code == 404
    kept = await crm.get(path, "customer_care_agent")
    assert (kept.json()["email"], kept.json()["declined_channels"]) == (None, [])


CONVERSATIONS = "/stores/S01/conversations"
QUESTION = "我的车今天能取吗？我明天要出差。"


async def hand_over(
    crm: InProcess,
    sender: str,
    *,
    key: str = "",
    signed_key: str = "",
    channel: str = "sms",
    age_s: int = 0,
    secret: str = SECRET,
    **content: str,
) -> httpx.Response:
    """Hand over a message of a customer as the gateway of a channel does."""
    sent = {"sender": sender, "store_id": "S02", "text": QUESTION} | content
    body, key = json.dumps(sent).encode(), key or str(new_id())
    signed = Gateway.headers(body, signed_key or key, channel=channel, age_s=age_s, secret=secret)
    return await crm.client.post(
        f"/gateways/{channel}/messages", content=body, headers=signed | {"Idempotency-Key": key}
    )


async def waiting(crm: InProcess, store: str = "S01") -> list[dict[str, Any]]:
    response = await crm.get(f"/stores/{store}/conversations", "customer_care_agent")
    assert response.status_code == 200, response.text
    listed: list[dict[str, Any]] = response.json()
    return listed


async def conversations_of(crm: InProcess, customer: dict[str, str]) -> list[dict[str, Any]]:
    path = f"/stores/S01/customers/{customer['customer_ref']}/conversations"
    listed: list[dict[str, Any]] = (await crm.get(path, "service_advisor")).json()
    return listed


async def thread(crm: InProcess, conversation: dict[str, Any]) -> dict[str, Any]:
    await crm.wait_until_idle()
    path = f"{CONVERSATIONS}/{conversation['conversation_id']}"
    shown: dict[str, Any] = (await crm.get(path, "customer_care_agent")).json()
    return shown


async def reply(
    crm: InProcess, conversation: dict[str, Any], **content: str | None
) -> httpx.Response:
    path = f"{CONVERSATIONS}/{conversation['conversation_id']}/answers"
    body = {"words": "可以，下午五点前来取。"} | content
    return await crm.post(path, "customer_care_agent", body)


async def test_answer_to_message_is_answered_from_the_list(
    crm: InProcess,
    customer: dict[str, str],
    sms: Gateway,
    clock: SimulatedClock,
    servers: Platform,
) -> None:
    await ask(crm, customer)
    assert [each["status"] for each in await told(crm, customer)] == ["sent"]
    received = await hand_over(crm, customer["phone"], key="provider-1")
    again = await hand_over(crm, customer["phone"], key="provider-1")
    other = await hand_over(crm, customer["phone"], key="provider-1", text="别的")
    assert (received.status_code, received.json()) == (202, {"received": "text", "reply": None})
    assert (again.status_code, other.status_code) == (202, 422)
    (listed,) = [
        each for each in await waiting(crm) if each["customer_ref"] == customer["customer_ref"]
    ]
    assert (listed["name"], listed["latest"]) == (customer["name"], QUESTION)
    clock.set(clock.now() + timedelta(minutes=7))
    answered = await reply(crm, listed)
    assert answered.status_code == 200, answered.text
    assert (answered.json()["waiting_since"], answered.json()["answer_s"] >= 420) == (None, True)
    shown = await thread(crm, listed)
    assert [(each["words"], each["status"]) for each in shown["messages"]] == [
        (QUESTION, None),
        ("可以，下午五点前来取。", "sent"),
    ]
    assert texts(sms, customer)[-1] == "可以，下午五点前来取。"
    stale = await reply(crm, listed, version="1")
    assert (stale.status_code, stale.json()["errors"][0]["rule"]) == (409, "version_conflict")
    events = [each.event for each in await published(servers, ["aftersales.crm.store.v1"])]
    said = [
        each
        for each in events
        if isinstance(each, MessageReceived | MessageAnswered)
        and each.customer_ref == customer["customer_ref"]
    ]
    assert [type(each) for each in said] == [MessageReceived, MessageAnswered]
    assert not any(word in str(said) for word in (QUESTION, customer["phone"], customer["name"]))


async def test_message_without_valid_signature_is_refused(
    crm: InProcess, customer: dict[str, str]
) -> None:
    forged = await hand_over(crm, customer["phone"], secret="of another")
    replayed = await hand_over(crm, customer["phone"], age_s=301)
    copied = await hand_over(crm, customer["phone"], signed_key="provider-1", key="provider-2")
    crossed = await hand_over(crm, customer["phone"], channel="email")
    long = await hand_over(crm, customer["phone"], text="长" * 1001)
    nowhere = await hand_over(crm, customer["phone"], store_id="S99")
    assert {each.status_code for each in (forged, replayed, copied)} == {401}
    assert {each.status_code for each in (crossed, long, nowhere)} == {422}
    assert await conversations_of(crm, customer) == []


async def test_opt_out_declines_channel_with_proof(
    crm: InProcess, customer: dict[str, str]
) -> None:
    received = await hand_over(crm, customer["phone"], text="退订")
    assert received.json()["received"] == "opt_out"
    path = f"/stores/S01/customers/{customer['customer_ref']}/contact-preferences"
    kept = (await crm.get(path, "customer_care_agent")).json()
    assert kept["declined_channels"] == ["sms"]
    (conversation,) = await conversations_of(crm, customer)
    assert (conversation["latest_kind"], conversation["latest"]) == ("opt_out", "退订")
    assert conversation["waiting_since"] is None
    await ask(crm, customer)
    assert [each["status"] for each in await told(crm, customer)] == ["call_required"]


async def test_attachment_is_refused_politely(crm: InProcess, customer: dict[str, str]) -> None:
    await prefer(crm, customer, language="en", wecom_id=f"wm-{customer['customer_ref']}")
    sender = f"wm-{customer['customer_ref']}"
    received = await hand_over(crm, sender, channel="wecom", content="attachment", text="")
    assert received.json()["reply"].startswith("Sorry, we can only receive text")
    (conversation,) = await conversations_of(crm, customer)
    assert (conversation["channel"], conversation["latest_kind"]) == ("wecom", "attachment")
    assert conversation["waiting_since"] is not None
    await reply(crm, conversation, words=None, answer="call")
    (ended,) = await conversations_of(crm, customer)
    assert ended["waiting_since"] is None


async def test_unknown_sender_is_linked_and_answered(
    crm: InProcess, customer: dict[str, str], sms: Gateway
) -> None:
    number = f"+86137{next(_numbers):08d}"
    assert (await hand_over(crm, number, store_id="S01")).status_code == 202
    (unknown,) = [each for each in await waiting(crm) if each["sender"] == number]
    assert (unknown["customer_ref"], unknown["agent_id"]) == (None, None)
    refused = await reply(crm, unknown)
    assert refused.status_code == 409
    link = f"{CONVERSATIONS}/{unknown['conversation_id']}/customer"
    linked = await crm.post(link, "customer_care_agent", {"customer_ref": customer["customer_ref"]})
    assert linked.status_code == 200, linked.text
    assert (await thread(crm, unknown))["messages"][0]["words"] == QUESTION
    assert (await reply(crm, unknown)).status_code == 200
    assert (await thread(crm, unknown))["messages"][1]["status"] == "sent"
    assert [each["to"] for each in sms.taken.values()][-1] == number


async def test_answer_that_cannot_be_delivered_is_called(
    crm: InProcess, customer: dict[str, str], sms: Gateway
) -> None:
    await hand_over(crm, customer["phone"])
    (conversation,) = await conversations_of(crm, customer)
    sms.responses.append(410)
    await reply(crm, conversation, words="已为您预留{name}时间")
    (task,) = await tasks_for(crm, customer)
    assert (task["text"], task["message_type"]) == ("已为您预留{name}时间", "answer")
    assert (await thread(crm, conversation))["messages"][1]["status"] == "call_required"


async def test_conversation_ends_with_erasure(crm: InProcess, customer: dict[str, str]) -> None:
    await hand_over(crm, customer["phone"])
    (conversation,) = await conversations_of(crm, customer)
    path = f"/stores/S01/customers/{customer['customer_ref']}"
    timeline = (await crm.get(f"{path}/timeline", "service_advisor")).json()["entries"]
    assert ("conversation", conversation["conversation_id"]) in {
        (each["kind"], each["entry_id"]) for each in timeline
    }
    kept = (await crm.get(f"{path}/kept-data", "customer_care_manager")).json()
    assert QUESTION in {each["text"] for each in kept["texts"]}
    erased = await crm.post(f"{path}/erasure", "customer_care_manager", {"reason": "requested"})
    assert erased.status_code == 201, erased.text
    await crm.wait_until_idle()
    shown = await thread(crm, conversation)
    assert (shown["name"], shown["waiting_since"]) == (None, None)
    assert [each["words"] for each in shown["messages"]] == [None]
    await hand_over(crm, customer["phone"], store_id="S01")
    (unknown,) = [each for each in await waiting(crm) if each["sender"] == customer["phone"]]
    assert unknown["conversation_id"] != conversation["conversation_id"]


async def test_unknown_senders_words_end_after_term(
    crm: InProcess, customer: dict[str, str], morning: datetime, clock: SimulatedClock
) -> None:
    first, second = (f"+86137{next(_numbers):08d}" for _ in range(2))
    for number in (first, second):
        assert (await hand_over(crm, number, store_id="S01")).status_code == 202
    by_sender = {each["sender"]: each for each in await waiting(crm)}
    linked, unknown = by_sender[first], by_sender[second]
    link = f"{CONVERSATIONS}/{linked['conversation_id']}/customer"
    body = {"customer_ref": customer["customer_ref"]}
    assert (await crm.post(link, "customer_care_agent", body)).status_code == 200
    clock.set(morning + UNKNOWN_SENDER_KEPT_FOR - timedelta(hours=1))
    await crm.wait_until_idle()
    assert (await thread(crm, unknown))["messages"][0]["words"] == QUESTION
    clock.set(morning + UNKNOWN_SENDER_KEPT_FOR + timedelta(hours=1))
    await crm.wait_until_idle()
    path = f"{CONVERSATIONS}/{unknown['conversation_id']}"
    assert (await crm.get(path, "customer_care_agent")).status_code == 404
    assert (await thread(crm, linked))["messages"][0]["words"] == QUESTION
