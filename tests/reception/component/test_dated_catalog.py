"""Catalog and stores that management changes from a day on, in running reception (R4, R40)."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from services.reception.application.catalog import MOST_FOUND
from shared.clients.reception.models import CatalogView
from shared.clock import SimulatedClock
from shared.contracts.management import (
    AppointmentRules,
    CatalogItemDefined,
    GreetingRules,
    LaborRate,
    OperationPrice,
    PartPrice,
)
from shared.contracts.reception import FacilityCheckOverdue
from tests.support.catalog import defined, item, listed_catalog, price, records
from tests.support.harness import Publisher, in_process, published
from tests.support.order_factory import ADVISOR, FrontDesk, invoiced, ready, write_up
from tests.support.polling import until
from tests.support.rules import rule_set
from tests.support.stack import MORNING
from tests.support.stores import store
from tests.support.workshop_events import WorkshopEvents

FIRST_DAY = date(2026, 1, 1)
TOMORROW = date(2026, 3, 5)
MIDNIGHT = datetime(2026, 3, 4, 16, tzinfo=UTC)
WORK: dict[str, Any] = {
    "op_codes": ["MNT-001"],
    "parts": [{"part_number": "OIL-5W30", "quantity": 4}],
}
CHANGED = ("operation:MNT-001", "operation:MNT-003", "part:OIL-5W30")


@pytest_asyncio.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        await running.wait_until_idle()
        yield FrontDesk(running, clock)


@pytest_asyncio.fixture(scope="module")
async def workshop(management: Publisher) -> WorkshopEvents:
    return WorkshopEvents(management, MORNING)


@pytest_asyncio.fixture(autouse=True)
async def as_imported(
    desk: FrontDesk, management: Publisher, clock: SimulatedClock
) -> AsyncIterator[None]:
    """Set the clock to the morning of today; put back what a test has changed."""
    clock.set(MORNING)
    yield
    clock.set(MORNING)
    items = [item(each, (FIRST_DAY, defined("catalog", each))) for each in CHANGED]
    await management.publish(*items, at=MORNING)
    await management.publish(store("S01", (FIRST_DAY, defined("stores", "S01"))), at=MORNING)
    await desk.service.wait_until_idle()


def changed_tomorrow(record_id: str, **changes: Any) -> CatalogItemDefined:
    content = defined("catalog", record_id)
    later = content.model_copy(update=changes)
    return item(record_id, (FIRST_DAY, content), (TOMORROW, later))


def ended_tomorrow(record_id: str) -> CatalogItemDefined:
    return item(record_id, (FIRST_DAY, defined("catalog", record_id)), (TOMORROW, None))


async def publish(desk: FrontDesk, management: Publisher, *states: Any) -> None:
    await management.publish(*states, at=MORNING)
    await desk.service.wait_until_idle()


async def quoted(desk: FrontDesk) -> list[int]:
    quote = await desk.done("/quotes", WORK)
    return [line["amount_cents"] for line in quote["lines"]]


async def estimated(desk: FrontDesk, order_id: str) -> list[list[int]]:
    """Return the amounts of each version of an order's estimate."""
    versions = await desk.get(f"/orders/{order_id}/estimates")
    return [[line["amount_cents"] for line in each["lines"]] for each in versions]


async def part_price(desk: FrontDesk) -> int:
    (part,) = await desk.get("/parts/named", part_number=["OIL-5W30"])
    price: int = part["price_cents"]
    return price


async def agreed(desk: FrontDesk, plate: str) -> str:
    """Return the id of an order to whose estimate the customer has agreed before the opening."""
    order_id = await desk.greeted(plate)
    path = f"/orders/{order_id}/estimates"
    version = (await desk.done(path, WORK))["version"]
    await desk.done(f"{path}/{version}/authorize", {"channel": "in_person"})
    return order_id


async def test_catalog_lists_what_is_defined(desk: FrontDesk) -> None:
    found = CatalogView.model_validate(await desk.get("/catalog"))
    rates = defined("stores", "S01").labor_rate_cents
    of_store = {"revision": found.revision, "labor_rate_cents": rates}
    assert found == listed_catalog().model_copy(update=of_store)


