"""Warranty claims from the invoice to the manufacturer's payment, on real Kafka and PostgreSQL
(R6).
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import CustomerErased
from shared.contracts.reception import (
    WarrantyClaimDrafted,
    WarrantyClaimOverdue,
    WarrantyClaimSettled,
    WarrantyClaimSubmitted,
)
from shared.ids import new_id
from tests.support.harness import Publisher, in_process, publisher
from tests.support.order_factory import (
    ADVISOR,
    CLAIM_DETAILS,
    COLLEAGUE,
    MANAGER,
    FrontDesk,
    invoiced,
    order_events,
    ready,
)
from tests.support.pictures import picture
from tests.support.stack import MORNING
from tests.support.workshop_events import WorkshopEvents

LABOR_CENTS = 10_800
CONCERN = "冷车启动有异响"


@pytest_asyncio.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


@pytest_asyncio.fixture(scope="module")
async def workshop(servers: Platform) -> AsyncIterator[WorkshopEvents]:
    async with publisher(servers) as sending:
        yield WorkshopEvents(sending, MORNING)


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform) -> AsyncIterator[Publisher]:
    async with publisher(servers) as sending:
        yield sending


async def drafted(desk: FrontDesk, workshop: WorkshopEvents, plate: str) -> dict[str, Any]:
    """Return the claim on the labor of an invoiced order."""
    order_id = await ready(desk, workshop, plate, pay_types={"MNT-001": "warranty"})
    await invoiced(desk, order_id)
    claims = await desk.get("/claims", status="draft")
    claim: dict[str, Any]
    (claim,) = [each for each in claims if each["order_id"] == order_id]
    return claim


async def submitted(desk: FrontDesk, workshop: WorkshopEvents, plate: str) -> dict[str, Any]:
    claim = await drafted(desk, workshop, plate)
    path = f"/claims/{claim['claim_id']}"
    await desk.done(f"{path}/claim-details", CLAIM_DETAILS | {"version": claim["version"]})
    return await desk.done(f"{path}/submission")


async def test_claim_without_details_names_each_missing_one(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    claim = await drafted(desk, workshop, "沪F10001")
    assert claim["amount_cents"] == LABOR_CENTS
    order = await desk.get(f"/orders/{claim['order_id']}")
    for name in ("queue_number", "arrived_at", "customer_ref", "plate_ref"):
        assert claim[name] == order[name]
    assert claim["claim_details"]["odometer_km"] == 12_000
    path = f"/claims/{claim['claim_id']}"
    values = await desk.assert_rejected(
        f"{path}/submission", None, "claim_details_missing", "claim_details"
    )
    assert values["missing"] == ["in_service_date", "dtc", "causal_part_number"]
    version = {"version": claim["version"]}
    for wrong, field in (
        ({"dtc": "banana"}, "dtc"),
        ({"causal_part_number": "NO-SUCH"}, "causal_part_number"),
        ({"in_service_date": "2099-01-01"}, "in_service_date"),
        ({"odometer_km": 10_000_000}, "odometer_km"),
        ({"photo_ids": ["no-such-photo"]}, "photo_ids"),
    ):
        response = await desk.post(f"{path}/claim-details", CLAIM_DETAILS | wrong | version)
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == field
    await desk.done(f"{path}/claim-details", CLAIM_DETAILS | version)
    stale = CLAIM_DETAILS | version
    values = await desk.assert_rejected(
        f"{path}/claim-details", stale, "version_conflict", "version", COLLEAGUE
    )
    assert values["by"] == ADVISOR
    sent = await desk.done(f"{path}/submission")
    assert (sent["status"], sent["missing"], sent["submission_number"]) == ("submitted", [], 1)


async def test_rejected_claim_is_submitted_again_and_settled(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    claim = await submitted(desk, workshop, "沪F10002")
    path = f"/claims/{claim['claim_id']}"
    above = {"approved_cents": LABOR_CENTS + 1, "code": "accepted"}
    await desk.assert_rejected(f"{path}/decision", above, "approved_above_claim", "approved_cents")
    assert (claim["decision"], claim["decided_at"]) == (None, None)
    await desk.done(f"{path}/decision", {"approved_cents": 0, "code": "evidence_doubtful"})
    rejected = await desk.get(path)
    assert (rejected["status"], rejected["decision"]) == ("rejected", "evidence_doubtful")
    assert datetime.fromisoformat(rejected["decided_at"]) == desk.clock.now()
    early = {"method": "transfer"}
    await desk.assert_rejected(f"{path}/settlement", early, "wrong_claim_status", "claim_id")
    again = await desk.done(f"{path}/submission")
    assert again["submission_number"] == 2
    await desk.done(f"{path}/decision", {"approved_cents": 10_000, "code": "partly_accepted"})
    settled = await desk.done(f"{path}/settlement", {"method": "transfer"})
    assert (settled["status"], settled["decision"]) == ("settled", "partly_accepted")
    order = await desk.get(f"/orders/{claim['order_id']}")
    payer_splits = {split["payer"]: split for split in order["payer_splits"]}
    assert (
        payer_splits["manufacturer"]["amount_cents"]
        == payer_splits["manufacturer"]["received_cents"]
    )
    assert payer_splits["internal"]["amount_cents"] == LABOR_CENTS - 10_000
    (exported,) = (await desk.get(f"/orders/{claim['order_id']}/star"))["WarrantyClaim"]
    amounts = [
        exported[name]["Value"] for name in ("RequestedAmount", "ApprovedAmount", "PaidAmount")
    ]
    assert (exported["ClaimNumberString"], amounts) == (
        claim["claim_id"],
        ["108.00", "100.00", "100.00"],
    )
    assert exported["ClaimSubmissionCountNumeric"] == 2
    await desk.service.wait_until_idle()
    kinds = (WarrantyClaimDrafted, WarrantyClaimSubmitted, WarrantyClaimSettled)
    *_, last = told = await order_events(servers, claim["order_id"], *kinds)
    assert len(told) == 4
    assert isinstance(last, WarrantyClaimSettled)
    assert (last.paid_cents, last.written_off_cents) == (10_000, LABOR_CENTS - 10_000)


async def test_only_manager_writes_off_claim(desk: FrontDesk, workshop: WorkshopEvents) -> None:
    claim = await drafted(desk, workshop, "沪F10003")
    path = f"/claims/{claim['claim_id']}/write-off"
    assert (await desk.post(path)).status_code == 403
    assert (await desk.done(path, None, MANAGER))["status"] == "written_off"
    unpaid = {each["order_id"]: each for each in await desk.get("/receivables")}
    assert unpaid[claim["order_id"]]["payer"] == "customer"


async def test_waiting_claim_is_escalated(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    claim = await drafted(desk, workshop, "沪F10004")
    for days in (12, 15, 16, 18, 40):
        desk.clock.set(MORNING + timedelta(days=days, hours=1))
        await desk.service.wait_until_idle()
    overdue = await order_events(servers, claim["order_id"], WarrantyClaimOverdue)
    assert [(event.days_overdue, event.owner_role) for event in overdue] == [
        (-3, "service_advisor"),
        (0, "service_manager"),
        (3, "group_manager"),
    ]
    path = f"/claims/{claim['claim_id']}"
    await desk.done(f"{path}/claim-details", CLAIM_DETAILS | {"version": claim["version"]})
    await desk.assert_rejected(f"{path}/submission", None, "claim_too_late", "claim_id")


async def test_open_order_is_erased_at_its_end(
    desk: FrontDesk, workshop: WorkshopEvents, crm: Publisher
) -> None:
    order_id = await ready(desk, workshop, "沪F10010", customer_concern=CONCERN)
    path = f"/orders/{order_id}"
    await erased(desk, crm, order_id)
    assert (await desk.get(path))["customer_concern"] == CONCERN
    await desk.delivered(order_id)
    await erased(desk, crm, order_id)
    assert (await desk.get(path))["customer_concern"] is None


async def test_erased_customers_claim_photo_is_kept_for_finance(
    desk: FrontDesk, workshop: WorkshopEvents, crm: Publisher
) -> None:
    claim = await drafted(desk, workshop, "沪F10009")
    path = f"/orders/{claim['order_id']}"
    payment = {"method": "cash", "amount_cents": 46_000 - LABOR_CENTS}
    await desk.done(f"{path}/payments", payment)
    await desk.steps_done(claim["order_id"])
    await desk.done(f"{path}/delivery")
    proof, other = [await photographed(desk, claim["order_id"]) for _ in range(2)]
    details = CLAIM_DETAILS | {"version": claim["version"], "photo_ids": [proof]}
    await desk.done(f"/claims/{claim['claim_id']}/claim-details", details)
    await desk.done(f"/claims/{claim['claim_id']}/submission")
    await erased(desk, crm, claim["order_id"])
    shown = await desk.get(f"/orders/{claim['order_id']}/photos")
    assert [each["photo_id"] for each in shown] == [proof]
    photo = f"/stores/S01/photos/{proof}"
    assert (await desk.service.get(photo, "claims_clerk")).status_code == 404
    assert (await desk.service.get(photo, "group_finance_manager")).is_success
    gone = await desk.service.get(f"/stores/S01/photos/{other}", "group_finance_manager")
    assert gone.status_code == 404


async def erased(desk: FrontDesk, crm: Publisher, order_id: str) -> None:
    """Have the customer of an order erased, as customer relations announces it."""
    now = desk.clock.now()
    event = CustomerErased(
        store_id="S01",
        customer_ref=f"c-{order_id}",
        order_ids=(order_id,),
        reason="requested",
        erased_by="S01-care-1",
        erased_at=now,
    )
    await crm.publish(event, at=now)
    await desk.service.wait_until_idle()


async def photographed(desk: FrontDesk, order_id: str) -> str:
    """Return the id of a photo that proves a claim."""
    response = await desk.service.client.post(
        f"/stores/S01/orders/{order_id}/photos",
        params={"kind": "claim_details"},
        content=picture(),
        headers={
            "Authorization": f"Bearer {desk.service.token('claims_clerk')}",
            "Idempotency-Key": str(new_id()),
        },
    )
    assert response.status_code == 201, response.text
    return str(response.json()["photo_id"])
