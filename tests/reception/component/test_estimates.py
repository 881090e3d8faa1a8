"""Estimates, their versions, and the customer's decision on them, on real Kafka and PostgreSQL (R4,
R9).
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from services.reception.application import additional_work, estimates
from services.reception.application.estimates import ReviseEstimateRequest
from services.reception.application.links import link_token
from shared.clock import SimulatedClock
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    EstimateAuthorized,
    EstimatePresented,
)
from shared.contracts.workshop import AdditionalWorkRecommended
from shared.envelope import Causation
from tests.support.crm_responses import SENT_MESSAGE
from tests.support.harness import in_process, publisher
from tests.support.order_factory import (
    ADVISOR,
    COLLEAGUE,
    MANAGER,
    FrontDesk,
    order_events,
    write_up,
)
from tests.support.stack import MORNING
from tests.support.workshop_events import TECHNICIAN, WorkshopEvents

MINOR_PARTS: list[dict[str, Any]] = [{"part_number": "OIL-5W30", "quantity": 4}]
MINOR: dict[str, Any] = {"op_codes": ["MNT-001"], "parts": MINOR_PARTS}
GRANTED = {"channel": "in_person"}


@pytest_asyncio.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


@pytest_asyncio.fixture(scope="module")
async def workshop(servers: Platform) -> AsyncIterator[WorkshopEvents]:
    async with publisher(servers) as sending:
        yield WorkshopEvents(sending, MORNING)


async def in_progress(desk: FrontDesk, workshop: WorkshopEvents, plate: str) -> str:
    """Return the id of an order whose job has begun."""
    order = await desk.opened(plate)
    await workshop.planned(order["order_id"], "MNT-001")
    await workshop.started(order["order_id"], "MNT-001")
    await desk.service.wait_until_idle()
    return str(order["order_id"])


async def link_to(desk: FrontDesk, order_id: str, version: int) -> str:
    """Return the token of the link in the customer's message."""
    link = await desk.done(f"/orders/{order_id}/estimates/{version}/links")
    return token_of(desk, link)


def token_of(desk: FrontDesk, link: dict[str, Any]) -> str:
    return link_token(desk.deps.personal, "S01", link["link_id"])


