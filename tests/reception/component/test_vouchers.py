"""Vouchers and service cards, redeemed with the invoice on real Kafka and PostgreSQL (R8, R28)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.contracts import Event
from shared.contracts.reception import VoucherIssued, VoucherRedeemed, VoucherReinstated
from tests.support.harness import in_process, published, publisher
from tests.support.order_factory import MANAGER, FrontDesk, ready
from tests.support.stack import MORNING
from tests.support.workshop_events import WorkshopEvents

VOUCHERS = "aftersales.reception.voucher.v1"
GIFT = {"kind": "voucher", "value_cents": 5_000, "expires_at": "2026-12-31T15:59:59Z"}


@pytest_asyncio.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


@pytest_asyncio.fixture(scope="module")
async def workshop(servers: Platform) -> AsyncIterator[WorkshopEvents]:
    async with publisher(servers) as sending:
        yield WorkshopEvents(sending, MORNING)


async def issued(desk: FrontDesk, **changes: Any) -> str:
    voucher = await desk.done("/vouchers", GIFT | changes, MANAGER)
    return str(voucher["voucher_id"])


async def voucher_events(servers: Platform, voucher_id: str) -> list[type[Event]]:
    """Return the types of a voucher's events."""
    events = [received.event for received in await published(servers, [VOUCHERS])]
    return [type(event) for event in events if getattr(event, event.key_field) == voucher_id]


