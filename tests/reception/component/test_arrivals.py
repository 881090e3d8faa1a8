"""Arrival and greeting, on real Kafka and PostgreSQL; customer relations is played (R2)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.reception import AdvisorAssigned, EntitlementGranted
from shared.ids import new_id
from tests.support.api import customer
from tests.support.crm_responses import SENT_MESSAGE, UNKNOWN_VEHICLE
from tests.support.harness import in_process, published
from tests.support.order_factory import ADVISOR, COLLEAGUE, MANAGER, ORDERS, FrontDesk, write_up

KNOWN: dict[str, Any] = {
    "customer_ref": "c-1",
    "vehicle_ref": "v-1",
    "plate_ref": "p-1",
    "name": "王小明",
    "phone": "13800000001",
    "plate": "沪F10001",
    "vin": "LSVAA4180E2000001",
    "brand": "启岳",
    "model": "E5",
    "visits": 3,
    "tier": "gold",
    "tier_rule": "last_365_days",
    "entitlements": [],
}
MERGED: dict[str, Any] = {"customer_ref": "c-1", "references": ["c-1", "c-merged"]}
LOYAL: dict[str, Any] = KNOWN | {
    "vehicle_ref": "v-F10070",
    "plate": "沪F10070",
    "entitlements": [
        {"entitlement": "priority"},
        {"entitlement": "gift", "days_between": 180},
        {"entitlement": "voucher", "days_between": 180, "value_cents": 20_000, "valid_days": 90},
    ],
}


@pytest.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


KNOWN_PLATES: dict[str, str] = {}
"""Vehicles that have a plate now."""


def registered(desk: FrontDesk, path: str) -> httpx.Response:
    """Respond that the vehicle ``v-F10001`` has plate 沪F10001, others are unknown."""
    reference = path.rpartition("/")[2]
    if not reference.startswith("v-"):
        return httpx.Response(404, json={})
    personal, plate = (
        desk.deps.personal,
        f"沪{reference.removeprefix('v-')}",
    )
    plate_ref = personal.reference("plate", plate)
    known = {"customer_ref": "c-1", "vehicle_ref": reference, "plate_ref": plate_ref}
    return httpx.Response(200, json=known)


@pytest.fixture
def crm(desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """Stub customer relations, and return the requests that it was sent."""
    sent = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.method == "POST":
            return httpx.Response(201, json=SENT_MESSAGE)
        if "/registered-customers/" in request.url.path:
            return httpx.Response(200, json=MERGED)
        if "/registered-vehicles/" in request.url.path:
            return registered(desk, request.url.path)
        plate = request.url.path.rpartition("/")[2]
        if plate in KNOWN_PLATES:
            return httpx.Response(200, json=UNKNOWN_VEHICLE | {"vehicle_ref": KNOWN_PLATES[plate]})
        known = {each["plate"]: each for each in (KNOWN, LOYAL)}
        return httpx.Response(200, json=known.get(plate, UNKNOWN_VEHICLE))

    client = httpx.AsyncClient(transport=httpx.MockTransport(respond), base_url="http://crm")
    monkeypatch.setattr(desk.deps.crm, "_client", client)
    return sent


@pytest.fixture
def workshop(desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stub a workshop that has room at any time."""

    def respond(request: httpx.Request) -> httpx.Response:
        hold = {
            "hold_id": "h-1",
            "promised_at": "2026-03-20T08:00:00Z",
            "confidence": 0.95,
            "limiting_factor": {"code": "work", "detail": {"minutes": 60}},
            "jobs": [],
            "expires_at": "2026-03-20T03:00:00Z",
        }
        return httpx.Response(201, json=hold)

    client = httpx.AsyncClient(transport=httpx.MockTransport(respond), base_url="http://workshop")
    monkeypatch.setattr(desk.deps.workshop, "_client", client)


async def test_known_vehicle_is_recognized_without_personal_data(
    desk: FrontDesk, crm: list[httpx.Request]
) -> None:
    arrived = await desk.done("/arrivals", {"plate": KNOWN["plate"]})
    vehicle = arrived["vehicle"]
    assert (vehicle["customer_ref"], vehicle["tier"], vehicle["visits"]) == ("c-1", "gold", 3)
    assert vehicle["recalls"] == ["RC-2026-014"]
    assert (vehicle["history"], vehicle["crm_unavailable"]) == ([], False)
    for secret in ("name", "phone", "vin", "plate"):
        assert KNOWN[secret] not in str(arrived)

    order_id = arrived["order_id"]
    await desk.done(f"/orders/{order_id}/greet")
    body = {
        "customer_ref": "c-1",
        "vehicle_ref": "v-1",
        "odometer_km": 12_000,
        "customer_concern": "冷车启动有异响",
        "op_codes": ["MNT-001"],
    }
    await desk.done(f"/orders/{order_id}/open", body)
    again = await desk.get(f"/vehicles/{KNOWN['plate']}")
    assert [(visit["order_id"], visit["odometer_km"]) for visit in again["history"]] == [
        (order_id, 12_000)
    ]
    unknown = await desk.get("/vehicles/沪F19999")
    assert (unknown["customer_ref"], unknown["crm_unavailable"]) == (None, False)