async def open_link(
    desk: FrontDesk, token: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    return await desk.service.client.get(f"/authorizations/{token}", headers=headers)


async def decision_link(
    desk: FrontDesk,
    token: str,
    decision: str = "authorize",
    key: str = "customer-1",
    declined: Sequence[str] = (),
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    return await desk.service.client.post(
        f"/authorizations/{token}",
        json={"decision": decision, "declined": list(declined)},
        headers={"Idempotency-Key": key} | (headers or {}),
    )


def rule(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["rule"]


async def test_package_price_is_allocated_to_its_lines(desk: FrontDesk) -> None:
    quote = await desk.done("/quotes", {"packages": ["PKG-MINOR"]})
    assert quote["estimate_cents"] == 45_800
    assert {line["package_id"] for line in quote["lines"]} == {"PKG-MINOR"}
    assert quote["tax_cents"] == round(45_800 * 13 / 113)


async def test_submitting_needs_no_route(desk: FrontDesk) -> None:
    order_id = await desk.greeted("沪D10090")
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    command = ReviseEstimateRequest(**MINOR, version=version)
    causation = Causation("test", "test")
    async with desk.deps.uow_factory.open(["S01"], ADVISOR, causation) as uow:
        submitted = await estimates.submit_estimate(uow, order_id, command, desk.deps)
    assert await estimates.list_estimates("S01", order_id, desk.deps) == [submitted]
    assert (submitted.presented_by, submitted.total_cents) == (ADVISOR, 46_000)


async def test_found_work_needs_no_broker(desk: FrontDesk) -> None:
    order_id = (await desk.opened("沪D10091"))["order_id"]
    found = AdditionalWorkRecommended(
        store_id="S01",
        order_id=order_id,
        additional_work_id="found",
        job_id=f"{order_id}/MNT-001",
        op_codes=("MNT-006",),
        part_numbers=("PLG-IRID",),
        recommended_by=TECHNICIAN,
        recommended_at=MORNING,
    )
    causation = Causation("test", "test")
    async with desk.deps.uow_factory.open(["S01"], causation=causation) as uow:
        await additional_work.offer_found_work(uow, found, desk.deps)
    latest = (await estimates.list_estimates("S01", order_id, desk.deps))[-1]
    assert (latest.additional_work_id, latest.status) == ("found", "awaiting")


async def test_opened_order_has_estimate_authorized_in_person(desk: FrontDesk) -> None:
    order = await desk.opened("沪D10001", pay_types={"OIL-5W30": "goodwill"})
    (version,) = await desk.get(f"/orders/{order['order_id']}/estimates")
    assert (version["version"], version["status"], version["channel"]) == (
        1,
        "authorized",
        "in_person",
    )
    assert version["recorded_by"] == ADVISOR
    assert [line["pay_type"] for line in version["lines"]] == ["customer", "goodwill"]
    assert version["total_cents"] == order["estimate_cents"]


async def test_customer_authorizes_by_link_before_opening(
    desk: FrontDesk, servers: Platform
) -> None:
    order_id = await desk.greeted("沪D10002")
    order = await desk.get(f"/orders/{order_id}")
    await desk.done(f"/orders/{order_id}/estimates", MINOR | {"version": order["version"]})
    token = await link_to(desk, order_id, 1)
    offer = (await open_link(desk, token)).json()
    assert (offer["total_cents"], offer["additional"]) == (46_000, False)
    assert {line["zh"] for line in offer["lines"]} == {
        "小保养（机油机滤）",
        "全合成机油 5W-30",
    }
    agreed = await decision_link(desk, token)
    assert (agreed.status_code, agreed.json()["status"]) == (200, "authorized")
    assert (await decision_link(desk, token)).json() == agreed.json()
    assert rule(await decision_link(desk, token, key="customer-2")) == (409, "link_used")
    assert rule(await open_link(desk, token)) == (409, "link_used")

    opened = await desk.done(f"/orders/{order_id}/open", write_up("沪D10002"))
    assert (opened["estimate_cents"], opened["awaiting_estimates"]) == (46_000, 0)
    assert len(await desk.get(f"/orders/{order_id}/estimates")) == 1
    await desk.service.wait_until_idle()
    submitted, authorized = await order_events(
        servers, order_id, EstimatePresented, EstimateAuthorized
    )
    assert isinstance(submitted, EstimatePresented)
    assert isinstance(authorized, EstimateAuthorized)
    assert (submitted.estimate_version, authorized.estimate_version) == (1, 1)
    assert (authorized.channel, authorized.recorded_by) == ("link", None)


async def test_link_token_is_not_stored(desk: FrontDesk, servers: Platform) -> None:
    order_id = await desk.greeted("沪D10003")
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    await desk.done(f"/orders/{order_id}/estimates", MINOR | {"version": version})
    key = "link-of-d10003"
    path = f"/orders/{order_id}/estimates/1/links"
    first, again = await desk.post(path, key=key), await desk.post(path, key=key)
    assert first.json() == again.json()
    secret = token_of(desk, first.json()).partition(".")[2]
    link = f"/orders/{order_id}/links/{first.json()['link_id']}/showing"
    assert secret in (await desk.done(link))["url"]
    told = [first.json(), await desk.get(f"/orders/{order_id}/links")]
    assert secret not in str(told)
    connection = await asyncpg.connect(servers.admin_url)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname='reception'")
    for table in tables:
        rows = await connection.fetch(f"SELECT t::text FROM reception.{table['tablename']} AS t")
        assert not [row for row in rows if secret in row["t"]]
    await connection.close()


async def estimated(desk: FrontDesk, plate: str) -> str:
    """Return the id of an order with an estimate that awaits the customer."""
    order_id = await desk.greeted(plate)
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    await desk.done(f"/orders/{order_id}/estimates", MINOR | {"version": version})
    return order_id


async def test_link_shown_to_employee_marks_consent(desk: FrontDesk) -> None:
    order_id = await estimated(desk, "沪D10021")
    link = await desk.done(f"/orders/{order_id}/estimates/1/links")
    token = token_of(desk, link)
    shown = await desk.done(f"/orders/{order_id}/links/{link['link_id']}/showing")
    assert shown["url"].endswith(f"/authorize/{token}")
    await open_link(desk, token)
    assert (await decision_link(desk, token)).status_code == 200
    (version,) = await desk.get(f"/orders/{order_id}/estimates")
    assert version["link_consent"] == {
        "shown_to": [ADVISOR],
        "staff_device": None,
        "device": "program",
        "own_network": None,
        "contact_changed_by": None,
        "contact_changed_at": None,
        "contact_known": True,
    }
    (known,) = await desk.get(f"/orders/{order_id}/links")
    uses = [(use["use"], use["colleague"], use["device"]) for use in known["uses"]]
    assert uses == [
        ("shown", ADVISOR, None),
        ("opened", None, "program"),
        ("decided", None, "program"),
    ]
    assert known["used_at"]
    path = f"/orders/{order_id}/links/{link['link_id']}/showing"
    await desk.assert_rejected(path, None, "link_used", "token")


async def test_consent_by_customer_alone_is_unmarked(desk: FrontDesk) -> None:
    order_id = await estimated(desk, "沪D10022")
    token = await link_to(desk, order_id, 1)
    phone = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) Mobile MicroMessenger"}
    assert (await open_link(desk, token, phone)).status_code == 200
    assert (await open_link(desk, token, phone)).status_code == 200
    assert (await decision_link(desk, token, headers=phone)).status_code == 200
    (version,) = await desk.get(f"/orders/{order_id}/estimates")
    assert (version["link_consent"]["shown_to"], version["link_consent"]["device"]) == ([], "phone")
    (known,) = await desk.get(f"/orders/{order_id}/links")
    assert [use["use"] for use in known["uses"]] == ["opened", "decided"]


async def test_signed_in_employee_cannot_consent(desk: FrontDesk) -> None:
    order_id = await estimated(desk, "沪D10023")
    token = await link_to(desk, order_id, 1)
    signed_in = {"Authorization": f"Bearer {desk.service.token('technician', subject='S01-t')}"}
    response = await decision_link(desk, token, headers=signed_in)
    assert rule(response) == (403, "colleague_at_link")
    (version,) = await desk.get(f"/orders/{order_id}/estimates")
    assert version["status"] == "awaiting"
    forged = {"Authorization": "Bearer nonsense"}
    assert (await decision_link(desk, token, headers=forged)).status_code == 401

    told = {"X-Staff-Device": "S01-t"}
    tokens = desk.service.token
    others = tokens("service_advisor"), tokens("system", stores=["S02"])
    for headers in ({}, *({"Authorization": f"Bearer {each}"} for each in others)):
        response = await decision_link(desk, token, headers=told | headers)
        assert rule(response) == (403, "staff_device_by_desk")
    by_desk = told | {"Authorization": f"Bearer {tokens('system', subject='desk')}"}
    assert (await decision_link(desk, token, headers=by_desk)).status_code == 200
    (version,) = await desk.get(f"/orders/{order_id}/estimates")
    assert version["link_consent"]["shown_to"] == ["S01-t"]
    assert version["link_consent"]["staff_device"] == "S01-t"


@pytest.mark.parametrize(
    ("plate", "response", "mark"),
    [
        ("沪D10031", (200, "S01-agent-1", timedelta(0)), ("S01-agent-1", True)),
        ("沪D10032", (200, "S01-agent-1", timedelta(days=-13)), ("S01-agent-1", True)),
        ("沪D10033", (200, "S01-agent-1", timedelta(days=-15)), (None, True)),
        ("沪D10034", (200, None, None), (None, True)),
        ("沪D10035", (503, None, None), (None, False)),
    ],
)
async def test_contact_set_by_employee_marks_consent(
    desk: FrontDesk,
    workshop: WorkshopEvents,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
    plate: str,
    response: tuple[int, str | None, timedelta | None],
    mark: tuple[str | None, bool],
) -> None:
    order_id = await in_progress(desk, workshop, plate)
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    more = {"op_codes": ["MNT-006"], "version": version}
    number = (await desk.done(f"/orders/{order_id}/additional-work", more))["version"]
    status, set_by, ago = response
    set_at = None if ago is None else (clock.now() + ago).isoformat()
    sent = SENT_MESSAGE | {"contact_set_by": set_by, "contact_set_at": set_at}

    def customer_relations(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201 if request.method == "POST" else status, json=sent)

    transport = httpx.MockTransport(customer_relations)
    client = httpx.AsyncClient(transport=transport, base_url="http://crm")
    monkeypatch.setattr(desk.deps.crm, "_client", client)
    link = await desk.done(f"/orders/{order_id}/estimates/{number}/links", {"send": True})
    await desk.service.wait_until_idle()
    agreed = await decision_link(desk, token_of(desk, link), key=f"customer-of-{plate[1:]}")
    assert agreed.status_code == 200, agreed.text
    consent = (await desk.get(f"/orders/{order_id}/estimates"))[-1]["link_consent"]
    assert (consent["contact_changed_by"], consent["contact_known"]) == mark
    assert bool(consent["contact_changed_at"]) == bool(mark[0])


async def test_agent_records_authorization_by_phone_only(desk: FrontDesk) -> None:
    order_id = await estimated(desk, "沪D10024")
    offer = f"/stores/S01/orders/{order_id}/estimates/1/offer"
    assert [
        (await desk.service.get(offer, role)).json()["channels"]
        for role in ("customer_care_agent", "service_advisor")
    ] == [["phone"], ["in_person", "phone"]]
    path = f"/stores/S01/orders/{order_id}/estimates/1/authorize"
    counter = await desk.service.post(
        path, "customer_care_agent", {"channel": "in_person"}, subject="S01-agent-1"
    )
    assert rule(counter) == (403, "in_person_decision_by_agent")
    phone = await desk.service.post(
        path, "customer_care_agent", {"channel": "phone"}, subject="S01-agent-1"
    )
    told = phone.json()
    assert (told["channel"], told["recorded_by"]) == ("phone", "S01-agent-1")
    assert told["link_consent"] is None


async def test_technician_reads_no_money(desk: FrontDesk) -> None:
    order = await desk.opened("沪D10027")
    path = f"/stores/S01/orders/{order['order_id']}"
    seen = [
        (await desk.service.get(path, "technician")).json(),
        (await desk.service.get("/stores/S01/orders", "technician", status="opened")).json()[-1],
    ]
    for each in seen:
        assert {line["code"] for line in each["lines"]} == {"MNT-001", "OIL-5W30"}
        assert not [name for name in each if name.endswith("_cents") and each[name] is not None]
        assert "¥" not in str(each)
        assert {line["amount_cents"] for line in each["lines"]} == {None}
        money = ("discount", "on_account", "money_by_method", "invoice_id", "payer_splits")
        assert [each[name] for name in money] == [None] * 5
    for part in ("estimates", "estimates/1/offer", "invoice", "feedback", "work-to-reoffer"):
        refused = await desk.service.get(f"{path}/{part}", "technician")
        assert refused.status_code == 403


async def test_link_of_another_order_is_not_shown(desk: FrontDesk) -> None:
    first, second = await estimated(desk, "沪D10025"), await estimated(desk, "沪D10026")
    link = await desk.done(f"/orders/{first}/estimates/1/links")
    path = f"/orders/{second}/links/{link['link_id']}/showing"
    await desk.assert_rejected(path, None, "unknown_link", "link_id")


async def test_foreign_old_and_expired_links_are_rejected(desk: FrontDesk) -> None:
    order_id = await desk.greeted("沪D10004")
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    await desk.done(f"/orders/{order_id}/estimates", MINOR | {"version": version})
    token = await link_to(desk, order_id, 1)
    foreign = "S02." + token.partition(".")[2]
    for unknown in (foreign, token[:-1] + "x", "S99.k1-0", "nonsense-without-store"):
        assert rule(await open_link(desk, unknown)) == (404, "unknown_link")
        assert rule(await decision_link(desk, unknown)) == (404, "unknown_link")

    await desk.done(f"/orders/{order_id}/estimates", {"packages": ["PKG-MINOR"]})
    assert rule(await decision_link(desk, token)) == (409, "old_version")
    newer = await link_to(desk, order_id, 2)
    desk.clock.set(desk.clock.now() + timedelta(hours=25))
    assert rule(await decision_link(desk, newer)) == (409, "link_expired")
    path = f"/orders/{order_id}/estimates/1/authorize"
    values = await desk.assert_rejected(path, GRANTED, "old_version", "version")
    assert values == {"present": 2}
    unknown = f"/orders/{order_id}/estimates/7/authorize"
    await desk.assert_rejected(unknown, GRANTED, "unknown_version", "version")


async def test_second_started_job_keeps_order_version(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await in_progress(desk, workshop, "沪D10041")
    before = await desk.get(f"/orders/{order_id}")
    await workshop.started(order_id, "MNT-006")
    await desk.service.wait_until_idle()
    assert await desk.get(f"/orders/{order_id}") == before
    await desk.done(f"/orders/{order_id}/estimates", MINOR | {"version": before["version"]})


async def test_stale_cancellation_names_started_work(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order = await desk.opened("沪D10043")
    await workshop.planned(order["order_id"], "MNT-001")
    await workshop.started(order["order_id"], "MNT-001")
    await desk.service.wait_until_idle()
    path, stale = f"/orders/{order['order_id']}/cancellation", {"reason": "other", "version": "1"}
    assert (await desk.assert_rejected(path, stale, "version_conflict", "version"))[
        "by"
    ] == "workshop"


async def test_opening_after_declined_link_is_rejected(desk: FrontDesk) -> None:
    order_id = await desk.greeted("沪D10044")
    await desk.done(f"/orders/{order_id}/estimates", MINOR)
    seen = await desk.get(f"/orders/{order_id}")
    token = await link_to(desk, order_id, 1)
    await decision_link(desk, token, "decline")
    path, body = f"/orders/{order_id}/open", write_up("沪D10044")
    stale = body | {"version": seen["version"]}
    values = await desk.assert_rejected(path, stale, "version_conflict", "version")
    assert (values["by"], values["declined_estimate"]) == ("customer", 1)
    assert (await desk.get(f"/orders/{order_id}"))["status"] == "greeted"
    opened = await desk.done(path, body | {"version": values["version"]})
    assert opened["status"] == "opened"


async def test_opening_after_reassignment_keeps_assigned_advisor(desk: FrontDesk) -> None:
    order_id = await desk.greeted("沪D10045")
    seen = await desk.get(f"/orders/{order_id}")
    await desk.done(f"/orders/{order_id}/advisor", {"advisor_id": COLLEAGUE}, MANAGER)
    path, body = f"/orders/{order_id}/open", write_up("沪D10045")
    stale = body | {"version": seen["version"]}
    assert (await desk.assert_rejected(path, stale, "version_conflict", "version"))["by"] == MANAGER
    assert (await desk.done(path, body))["advisor_id"] == COLLEAGUE


async def test_each_new_estimate_raises_order_version(desk: FrontDesk) -> None:
    order_id = await desk.greeted("沪D10042")
    path, order = f"/orders/{order_id}/estimates", await desk.get(f"/orders/{order_id}")
    for _ in range(2):
        await desk.done(path, MINOR | {"version": order["version"]})
        await desk.assert_rejected(
            path, MINOR | {"version": order["version"]}, "version_conflict", "version"
        )
        order = await desk.get(f"/orders/{order_id}")


async def test_second_advisor_on_estimate_gets_version_conflict(desk: FrontDesk) -> None:
    order_id = await desk.greeted("沪D10005")
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    mine = MINOR | {"version": version}
    await desk.done(f"/orders/{order_id}/estimates", mine)
    theirs = {"packages": ["PKG-MINOR"], "version": version}
    path = f"/orders/{order_id}/estimates"
    values = await desk.assert_rejected(path, theirs, "version_conflict", "version", COLLEAGUE)
    assert (values["by"], values["at"]) == (ADVISOR, desk.clock.now().isoformat())
    await desk.done(path, theirs | {"version": values["version"]}, COLLEAGUE)
    assert [each["status"] for each in await desk.get(path)] == ["superseded", "awaiting"]


async def test_open_order_estimate_may_change_prices_only(desk: FrontDesk) -> None:
    order = await desk.opened("沪D10006")
    path = f"/orders/{order['order_id']}/estimates"
    other = {"op_codes": ["MNT-003"], "version": order["version"]}
    await desk.assert_rejected(path, other, "op_codes_differ", "op_codes")
    goodwill = MINOR | {"pay_types": {"MNT-001": "warranty"}, "version": order["version"]}
    await desk.done(path, goodwill)
    await desk.done(f"{path}/2/authorize", GRANTED)
    changed = await desk.get(f"/orders/{order['order_id']}")
    assert [line["pay_type"] for line in changed["lines"]] == ["warranty", "customer"]
    await desk.assert_rejected(f"{path}/2/decline", GRANTED, "already_decided", "version")


async def test_authorized_additional_work_makes_promise_provisional(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await in_progress(desk, workshop, "沪D10007")
    before = await desk.get(f"/orders/{order_id}")
    await workshop.found(order_id, "w-7", ["MNT-006"], ["PLG-IRID"] * 4)
    await desk.service.wait_until_idle()
    proposal = (await desk.get(f"/orders/{order_id}/estimates"))[-1]
    assert (proposal["status"], proposal["presented_by"]) == ("awaiting", TECHNICIAN)
    assert [line["quantity"] for line in proposal["lines"]] == [1, 4]
    token = await link_to(desk, order_id, 2)
    assert (await open_link(desk, token)).json()["additional"] is True
    assert (await decision_link(desk, token)).json()["status"] == "authorized"
    after = await desk.get(f"/orders/{order_id}")
    assert after["op_codes"] == ["MNT-001", "MNT-006"]
    assert after["estimate_cents"] == before["estimate_cents"] + proposal["total_cents"]
    assert after["promise_provisional"] is True
    await desk.service.wait_until_idle()
    (event,) = await order_events(servers, order_id, AdditionalWorkAuthorized)
    assert (event.hold_id, event.channel, event.total_cents) == (
        None,
        "link",
        proposal["total_cents"],
    )

    # The workshop did not know of it yet when it said that the vehicle is ready.
    await workshop.finished(order_id, "MNT-001")
    await desk.service.wait_until_idle()
    assert (await desk.get(f"/orders/{order_id}"))["status"] == "in_progress"
    await workshop.planned(order_id, "MNT-006")
    await workshop.finished(order_id, "MNT-006")
    await desk.service.wait_until_idle()
    ready = await desk.get(f"/orders/{order_id}")
    assert (ready["status"], ready["promise_provisional"]) == ("ready", False)


async def test_declined_estimate_is_reoffered_at_next_visit(desk: FrontDesk) -> None:
    first = await desk.greeted("沪D10046")
    path = f"/orders/{first}"
    await desk.done(f"{path}/estimates", {"op_codes": ["MNT-006"]})
    await desk.done(f"{path}/estimates/1/decline", GRANTED)
    await desk.done(f"{path}/estimates", MINOR)
    await desk.done(f"{path}/estimates/2/decline", GRANTED)
    await desk.done(f"{path}/cancellation", {"reason": "too_expensive"})
    desk.clock.set(desk.clock.now() + timedelta(days=7))
    again = await desk.arrived("沪D10046")
    (visit,) = again["vehicle"]["history"]
    assert (visit["order_id"], visit["status"]) == (first, "cancelled")
    (offer,) = await desk.get(f"/orders/{again['order_id']}/work-to-reoffer")
    assert (offer["order_id"], offer["version"]) == (first, 2)
    assert again["vehicle"]["work_to_reoffer"] == [offer]
    await desk.done(f"/orders/{again['order_id']}/greet")
    await desk.done(f"/orders/{again['order_id']}/open", write_up("沪D10046"))
    assert (await desk.get("/vehicles/沪D10046"))["work_to_reoffer"] == []


async def test_unanswered_estimate_is_reoffered_at_next_visit(desk: FrontDesk) -> None:
    first = await desk.greeted("沪D10047")
    await desk.done(f"/orders/{first}/estimates", MINOR)
    cancelled = await desk.done(f"/orders/{first}/cancellation", {"reason": "too_expensive"})
    assert cancelled["awaiting_estimates"] == 0
    await desk.assert_rejected(
        f"/orders/{first}/estimates/1/authorize", GRANTED, "invalid_status", "order_id"
    )
    desk.clock.set(desk.clock.now() + timedelta(days=7))
    second = await desk.greeted("沪D10047")
    (offer,) = await desk.get(f"/orders/{second}/work-to-reoffer")
    assert (offer["order_id"], offer["status"]) == (first, "unanswered")


async def test_late_found_work_is_offered_at_next_visit(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await in_progress(desk, workshop, "沪D10048")
    await workshop.finished(order_id, "MNT-001")
    await desk.service.wait_until_idle()
    await desk.delivered(order_id)
    await workshop.found(order_id, "w-48", ["MNT-006"])
    await desk.service.wait_until_idle()
    desk.clock.set(desk.clock.now() + timedelta(days=30))
    second = await desk.greeted("沪D10048")
    (offer,) = await desk.get(f"/orders/{second}/work-to-reoffer")
    assert (offer["additional_work_id"], offer["status"]) == ("w-48", "not_offered")


async def test_declined_additional_work_is_reoffered_at_next_visit(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await in_progress(desk, workshop, "沪D10008")
    await workshop.found(order_id, "w-8", ["MNT-006"])
    await desk.service.wait_until_idle()
    await desk.done(f"/orders/{order_id}/estimates/2/decline", {"channel": "phone"})
    assert await desk.get(f"/orders/{order_id}/work-to-reoffer") == []
    await workshop.finished(order_id, "MNT-001")
    await desk.service.wait_until_idle()
    (event,) = await order_events(servers, order_id, AdditionalWorkDeclined)
    assert (event.op_codes, event.channel) == (("MNT-006",), "phone")

    await desk.delivered(order_id)
    desk.clock.set(desk.clock.now() + timedelta(days=30))
    second = await desk.greeted("沪D10008")
    (offer,) = await desk.get(f"/orders/{second}/work-to-reoffer")
    assert offer["additional_work_id"] == "w-8"
    await desk.done(f"/orders/{second}/open", write_up("沪D10008", op_codes=["MNT-006"], parts=[]))
    assert await desk.get(f"/orders/{second}/work-to-reoffer") == []


async def test_customer_authorizes_part_of_additional_work(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await in_progress(desk, workshop, "沪D10010")
    before = await desk.get(f"/orders/{order_id}")
    await workshop.found(order_id, "w-10", ["MNT-006", "MNT-011"], ["PLG-IRID"] * 4)
    await desk.service.wait_until_idle()
    token = await link_to(desk, order_id, 2)
    offer = (await open_link(desk, token)).json()
    assert offer["divisible"] is True
    items = [line["item"] for line in offer["lines"]]
    assert items == ["MNT-006", "MNT-011", "MNT-006"]
    everything = await decision_link(desk, token, key="customer-all", declined=items)
    assert rule(everything) == (422, "nothing_wanted")
    assert rule(await decision_link(desk, token, key="customer-odd", declined=["PLG-IRID"])) == (
        422,
        "unknown_code",
    )
    agreed = await decision_link(desk, token, key="customer-part", declined=["MNT-011"])
    assert (agreed.json()["version"], agreed.json()["status"]) == (3, "authorized")
    assert (await decision_link(desk, token, key="customer-part", declined=["MNT-011"])).json() == (
        agreed.json()
    )
    versions = await desk.get(f"/orders/{order_id}/estimates")
    assert [each["status"] for each in versions[1:]] == ["superseded", "authorized", "declined"]
    assert versions[1]["total_cents"] == sum(each["total_cents"] for each in versions[2:])
    after = await desk.get(f"/orders/{order_id}")
    assert after["op_codes"] == ["MNT-001", "MNT-006"]
    assert after["awaiting_estimates"] == 0
    assert after["estimate_cents"] == before["estimate_cents"] + versions[2]["total_cents"]
    await desk.service.wait_until_idle()
    (authorized,) = await order_events(servers, order_id, AdditionalWorkAuthorized)
    (declined,) = await order_events(servers, order_id, AdditionalWorkDeclined)
    assert authorized.additional_work_id == "w-10"
    assert (declined.op_codes, declined.channel) == (("MNT-011",), "link")


async def test_additional_work_decision_includes_new_promise(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await in_progress(desk, workshop, "沪D10013")
    before = await desk.get(f"/orders/{order_id}")
    await workshop.found(order_id, "w-13", ["MNT-006", "MNT-011"])
    await desk.service.wait_until_idle()
    path = f"/orders/{order_id}/estimates/2"
    operations = {"op_codes": ["MNT-006", "MNT-011"], "order_id": order_id}
    promised_at = (await desk.done("/quotes", operations))["promised_at"]
    assert promised_at > before["promised_at"]
    link = await desk.done(f"{path}/links")
    token = token_of(desk, link)
    offers = [await desk.get(f"{path}/offer"), (await open_link(desk, token)).json(), link]
    assert [offer["promised_at"] for offer in offers] == [promised_at] * 3
    part = await desk.get(f"{path}/offer", declined=["MNT-011"])
    assert before["promised_at"] < part["promised_at"] < promised_at

    unseen = await desk.assert_rejected(
        f"{path}/authorize", GRANTED, "promise_later", "promised_at"
    )
    assert unseen["promised_at"] == promised_at.replace("Z", "+00:00")
    agreed = await desk.service.client.post(
        f"/authorizations/{token}",
        json={"decision": "authorize", "promised_at": promised_at},
        headers={"Idempotency-Key": "customer-13"},
    )
    assert agreed.json()["promised_at"] == promised_at
    assert (await desk.get(f"/orders/{order_id}"))["promised_at"] == promised_at
    await desk.service.wait_until_idle()
    (event,) = await order_events(servers, order_id, AdditionalWorkAuthorized)
    assert event.promised_at == datetime.fromisoformat(promised_at)


async def test_estimate_of_wip_is_authorized_only_whole(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await in_progress(desk, workshop, "沪D10011")
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    more = [*MINOR_PARTS, {"part_number": "FLT-CAB", "quantity": 1}]
    body = MINOR | {"parts": more, "version": version}
    await desk.done(f"/orders/{order_id}/estimates", body)
    path = f"/orders/{order_id}/estimates/2/authorize"
    await desk.assert_rejected(path, GRANTED | {"declined": ["FLT-CAB"]}, "indivisible", "declined")
    await desk.done(path, GRANTED)


async def test_link_without_known_customer_is_not_sent(desk: FrontDesk) -> None:
    order_id = await desk.greeted("沪D10012")
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    await desk.done(f"/orders/{order_id}/estimates", MINOR | {"version": version})
    path = f"/orders/{order_id}/estimates/1/links"
    await desk.assert_rejected(path, {"send": True}, "no_customer", "send")
    assert not (await desk.done(path, {"send": False}))["sent"]


async def test_advisor_adds_work_authorized_by_phone(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await in_progress(desk, workshop, "沪D10009")
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    body = {"op_codes": ["MNT-006"], "version": version}
    proposal = await desk.done(f"/orders/{order_id}/additional-work", body)
    path = f"/orders/{order_id}/estimates/{proposal['version']}/authorize"
    await desk.done(path, {"channel": "phone"})
    assert (await desk.get(f"/orders/{order_id}"))["op_codes"] == ["MNT-001", "MNT-006"]