async def test_parts_are_found_by_number_or_name(
    desk: FrontDesk, management: Publisher, clock: SimulatedClock
) -> None:
    async def found(typed: str) -> list[str]:
        parts = await desk.get("/parts", search=typed)
        return [each["part_number"] for each in parts]

    part = defined("catalog", "part:OIL-5W30")
    for typed in ("oil-5w", " ＯＩＬ－5W30 ", part.zh, part.en.upper()):
        assert "OIL-5W30" in await found(typed), typed
    assert await found("no such part") == []
    wide = part.model_copy(update={"zh": "机油（全合成）"})
    await publish(desk, management, item("part:OIL-5W30", (FIRST_DAY, wide)))
    for typed in ("机油（全", "机油(全"):
        assert await found(typed) == ["OIL-5W30"], typed
    parts = [each for each in records("catalog") if each.startswith("part:")]
    assert len(await found("")) == min(MOST_FOUND, len(parts))
    await publish(desk, management, ended_tomorrow("part:OIL-5W30"))
    clock.set(MIDNIGHT)
    assert "OIL-5W30" not in await found("OIL-5W30")
    named = await desk.get("/parts/named", part_number=["OIL-5W30", "NO-SUCH"])
    assert [(each["part_number"], each["zh"]) for each in named] == [("OIL-5W30", part.zh)]


async def test_price_lists_come_before_catalog(
    desk: FrontDesk, management: Publisher, clock: SimulatedClock
) -> None:
    agreed_before, before = await agreed(desk, "沪D10040"), await quoted(desk)
    profile = defined("stores", "S01").model_copy(update={"price_list": "qiyue"})
    await publish(
        desk,
        management,
        store("S01", (FIRST_DAY, profile)),
        price("labor_rate:qiyue:maintenance", (TOMORROW, LaborRate(price_cents=20_000))),
        price("operation_price:MNT-003.S01", (TOMORROW, OperationPrice(price_cents=9_900))),
        price("operation_price:MNT-001.S02", (FIRST_DAY, OperationPrice(price_cents=1))),
        price("part_price:other:OIL-5W30", (FIRST_DAY, PartPrice(price_cents=1))),
        *(
            price(each, (FIRST_DAY, PartPrice(price_cents=7_000)), (TOMORROW, cents))
            for each, cents in (
                ("part_price:qiyue:OIL-5W30", PartPrice(price_cents=6_000)),
                ("part_price:OIL-5W30.S01", None),
            )
        ),
    )
    assert await quoted(desk) == [before[0], 4 * 7_000]
    clock.set(MIDNIGHT)
    hours = defined("catalog", "operation:MNT-001").standard_hours
    assert await quoted(desk) == [round(hours * 20_000), 4 * 6_000]
    minor = {"op_codes": ["MNT-003"]}
    assert (await desk.done("/quotes", minor))["estimate_cents"] == 9_900
    catalog = await desk.get("/catalog")
    assert await part_price(desk) == 6_000
    assert catalog["operation_price_cents"] == {"MNT-003": 9_900}
    assert catalog["labor_rate_cents"] == profile.labor_rate_cents | {"maintenance": 20_000}
    await desk.done(f"/orders/{agreed_before}/open", write_up("沪D10040"))
    assert await estimated(desk, agreed_before) == [before]


async def test_greeting_limit_is_that_of_its_day(
    desk: FrontDesk, management: Publisher, clock: SimulatedClock
) -> None:
    own = rule_set("greeting.S01", (FIRST_DAY, None), (TOMORROW, GreetingRules(limit_s=120)))
    await publish(desk, management, own)

    async def limit(plate: str) -> timedelta:
        visit = await desk.arrived(plate)
        arrived, due = (visit[name] for name in ("arrived_at", "greeting_due_at"))
        return datetime.fromisoformat(due) - datetime.fromisoformat(arrived)

    assert await limit("沪D10050") == timedelta(minutes=10)
    clock.set(MIDNIGHT)
    assert await limit("沪D10051") == timedelta(minutes=2)


async def test_appointment_rules_count_within_effect_time(
    desk: FrontDesk, management: Publisher
) -> None:
    three_days_ahead = {
        "plate": "沪D10060",
        "appointment_at": (MORNING + timedelta(days=3)).isoformat(),
        "op_codes": ["MNT-001"],
    }
    closer = rule_set("appointments.S01", (FIRST_DAY, AppointmentRules(days_ahead=2)))
    await management.publish(closer, at=MORNING)

    async def is_too_far() -> bool:
        response = await desk.post("/appointments", three_days_ahead, ADVISOR)
        return response.status_code == 422 and "too_far_ahead" in response.text

    assert await until(is_too_far, pause_s=0.02)
    await publish(desk, management, rule_set("appointments.S01", (FIRST_DAY, None)))