async def test_another_store_sees_history_but_not_order(
    desk: FrontDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    order = await desk.opened("沪F10009")
    token = desk.service.token("service_advisor", stores=["S02"], subject="S02-advisor-1")
    headers = {"Authorization": f"Bearer {token}"}
    respond = await desk.service.client.get("/stores/S02/vehicles/沪F10009", headers=headers)
    (visit,) = respond.json()["history"]
    assert (visit["store_id"], visit["odometer_km"]) == ("S01", 12_000)
    assert visit["op_codes"] == ["MNT-001"]
    assert respond.json()["work_to_reoffer"] == []
    assert '"by": "S02-advisor-1"' in capsys.readouterr().out
    path = f"/stores/S02/orders/{order['order_id']}"
    assert (await desk.service.client.get(path, headers=headers)).status_code == 404


async def elsewhere(desk: FrontDesk, path: str, body: Any) -> httpx.Response:
    """Send a command of store S02."""
    token = desk.service.token("service_advisor", stores=["S02"], subject="S02-advisor-1")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())}
    path = f"/stores/S02{path}"
    seen = await desk.service.seen(path, body)
    return await desk.service.client.post(path, json=seen, headers=headers)


async def test_vehicle_in_workshop_cannot_arrive_again(desk: FrontDesk) -> None:
    order = await desk.opened("沪F10011")
    values = await desk.assert_rejected(
        "/arrivals", {"plate": "沪F10011"}, "vehicle_already_here", "plate"
    )
    assert (values["order_id"], values["order_status"]) == (order["order_id"], "opened")

    other = await desk.greeted("沪F10012")
    body = write_up("沪F10012", vehicle_ref="v-F10011")
    await desk.assert_rejected(f"/orders/{other}/open", body, "vehicle_already_here", "plate")


async def test_vehicle_in_another_store_needs_confirmation(desk: FrontDesk) -> None:
    await desk.opened("沪F10013")
    asked = await elsewhere(desk, "/arrivals", {"plate": "沪F10013"})
    assert asked.status_code == 409
    assert asked.json()["errors"][0]["rule"] == "vehicle_elsewhere"
    assert asked.json()["values"]["store_id"] == "S01"
    confirmed = {"plate": "沪F10013", "elsewhere_confirmed": True}
    assert (await elsewhere(desk, "/arrivals", confirmed)).status_code == 201


async def test_simultaneous_arrivals_in_stores_create_one(desk: FrontDesk) -> None:
    body = {"plate": "沪F10014"}
    responses = await asyncio.gather(
        desk.post("/arrivals", body), *(elsewhere(desk, "/arrivals", body) for _ in range(3))
    )
    assert sorted(respond.status_code for respond in responses) == [201, 409, 409, 409]


async def test_order_opens_only_for_arrived_vehicle(
    desk: FrontDesk, crm: list[httpx.Request]
) -> None:
    order_id = await desk.greeted("沪F10015")
    path = f"/orders/{order_id}"
    other = write_up("沪F10016")
    await desk.assert_rejected(f"{path}/open", other, "not_the_vehicle_that_arrived", "plate")
    unknown = write_up("沪F10015", vehicle_ref="unknown")
    assert (await desk.post(f"{path}/open", unknown)).status_code == 404

    await desk.done(f"{path}/plate", {"plate": "沪F10016"})
    opened = await desk.done(f"{path}/open", other)
    assert opened["vehicle_ref"] == "v-F10016"
    assert opened["plate_ref"] == desk.deps.personal.reference("plate", "沪F10016")


async def test_order_with_another_plate_is_rejected(desk: FrontDesk) -> None:
    order_id = await desk.greeted("沪F10017")
    body = write_up(
        "沪F10017", customer_ref=None, vehicle_ref=None, customer=customer(1, "沪F10001")
    )
    await desk.assert_rejected(
        f"/orders/{order_id}/open", body, "not_the_vehicle_that_arrived", "plate"
    )