async def test_voucher_and_service_card_reduce_invoice(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪H10001")
    gift = await issued(desk)
    card = await issued(desk, kind="service_card", value_cents=0, op_code="MNT-001")
    path = f"/orders/{order_id}/invoice"
    invoice = await desk.done(path, {"vouchers": [card, gift]})
    assert invoice["invoiced_cents"] == 46_000 - 10_800 - 5_000
    assert (await desk.get(path))["invoice"]["voucher_cents"] == 15_800
    redeemed = await desk.get(f"/vouchers/{gift}")
    assert (redeemed["order_id"], redeemed["redeemed_cents"]) == (order_id, 5_000)
    await desk.service.wait_until_idle()
    assert await voucher_events(servers, gift) == [VoucherIssued, VoucherRedeemed]


async def test_voucher_is_redeemed_by_one_of_two_invoices(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    orders = [await ready(desk, workshop, plate) for plate in ("沪H10002", "沪H10003")]
    gift = await issued(desk)
    responses = await asyncio.gather(
        *(desk.post(f"/orders/{order_id}/invoice", {"vouchers": [gift]}) for order_id in orders)
    )
    assert sorted(response.status_code for response in responses) == [200, 409]
    (refused,) = [response for response in responses if response.status_code == 409]
    assert refused.json()["errors"][0]["rule"] == "voucher_redeemed"


async def test_foreign_unknown_or_repeated_voucher_is_rejected(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await ready(desk, workshop, "沪H10004")
    path = f"/orders/{order_id}/invoice"
    foreign = await issued(desk, customer_ref="c-somebody")
    await desk.assert_rejected(path, {"vouchers": [foreign]}, "voucher_of_another", "vouchers")
    await desk.assert_rejected(path, {"vouchers": ["none"]}, "unknown_voucher", "vouchers")
    twice = await issued(desk)
    assert (await desk.post(path, {"vouchers": [twice, twice]})).status_code == 422
    assert (await desk.get(f"/orders/{order_id}"))["invoice_id"] is None


async def test_order_is_offered_vouchers_of_its_own(
    desk: FrontDesk, workshop: WorkshopEvents, clock: SimulatedClock
) -> None:
    order_id = await ready(desk, workshop, "沪H10055")
    order = await desk.get(f"/orders/{order_id}")
    own = {"customer_ref": order["customer_ref"]}
    later = await issued(desk, **own)
    sooner = await issued(desk, **own, expires_at="2026-11-30T15:59:59Z")
    await issued(desk)
    await issued(desk, customer_ref="c-somebody")
    await issued(desk, **own, expires_at=(clock.now() + timedelta(seconds=1)).isoformat())
    clock.set(clock.now() + timedelta(minutes=1))
    offered = await desk.get(f"/orders/{order_id}/vouchers")
    assert [each["voucher_id"] for each in offered] == [sooner, later]
    await desk.done(f"/orders/{order_id}/invoice", {"vouchers": [sooner]})
    offered = await desk.get(f"/orders/{order_id}/vouchers")
    assert [each["voucher_id"] for each in offered] == [later]


async def test_credited_invoice_reinstates_its_vouchers(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪H10005")
    gift = await issued(desk)
    card = await issued(desk, kind="service_card", value_cents=0, op_code="MNT-001")
    path = f"/orders/{order_id}"
    invoice = await desk.done(f"{path}/invoice", {"vouchers": [card, gift]})
    redeemed = {
        each["voucher_id"]: (each["kind"], each["op_code"], each["redeemed_cents"])
        for each in (await desk.get(f"{path}/invoice"))["vouchers"]
    }
    assert redeemed == {
        card: ("service_card", "MNT-001", 10_800),
        gift: ("voucher", None, 5_000),
    }
    note = {"reason": "work_not_done", "version": invoice["version"]}
    assert (await desk.post(f"{path}/credit-notes", note, MANAGER)).status_code == 422
    foreign = note | {"vouchers": [await issued(desk)]}
    await desk.assert_rejected(
        f"{path}/credit-notes", foreign, "voucher_not_on_invoice", "vouchers", MANAGER
    )
    part = await desk.done(f"{path}/credit-notes", note | {"vouchers": [card]}, MANAGER)
    assert part["balance_cents"] == invoice["balance_cents"]
    assert (await desk.get(f"/vouchers/{card}"))["redeemed_at"] is None
    whole = note | {"amount_cents": invoice["balance_cents"], "version": part["version"]}
    await desk.done(f"{path}/credit-notes", whole, MANAGER)
    corrected = await desk.get(f"{path}/invoice")
    assert corrected["vouchers"] == []
    assert [each["voucher_cents"] for each in corrected["credit_notes"]] == [10_800, 5_000]
    other = await ready(desk, workshop, "沪H10006")
    again = await desk.done(f"/orders/{other}/invoice", {"vouchers": [card, gift]})
    assert again["invoiced_cents"] == 46_000 - 10_800 - 5_000
    await desk.service.wait_until_idle()
    assert await voucher_events(servers, gift) == [
        VoucherIssued,
        VoucherRedeemed,
        VoucherReinstated,
        VoucherRedeemed,
    ]


async def test_invoice_paid_by_vouchers_is_credited(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await ready(desk, workshop, "沪H10007")
    gift = await issued(desk, value_cents=46_000)
    invoice = await desk.done(f"/orders/{order_id}/invoice", {"vouchers": [gift]})
    assert invoice["balance_cents"] == 0
    note = {"reason": "work_not_done", "version": invoice["version"], "vouchers": [gift]}
    await desk.done(f"/orders/{order_id}/credit-notes", note, MANAGER)
    assert (await desk.get(f"/vouchers/{gift}"))["redeemed_at"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"value_cents": 0},
        {"value_cents": -1},
        {"kind": "service_card"},
        {"op_code": "MNT-001"},
        {"kind": "service_card", "value_cents": 0, "op_code": "NO-SUCH"},
        {"expires_at": "2020-01-01T00:00:00Z"},
    ],
)
async def test_invalid_voucher_is_not_issued(desk: FrontDesk, change: dict[str, Any]) -> None:
    assert (await desk.post("/vouchers", GIFT | change, MANAGER)).status_code == 422


async def test_advisor_cannot_issue_vouchers(desk: FrontDesk) -> None:
    assert (await desk.post("/vouchers", GIFT)).status_code == 403


async def test_gift_is_handed_over_at_invoice_and_listed(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await ready(desk, workshop, "沪H10020")
    gift = await issued(desk, kind="gift", item_code="umbrella", value_cents=3_000)
    invoice = await desk.done(f"/orders/{order_id}/invoice", {"vouchers": [gift]})
    assert invoice["invoiced_cents"] == 46_000
    listed = {each["voucher_id"]: each for each in await desk.get("/vouchers")}
    assert (listed[gift]["redeemed_cents"], listed[gift]["cost_cents"]) == (0, 3_000)
    (month,) = await desk.get("/voucher-months")
    assert month["source"] == "other"
    assert month["cost_cents"] >= 3_000


async def test_voucher_above_role_limit_is_forbidden(desk: FrontDesk) -> None:
    refused = await desk.post("/vouchers", GIFT | {"value_cents": 500_001}, MANAGER)
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (
        403,
        "voucher_over_one_limit",
    )