async def test_catalog_lists_items_of_their_day(
    desk: FrontDesk, management: Publisher, clock: SimulatedClock
) -> None:
    async def listed() -> tuple[int, bool]:
        catalog = await desk.get("/catalog")
        return await part_price(desk), "MNT-003" in {each["id"] for each in catalog["operations"]}

    before, _ = await listed()
    changed = changed_tomorrow("part:OIL-5W30", list_price_cents=9_999)
    await publish(desk, management, changed, ended_tomorrow("operation:MNT-003"))
    assert await listed() == (before, True)
    clock.set(MIDNIGHT)
    assert await listed() == (9_999, False)


async def test_seen_entries_of_catalog_are_left_out(desk: FrontDesk, management: Publisher) -> None:
    whole = await desk.get("/catalog")
    known = await desk.get("/catalog", seen=whole["revision"])
    assert whole["operations"]
    assert known == {name: whole[name] for name in known}
    assert "operations" not in known
    await publish(desk, management, item("operation:MNT-003", (FIRST_DAY, None)))
    changed = await desk.get("/catalog", seen=whole["revision"])
    assert changed["revision"] != whole["revision"]
    assert "MNT-003" not in [each["id"] for each in changed["operations"]]


async def test_dated_prices_change_new_estimates_only(
    desk: FrontDesk, management: Publisher, clock: SimulatedClock
) -> None:
    opened = (await desk.opened("沪D10001"))["order_id"]
    agreed_before = await agreed(desk, "沪D10002")
    before = await quoted(desk)
    profile = defined("stores", "S01")
    rates = profile.labor_rate_cents | {"maintenance": 40_000}
    dearer = profile.model_copy(update={"labor_rate_cents": rates})
    await publish(
        desk,
        management,
        changed_tomorrow("part:OIL-5W30", list_price_cents=9_999),
        changed_tomorrow("operation:MNT-001", standard_hours=1.2),
        store("S01", (FIRST_DAY, profile), (TOMORROW, dearer)),
    )
    assert await quoted(desk) == before
    clock.set(MIDNIGHT)
    after = [48_000, 4 * 9_999]
    assert await quoted(desk) == after
    assert await estimated(desk, opened) == [before]
    await desk.done(f"/orders/{agreed_before}/open", write_up("沪D10002"))
    assert await estimated(desk, agreed_before) == [before]
    later = (await desk.opened("沪D10003"))["order_id"]
    assert await estimated(desk, later) == [after]
    by_warranty = WORK | {"pay_types": {"MNT-001": "warranty"}}
    await desk.done(f"/orders/{opened}/estimates", by_warranty)
    assert await estimated(desk, opened) == [before, before]


async def test_new_work_cannot_name_what_has_ended(
    desk: FrontDesk, management: Publisher, clock: SimulatedClock
) -> None:
    ended = [ended_tomorrow(each) for each in ("operation:MNT-001", "part:OIL-5W30")]
    await publish(desk, management, *ended)
    day_after = {
        "plate": "沪D10010",
        "appointment_at": (MIDNIGHT + timedelta(hours=3)).isoformat(),
        "op_codes": ["MNT-001"],
    }
    await desk.assert_rejected("/appointments", day_after, "unknown_code", "op_codes")
    assert await quoted(desk)
    clock.set(MIDNIGHT)
    await desk.assert_rejected("/quotes", {"op_codes": ["MNT-001"]}, "unknown_code", "op_codes")
    oil = {"op_codes": ["MNT-006"], "parts": WORK["parts"]}
    await desk.assert_rejected("/quotes", oil, "unknown_code", "parts")
    package = {"packages": ["PKG-MINOR"]}
    await desk.assert_rejected("/quotes", package, "unknown_code", "packages")