async def test_history_stays_with_vehicle_when_plate_moves(
    desk: FrontDesk, crm: list[httpx.Request]
) -> None:
    old = await desk.opened("沪F10018", vehicle_ref="v-F10018", odometer_km=90_000)
    await desk.done(f"/orders/{old['order_id']}/cancellation", {"reason": "other"})
    KNOWN_PLATES["沪F10018"] = "v-new"
    arrived = await desk.arrived("沪F10018")
    assert arrived["vehicle"]["vehicle_ref"] == "v-new"
    assert arrived["vehicle"]["history"] == []

    KNOWN_PLATES["沪F10019"] = "v-F10018"
    under_its_new_plate = await desk.get("/vehicles/沪F10019")
    assert [each["order_id"] for each in under_its_new_plate["history"]] == [old["order_id"]]


async def test_odometer_is_checked_across_stores(desk: FrontDesk) -> None:
    await desk.opened("沪F10020", odometer_km=150_000)
    confirmed = {"plate": "沪F10020", "elsewhere_confirmed": True}
    there = (await elsewhere(desk, "/arrivals", confirmed)).json()
    path = f"/orders/{there['order_id']}"
    await elsewhere(desk, f"{path}/greet", None)
    lower = write_up("沪F10020", odometer_km=60_000)
    asked = await elsewhere(desk, f"{path}/open", lower)
    assert asked.json()["errors"][0]["rule"] == "odometer_backwards"
    assert asked.json()["values"] == {"known": 150_000}
    explained = lower | {"odometer_discrepancy_reason": "cluster_replaced"}
    assert (await elsewhere(desk, f"{path}/open", explained)).status_code == 200


async def test_second_appointment_of_day_needs_confirmation(
    desk: FrontDesk, clock: SimulatedClock, workshop: None
) -> None:
    appointment_at = clock.now() + timedelta(days=3, hours=3)
    body = {
        "plate": "沪F10021",
        "appointment_at": appointment_at.isoformat(),
        "op_codes": ["MNT-001"],
    }
    booked = await desk.done("/appointments", body)
    values = await desk.assert_rejected("/appointments", body, "booked_already", "plate")
    assert values["store_id"] == "S01"
    later = body | {"appointment_at": (appointment_at + timedelta(hours=3)).isoformat()}
    there = await elsewhere(desk, "/appointments", later)
    assert there.json()["errors"][0]["rule"] == "booked_already"
    confirmed = later | {"second_booking_confirmed": True}
    assert (await elsewhere(desk, "/appointments", confirmed)).status_code == 201
    path = f"/appointments/{booked['appointment_id']}/reschedule"
    moved = {"appointment_at": (appointment_at + timedelta(hours=1)).isoformat()}
    await desk.assert_rejected(path, moved, "booked_already", "plate")
    next_day = {"appointment_at": (appointment_at + timedelta(days=1)).isoformat()}
    assert (await desk.done(path, next_day))["calendar_assumed"] is False


@pytest.mark.parametrize("local", ["2026-03-06T07:00", "2026-03-06T19:00", "2026-03-06T03:00"])
async def test_appointment_outside_opening_hours_is_rejected(desk: FrontDesk, local: str) -> None:
    body = {"plate": "沪F10022", "appointment_at": f"{local}:00+08:00", "op_codes": ["MNT-001"]}
    values = await desk.assert_rejected("/appointments", body, "store_closed", "appointment_at")
    assert (values["opening"], values["closing"]) == ("08:00", "18:00")


async def test_arrival_works_while_crm_is_unavailable(desk: FrontDesk) -> None:
    arrived = await desk.arrived("沪F10002")
    assert arrived["vehicle"]["crm_unavailable"] is True
    assert arrived["status"] == "arrived"


async def test_booked_customer_precedes_walk_in(desk: FrontDesk, clock: SimulatedClock) -> None:
    walk_in = await desk.arrived("沪F10003")
    appointment_at = clock.now() + timedelta(hours=1)
    booked = await desk.done(
        "/appointments",
        {
            "plate": "沪F10004",
            "appointment_at": appointment_at.isoformat(),
            "op_codes": ["MNT-001"],
        },
    )
    clock.set(clock.now() + timedelta(minutes=4))
    later = await desk.done(
        "/arrivals", {"plate": "沪F10004", "appointment_id": booked["appointment_id"]}
    )
    clock.set(clock.now() + timedelta(minutes=7))
    board = await desk.get("/arrivals")
    ids = [each["order_id"] for each in board]
    assert ids.index(later["order_id"]) < ids.index(walk_in["order_id"])
    waits = {each["order_id"]: (each["waited_s"], each["overdue"]) for each in board}
    assert waits[walk_in["order_id"]] == (11 * 60, True)
    assert waits[later["order_id"]] == (7 * 60, False)


