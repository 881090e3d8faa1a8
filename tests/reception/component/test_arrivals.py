"""Arrival and greeting, on real Kafka and PostgreSQL; customer relations is played (R2)."""

from datetime import timedelta

import httpx
import pytest

from services.reception.app import create_app
from shared.contracts.reception import AdvisorAssigned
from tests.harness import in_process, published
from tests.reception.front_desk import ADVISOR, COLLEAGUE, MANAGER, ORDERS, FrontDesk

KNOWN = {
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
}


@pytest.fixture(scope="module")
async def desk(servers, clock):
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


@pytest.fixture
def archive(desk, monkeypatch):
    """Customer relations as a function of the request; what it was sent is kept."""
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.method == "POST":
            return httpx.Response(201, json={"message_id": "m-1"})
        known = request.url.path.endswith(KNOWN["plate"])
        return httpx.Response(200, json=KNOWN if known else {"visits": 0})

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://crm")
    monkeypatch.setattr(desk.service.app.state.archive, "_client", client)
    return sent


@pytest.fixture
def workshop(desk, monkeypatch):
    """A workshop that has room at any time."""

    def answer(request: httpx.Request) -> httpx.Response:
        place = {"hold_id": "h-1", "promised_at": "2026-03-20T08:00:00Z", "confidence": 0.95}
        return httpx.Response(201, json=place)

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://workshop")
    monkeypatch.setattr(desk.service.app.state.workshop, "_client", client)


async def test_a_known_vehicle_is_recognised_at_once_without_personal_data(desk, archive):
    arrived = await desk.done("/arrivals", {"plate": KNOWN["plate"]})
    vehicle = arrived["vehicle"]
    assert (vehicle["customer_ref"], vehicle["tier"], vehicle["visits"]) == ("c-1", "gold", 3)
    assert vehicle["recalls"] == ["RC-2026-014"]
    assert (vehicle["history"], vehicle["archive_away"]) == ([], False)
    for secret in ("name", "phone", "vin", "plate"):
        assert KNOWN[secret] not in str(arrived)

    order_id = arrived["order_id"]
    await desk.done(f"/orders/{order_id}/greeting")
    body = {
        "customer_ref": "c-1",
        "vehicle_ref": "v-1",
        "odometer_km": 12_000,
        "words": "冷车启动有异响",
        "operations": ["MNT-001"],
    }
    await desk.done(f"/orders/{order_id}/opening", body)
    again = await desk.get(f"/vehicles/{KNOWN['plate']}")
    assert [(visit["order_id"], visit["odometer_km"]) for visit in again["history"]] == [
        (order_id, 12_000)
    ]
    unknown = await desk.get("/vehicles/沪F19999")
    assert (unknown["customer_ref"], unknown["archive_away"]) == (None, False)


async def test_another_store_sees_when_and_for_what_a_vehicle_came_but_not_its_order(desk, capsys):
    order = await desk.opened("沪F10009")
    token = desk.service.token("advisor", stores=["S02"], subject="S02-advisor-1")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await desk.service.client.get("/stores/S02/vehicles/沪F10009", headers=headers)
    (visit,) = answer.json()["history"]
    assert (visit["store_id"], visit["odometer_km"]) == ("S01", 12_000)
    assert visit["operations"] == ["MNT-001"]
    assert answer.json()["declined"] == []
    assert '"by": "S02-advisor-1"' in capsys.readouterr().out
    path = f"/stores/S02/orders/{order['order_id']}"
    assert (await desk.service.client.get(path, headers=headers)).status_code == 404


async def test_an_arrival_works_while_the_archive_is_away(desk):
    arrived = await desk.arrived("沪F10002")
    assert arrived["vehicle"]["archive_away"] is True
    assert arrived["stage"] == "arrived"


async def test_a_booked_customer_is_before_a_walk_in_and_the_wait_is_live(desk, clock):
    walk_in = await desk.arrived("沪F10003")
    planned_at = clock.now() + timedelta(minutes=10)
    booked = await desk.done(
        "/appointments",
        {"plate": "沪F10004", "planned_at": planned_at.isoformat(), "operations": ["MNT-001"]},
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


async def test_waiting_customers_are_suggested_to_the_freest_advisors_or_assigned(desk, servers):
    first = await desk.arrived("沪F10005")
    second = await desk.arrived("沪F10006")
    path = f"/orders/{first['order_id']}/advisor"
    await desk.done(path, {"advisor_id": COLLEAGUE}, MANAGER)
    await desk.refused(path, {"advisor_id": "S01-agent-1"}, "unknown_code", "advisor_id", MANAGER)
    assert (await desk.post(path, {"advisor_id": ADVISOR}, ADVISOR)).status_code == 403
    board = {each["order_id"]: each for each in await desk.get("/arrivals")}
    assert board[first["order_id"]]["suggested_advisor_id"] == COLLEAGUE
    assert board[second["order_id"]]["suggested_advisor_id"].startswith("S01-advisor-")
    await desk.service.at_rest()
    events = [
        received.event
        for received in await published(servers, [ORDERS])
        if isinstance(received.event, AdvisorAssigned)
    ]
    assert [(each.advisor_id, each.assigned_by) for each in events] == [(COLLEAGUE, MANAGER)]


async def test_the_customer_is_reminded_once_on_the_day_before(desk, clock, archive, workshop):
    planned_at = clock.now() + timedelta(days=2)
    body = {"plate": "沪F10007", "planned_at": planned_at.isoformat(), "operations": ["MNT-001"]}
    await desk.done("/appointments", body | {"customer_ref": "c-7"})
    await desk.done("/appointments", body | {"plate": "沪F10008"})
    clock.set(clock.now() + timedelta(days=1, hours=9))
    await desk.service.at_rest()
    sent = [request for request in archive if request.method == "POST"]
    assert len(sent) == 1
    assert b"c-7" in sent[0].content
    assert b"appointment_reminder" in sent[0].content
    assert sent[0].headers["Idempotency-Key"]