async def test_open_order_keeps_what_has_ended(
    desk: FrontDesk, workshop: WorkshopEvents, management: Publisher, clock: SimulatedClock
) -> None:
    finished = await ready(desk, workshop, "沪D10020")
    opened = (await desk.opened("沪D10021"))["order_id"]
    path = f"/orders/{opened}/additional-work"
    further = await desk.done(path, {"op_codes": ["MNT-003"], "parts": WORK["parts"]})
    offer = f"/orders/{opened}/estimates/{further['version']}"
    before = await desk.get(f"{offer}/offer")
    await publish(desk, management, *(ended_tomorrow(each) for each in CHANGED))
    clock.set(MIDNIGHT)
    after = await desk.get(f"{offer}/offer")
    assert (after["lines"], after["store"]) == (before["lines"], before["store"])
    assert after["promised_at"]
    seen = {"channel": "in_person", "promised_at": after["promised_at"]}
    assert (await desk.done(f"{offer}/authorize", seen))["status"] == "authorized"
    await desk.done(f"/orders/{opened}/estimates", WORK | {"pay_types": {"MNT-001": "internal"}})
    invoice = await invoiced(desk, finished)
    assert invoice["status"] == "ready"
    assert [line["code"] for line in (await desk.get(f"/orders/{finished}"))["lines"]] == [
        "MNT-001",
        "OIL-5W30",
    ]


async def test_ended_store_only_finishes_what_it_has(
    desk: FrontDesk, workshop: WorkshopEvents, management: Publisher, clock: SimulatedClock
) -> None:
    finished = await ready(desk, workshop, "沪D10030")
    greeted = await desk.greeted("沪D10031")
    profile = defined("stores", "S01")
    booking = {
        "plate": "沪D10032",
        "appointment_at": (MIDNIGHT + timedelta(hours=3)).isoformat(),
        "op_codes": ["MNT-001"],
    }
    at_noon = {"plate": "沪D10035", "appointment_at": (MIDNIGHT + timedelta(hours=12)).isoformat()}
    booked = (await desk.done("/appointments", booking | at_noon))["appointment_id"]
    outstanding = await desk.get(f"/outstanding?day_from={TOMORROW}")
    assert {finished, greeted} <= {order["order_id"] for order in outstanding["orders"]}
    assert booked in [each["appointment_id"] for each in outstanding["appointments"]]
    await desk.done(f"/appointments/{booked}/cancellation", {"reason": "customer_request"})
    await publish(desk, management, store("S01", (FIRST_DAY, profile), (TOMORROW, None)))
    await desk.assert_rejected("/appointments", booking, "store_ended", "store_id")
    await desk.arrived("沪D10033")
    clock.set(MIDNIGHT)
    later = booking | {"appointment_at": (MIDNIGHT + timedelta(hours=4)).isoformat()}
    await desk.assert_rejected("/appointments", later, "store_ended", "store_id")
    offers = {"op_codes": ["MNT-001"]}
    await desk.assert_rejected("/appointments/offers", offers, "store_ended", "store_id")
    await desk.assert_rejected("/arrivals", {"plate": "沪D10034"}, "store_ended", "store_id")
    opening = f"/orders/{greeted}/open"
    await desk.assert_rejected(opening, write_up("沪D10031"), "store_ended", "store_id")
    await desk.delivered(finished)
    assert (await desk.get(f"/orders/{finished}"))["status"] == "closed"


async def test_checks_begin_with_new_store(
    desk: FrontDesk, servers: Platform, management: Publisher, clock: SimulatedClock
) -> None:
    async def overdue() -> set[tuple[str, str]]:
        await desk.service.wait_until_idle()
        events = await published(servers, ["aftersales.reception.store.v1"])
        found = [each.event for each in events if isinstance(each.event, FacilityCheckOverdue)]
        return {(each.store_id, each.day) for each in found if each.store_id in ("S77", "S78")}

    profile = defined("stores", "S01")
    new = store("S77", (FIRST_DAY, profile), (date(2026, 3, 6), None))
    await publish(desk, management, new, store("S78", (TOMORROW, profile)))
    early = await desk.service.client.post(
        "/stores/S78/arrivals",
        json={"plate": "沪D10078"},
        headers={
            "Authorization": f"Bearer {desk.service.token('service_advisor', stores=['S78'])}",
            "Idempotency-Key": "arrival-before-opening",
        },
    )
    assert early.json()["type"] == "/problems/store_not_open_yet"
    clock.set(MIDNIGHT - timedelta(minutes=1))
    assert await overdue() == {("S77", "2026-03-04")}
    clock.set(MIDNIGHT + timedelta(days=2) - timedelta(minutes=1))
    assert await overdue() == {
        ("S77", "2026-03-04"),
        ("S77", "2026-03-05"),
        ("S78", "2026-03-05"),
        ("S78", "2026-03-06"),
    }