async def test_waiting_customer_is_suggested_to_freest_advisor(
    desk: FrontDesk, servers: Platform
) -> None:
    first = await desk.arrived("沪F10005")
    second = await desk.arrived("沪F10006")
    path = f"/orders/{first['order_id']}/advisor"
    await desk.done(path, {"advisor_id": COLLEAGUE}, MANAGER)
    await desk.assert_rejected(
        path, {"advisor_id": "S01-agent-1"}, "unknown_code", "advisor_id", MANAGER
    )
    assert (await desk.post(path, {"advisor_id": ADVISOR}, ADVISOR)).status_code == 403
    board = {each["order_id"]: each for each in await desk.get("/arrivals")}
    assert board[first["order_id"]]["suggested_advisor_id"] == COLLEAGUE
    assert board[second["order_id"]]["suggested_advisor_id"].startswith("S01-advisor-")
    await desk.service.wait_until_idle()
    events = [
        received.event
        for received in await published(servers, [ORDERS])
        if isinstance(received.event, AdvisorAssigned)
    ]
    assert [(each.advisor_id, each.assigned_by) for each in events] == [(COLLEAGUE, MANAGER)]


async def test_customer_is_reminded_once_on_day_before(
    desk: FrontDesk, clock: SimulatedClock, crm: list[httpx.Request], workshop: None
) -> None:
    appointment_at = clock.now() + timedelta(days=2, hours=3)
    body = {
        "plate": "沪F10007",
        "appointment_at": appointment_at.isoformat(),
        "op_codes": ["MNT-001"],
    }
    await desk.done("/appointments", body | {"customer_ref": "c-7"})
    await desk.done("/appointments", body | {"plate": "沪F10008"})
    clock.set(clock.now() + timedelta(days=1, hours=9))
    await desk.service.wait_until_idle()
    sent = [request for request in crm if request.method == "POST"]
    assert len(sent) == 1
    assert b"c-7" in sent[0].content
    assert b"appointment_reminder" in sent[0].content
    assert sent[0].headers["Idempotency-Key"]


async def test_loyal_customer_has_priority_and_gets_gift_once(
    desk: FrontDesk,
    crm: list[httpx.Request],
    servers: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = await desk.done("/arrivals", {"plate": "沪F10071"})
    loyal = await desk.done("/arrivals", {"plate": LOYAL["plate"]})
    assert [each["entitlement"] for each in loyal["vehicle"]["entitlements"]] == [
        "priority",
        "gift",
        "voucher",
    ]
    board = {each["order_id"]: each for each in await desk.get("/arrivals")}
    places = list(board)
    assert places.index(loyal["order_id"]) < places.index(other["order_id"])
    assert board[loyal["order_id"]]["has_priority"]
    assert not board[other["order_id"]]["has_priority"]

    path = f"/orders/{loyal['order_id']}/entitlements"
    given = await desk.done(path, {"entitlement": "gift"})
    assert given["granted_by"] == ADVISOR
    again = await desk.post(path, {"entitlement": "gift"})
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "entitlement_given")
    voucher = await desk.done(path, {"entitlement": "voucher"})
    issued = await desk.get(f"/vouchers/{voucher['voucher_id']}")
    assert (issued["customer_ref"], issued["value_cents"]) == ("c-1", 20_000)
    shown = {each["entitlement"]: each for each in (await desk.get(path))["entitlements"]}
    assert shown["gift"]["granted_at"]
    assert shown["priority"]["granted_at"] is None
    events = [
        received.event
        for received in await published(servers, [ORDERS])
        if isinstance(received.event, EntitlementGranted)
    ]
    assert [(event.entitlement, event.tier) for event in events] == [
        ("gift", "gold"),
        ("voucher", "gold"),
    ]

    await desk.done(f"/orders/{loyal['order_id']}/cancellation", {"reason": "other"})
    monkeypatch.setitem(LOYAL, "customer_ref", "c-merged")
    next_visit = await desk.done("/arrivals", {"plate": LOYAL["plate"]})
    later = f"/orders/{next_visit['order_id']}/entitlements"
    soon = await desk.post(later, {"entitlement": "gift"})
    assert soon.json()["errors"][0]["rule"] == "entitlement_given"
    (gift,) = [
        each for each in (await desk.get(later))["entitlements"] if each["entitlement"] == "gift"
    ]
    assert gift["due_again_at"]
    listed = await desk.get("/vouchers", customer_ref="c-merged")
    assert [each["voucher_id"] for each in listed] == [voucher["voucher_id"]]


async def test_customer_without_tier_is_entitled_to_nothing(
    desk: FrontDesk, crm: list[httpx.Request]
) -> None:
    arrived = await desk.done("/arrivals", {"plate": "沪F10072"})
    path = f"/orders/{arrived['order_id']}/entitlements"
    assert await desk.get(path) == {"tier": None, "entitlements": []}
    refused = await desk.post(path, {"entitlement": "gift"})
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (409, "not_entitled")
    automatic = await desk.post(path, {"entitlement": "priority"})
    assert automatic.status_code == 422
