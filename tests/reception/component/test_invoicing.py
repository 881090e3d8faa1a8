"""Invoices, payers, money and delivery on real Kafka and PostgreSQL (R7, R8)."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from services.reception.application import dunning, payments, tax_invoices
from services.reception.application.deps import Deps
from services.reception.application.payments import RecordPaymentRequest
from services.reception.clients.tax_invoices import TaxDocument, TaxInvoiceFiles, TaxResponse
from shared.clock import SimulatedClock
from shared.contracts.reception import (
    CreditNoteIssued,
    DepositReceived,
    InvoiceIssued,
    PaymentReceived,
    ReceivableOverdue,
    RedLetterInvoiceIssued,
    RefundIssued,
    TaxInvoiceIssued,
    VehicleDelivered,
)
from shared.envelope import Causation
from shared.security import Role
from shared.timers import RetryLaterError, Timer
from shared.unit_of_work import UnitOfWork
from tests.support.api import STEPS
from tests.support.harness import in_process, publisher
from tests.support.order_factory import (
    ADVISOR,
    COLLEAGUE,
    MANAGER,
    FrontDesk,
    invoiced,
    order_events,
    ready,
)
from tests.support.stack import MORNING
from tests.support.workshop_events import WorkshopEvents

CASH = {"method": "cash"}


class RoundingTaxClient:
    """Tax client whose amounts are a cent below the requested ones."""

    asked: ClassVar[list[TaxDocument]] = []

    async def issue(self, document: TaxDocument) -> TaxResponse:
        self.asked.append(document)
        return TaxResponse(number=document.document_id, tax_cents=document.tax_cents - 1)


@pytest_asyncio.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


@pytest_asyncio.fixture(scope="module")
async def workshop(servers: Platform) -> AsyncIterator[WorkshopEvents]:
    async with publisher(servers) as sending:
        yield WorkshopEvents(sending, MORNING)


async def paid(desk: FrontDesk, order_id: str, amount_cents: int) -> dict[str, Any]:
    return await desk.done(f"/orders/{order_id}/payments", CASH | {"amount_cents": amount_cents})


async def blockers(
    desk: FrontDesk, order_id: str, role: Role = "service_advisor", subject: str = ADVISOR
) -> object:
    token = desk.service.token(role, subject=subject)
    path, headers = f"/stores/S01/orders/{order_id}", {"Authorization": f"Bearer {token}"}
    return (await desk.service.client.get(path, headers=headers)).json()["delivery_blockers"]


async def test_invoice_paid_in_parts_allows_delivery(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10001")
    await desk.steps_done(order_id)
    path = f"/orders/{order_id}/delivery"
    await desk.assert_rejected(path, None, "not_invoiced", "order_id")
    assert await blockers(desk, order_id) == ["not_invoiced"]
    invoice = await invoiced(desk, order_id)
    assert invoice["balance_cents"] == 46_000
    await paid(desk, order_id, 20_000)
    assert await desk.assert_rejected(path, None, "unpaid", "order_id") == {"balance_cents": 26_000}
    assert await blockers(desk, order_id) == ["unpaid"]
    await paid(desk, order_id, 26_000)
    assert (await desk.done(path))["status"] == "closed"
    await desk.service.wait_until_idle()
    received = await order_events(servers, order_id, PaymentReceived)
    assert [event.balance_cents for event in received] == [26_000, 0]


async def test_each_command_changes_only_its_parts(desk: FrontDesk, servers: Platform) -> None:
    arrived = await desk.arrived("沪E10046")
    path = f"/orders/{arrived['order_id']}"
    greeted = await desk.done(f"{path}/greet")
    deposit = await desk.done(f"{path}/deposits", CASH | {"amount_cents": 1_000})
    assigned = await desk.done(f"{path}/advisor", {"advisor_id": COLLEAGUE}, MANAGER)
    estimated = await desk.done(f"{path}/estimates", {"op_codes": ["MNT-001"]})
    orders = [arrived, greeted, deposit, assigned, await desk.get(path)]
    assert estimated["status"] == "awaiting"
    assert [order["version"] for order in orders] == ["1.1.1", "2.2.1", "2.2.2", "3.2.2", "3.3.2"]
    connection = await asyncpg.connect(servers.admin_url)
    (makers,) = await connection.fetch(
        "SELECT visit.changed_by AS visit, repair_order.changed_by AS repair_order, "
        "order_account.changed_by AS account FROM reception.repair_order "
        "JOIN reception.visit USING (store_id, order_id) "
        "JOIN reception.order_account USING (store_id, order_id) WHERE order_id = $1",
        arrived["order_id"],
    )
    await connection.close()
    assert dict(makers) == {"visit": MANAGER, "repair_order": ADVISOR, "account": ADVISOR}


async def test_payment_received_without_http_is_published(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10040")
    payment = RecordPaymentRequest(
        method="cash", amount_cents=46_000, version=(await invoiced(desk, order_id))["version"]
    )
    causation = Causation("a visit", "a payment")
    async with desk.deps.uow_factory.open(["S01"], ADVISOR, causation) as uow:
        view = await payments.receive_payment(uow, order_id, payment, desk.deps)
    assert (view.received_cents, view.balance_cents) == (46_000, 0)
    owed = await dunning.list_receivables("S01", desk.deps)
    assert order_id not in {each.order_id for each in owed}
    await desk.service.wait_until_idle()
    (event,) = await order_events(servers, order_id, PaymentReceived)
    assert event.balance_cents == 0


async def test_invoice_is_split_by_payer(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    pay_types = {"MNT-001": "warranty", "OIL-5W30": "customer"}
    order_id = await ready(desk, workshop, "沪E10002", pay_types=pay_types)
    invoice = await invoiced(desk, order_id)
    assert {split["payer"]: split["amount_cents"] for split in invoice["payer_splits"]} == {
        "customer": 35_200,
        "manufacturer": 10_800,
    }
    too_much = CASH | {"amount_cents": 35_201}
    await desk.assert_rejected(
        f"/orders/{order_id}/payments", too_much, "payment_above_balance", "amount_cents"
    )
    await paid(desk, order_id, 35_200)
    await desk.steps_done(order_id)
    assert (await desk.done(f"/orders/{order_id}/delivery"))["status"] == "closed"
    owed = [each for each in await desk.get("/receivables") if each["order_id"] == order_id]
    assert [(each["payer"], each["balance_cents"]) for each in owed] == [("manufacturer", 10_800)]


async def test_invoiced_order_is_exported_in_star_terms(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    pay_types = {"MNT-001": "warranty", "OIL-5W30": "customer"}
    order_id = await ready(desk, workshop, "沪E10047", pay_types=pay_types)
    await desk.done(f"/orders/{order_id}/deposits", CASH | {"amount_cents": 1_000})
    agreed = await desk.get(f"/orders/{order_id}/star")
    assert agreed["RepairOrderHeader"]["RepairOrderInvoiceDate"] is None
    assert [each["PriceCode"] for each in agreed["RepairOrderHeader"]["Price"]] == ["Deposit"]
    assert (agreed["RepairOrderHeader"]["Splits"], agreed["WarrantyClaim"]) == ([], [])
    await invoiced(desk, order_id)
    exported = await desk.get(f"/orders/{order_id}/star")
    header = exported["RepairOrderHeader"]
    assert (header["DocumentID"], header["DealerParty"]["PartyID"]) == (order_id, "S01")
    assert header["ServiceAdvisorParty"]["PartyID"] == ADVISOR
    prices = {each["PriceCode"]: each["ChargeAmount"]["Value"] for each in header["Price"]}
    assert (prices["Total"], prices["Deposit"]) == ("460.00", "10.00")
    splits = {
        each["PayerType"]: (each["ChargeAmount"]["Value"], each["PaidAmount"]["Value"])
        for each in header["Splits"]
    }
    assert splits == {"Customer": ("352.00", "10.00"), "OEM": ("108.00", "0.00")}
    (claim,) = exported["WarrantyClaim"]
    assert (claim["RequestedAmount"]["Value"], claim["ApprovedAmount"]) == ("108.00", None)
    jobs = {each["JobTypeString"]: each for each in exported["Job"]}
    (labor,) = jobs["warranty"]["ServiceLabor"]
    assert (labor["LaborOperationID"], labor["ChargeAmount"]["Value"]) == ("MNT-001", "108.00")
    assert "OIL-5W30" in {part["ItemID"] for part in jobs["customer"]["ServiceParts"]}


async def test_technician_exports_no_order(desk: FrontDesk) -> None:
    order_id = (await desk.arrived("沪E10048"))["order_id"]
    token = desk.service.token("technician", subject="S01-technician-1")
    refused = await desk.service.client.get(
        f"/stores/S01/orders/{order_id}/star", headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status_code == 403


async def test_order_with_pending_estimate_is_not_invoiced(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await ready(desk, workshop, "沪E10003")
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    more = {"op_codes": ["MNT-006"], "version": version}
    await desk.done(f"/orders/{order_id}/additional-work", more)
    await desk.assert_rejected(
        f"/orders/{order_id}/invoice", None, "awaits_authorization", "order_id"
    )
    await desk.done(f"/orders/{order_id}/estimates/2/decline", {"channel": "in_person"})
    await invoiced(desk, order_id)
    await desk.assert_rejected(f"/orders/{order_id}/invoice", None, "already_invoiced", "order_id")


async def test_discount_above_limit_needs_second_approver(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await ready(desk, workshop, "沪E10004")
    path = f"/orders/{order_id}/discount"

    async def version() -> dict[str, int]:
        return {"version": (await desk.get(f"/orders/{order_id}"))["version"]}

    asked = {"amount_cents": 6_000, "reason": "loyalty"}
    await desk.done(path, asked | await version())
    await desk.assert_rejected(f"/orders/{order_id}/invoice", None, "awaits_approval", "discount")
    approval = await desk.post(f"{path}/approve", await version())
    assert approval.status_code == 403
    await desk.assert_rejected(f"{path}/withdraw", {"version": "1"}, "version_conflict", "version")
    assert (await desk.done(f"{path}/withdraw", await version()))["discount"] is None
    await desk.assert_rejected(
        f"{path}/withdraw", await version(), "nothing_to_approve", "discount"
    )
    await desk.done(path, asked | await version())
    await desk.done(f"{path}/approve", await version(), MANAGER)
    invoice = await invoiced(desk, order_id)
    assert invoice["invoiced_cents"] == 40_000
    document = (await desk.get(f"/orders/{order_id}/invoice"))["invoice"]
    assert sum(line["amount_cents"] for line in document["lines"]) == 40_000
    assert document["discount_cents"] == 6_000
    gross = [line["gross_cents"] for line in document["lines"]]
    assert (gross, document["gross_cents"]) == ([10_800, 35_200], 46_000)


async def test_discount_within_limit_needs_no_second_approver(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await ready(desk, workshop, "沪E10005")
    path = f"/orders/{order_id}/discount"
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    small = {"amount_cents": 2_300, "reason": "campaign", "version": version}
    order = await desk.done(path, small)
    assert order["discount"]["approved_by"] == ADVISOR
    await desk.assert_rejected(path, small, "version_conflict", "version", COLLEAGUE)
    huge = {"amount_cents": 46_001, "reason": "other", "version": order["version"]}
    await desk.assert_rejected(path, huge, "discount_above_invoice", "amount_cents")
    large = huge | {"amount_cents": 20_000}
    version = (await desk.done(path, large))["version"]
    values = await desk.assert_rejected(
        f"{path}/approve", {"version": version}, "discount_above_limit", "discount", MANAGER
    )
    assert values == {"allowed_cents": 9_200}


async def test_deposit_is_applied_and_remainder_refunded(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10006")
    await desk.done(f"/orders/{order_id}/deposits", CASH | {"amount_cents": 50_000})
    invoice = await invoiced(desk, order_id)
    assert (invoice["balance_cents"], invoice["deposit_cents"]) == (0, 4_000)
    refund = CASH | {"amount_cents": 4_000, "reason": "paid_too_much"}
    assert (await desk.post(f"/orders/{order_id}/refunds", refund)).status_code == 403
    after = await desk.done(f"/orders/{order_id}/refunds", refund, MANAGER)
    assert (after["deposit_cents"], after["balance_cents"]) == (0, 0)
    above = refund | {"amount_cents": 46_001}
    path = f"/orders/{order_id}/refunds"
    await desk.assert_rejected(path, above, "refund_above_paid", "amount_cents", MANAGER)
    await desk.service.wait_until_idle()
    deposit, issued, back = await order_events(
        servers, order_id, DepositReceived, InvoiceIssued, RefundIssued
    )
    assert isinstance(deposit, DepositReceived)
    assert isinstance(issued, InvoiceIssued)
    assert isinstance(back, RefundIssued)
    assert (deposit.held_cents, issued.deposit_cents, back.deposit_cents) == (
        50_000,
        46_000,
        4_000,
    )


async def test_deposit_above_invoice_is_carried_over(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    order_id = await ready(desk, workshop, "沪E10035")
    path = f"/orders/{order_id}"
    await desk.done(f"{path}/deposits", {"method": "wechat", "amount_cents": 50_000})
    await invoiced(desk, order_id)
    await desk.steps_done(order_id)
    assert (await desk.done(f"{path}/delivery"))["status"] == "closed"

    async def held() -> dict[str, int]:
        return {each["order_id"]: each["deposit_cents"] for each in await desk.get("/held-money")}

    assert (await held())[order_id] == 4_000
    customer = (await desk.get(path))["customer_ref"]
    other = await desk.opened("沪E10036", customer_ref=customer)
    carried = {"to_order_id": other["order_id"], "amount_cents": 3_000}
    foreign = carried | {"to_order_id": (await desk.opened("沪E10037"))["order_id"]}
    await desk.assert_rejected(
        f"{path}/deposit-carry-over", foreign, "not_to_this_order", "to_order_id"
    )
    await desk.done(f"{path}/deposit-carry-over", carried)
    assert {order_id: 1_000, other["order_id"]: 3_000}.items() <= (await held()).items()
    back = {"method": "wechat", "amount_cents": 1_000, "reason": "paid_too_much"}
    await desk.done(f"{path}/refunds", back, MANAGER)
    assert order_id not in await held()


async def test_order_with_held_deposit_cannot_be_cancelled(desk: FrontDesk) -> None:
    order = await desk.opened("沪E10007")
    path = f"/orders/{order['order_id']}"
    await desk.done(f"{path}/deposits", CASH | {"amount_cents": 1_000})
    ending = {"reason": "waited_too_long"}
    await desk.assert_rejected(f"{path}/cancellation", ending, "deposit_held", "order_id")
    back = CASH | {"amount_cents": 1_000, "reason": "work_cancelled"}
    await desk.done(f"{path}/refunds", back, MANAGER)
    assert (await desk.done(f"{path}/cancellation", ending))["status"] == "cancelled"


async def test_additional_work_repeats_affected_delivery_steps(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10018")
    await desk.steps_done(order_id)
    version = (await desk.get(f"/orders/{order_id}"))["version"]
    more = {"op_codes": ["MNT-006"], "version": version}
    await desk.done(f"/orders/{order_id}/additional-work", more)
    estimate = f"/orders/{order_id}/estimates/2"
    promised_at = (await desk.get(f"{estimate}/offer"))["promised_at"]
    decision = {"channel": "in_person", "promised_at": promised_at}
    await desk.done(f"{estimate}/authorize", decision)
    await workshop.planned(order_id, "MNT-006")
    await workshop.finished(order_id, "MNT-006")
    await desk.service.wait_until_idle()
    invoice = await invoiced(desk, order_id)
    await paid(desk, order_id, invoice["balance_cents"])
    touched = [step for step in STEPS if step not in ("operation_explained", "belongings_returned")]
    delivery = f"/orders/{order_id}/delivery"
    refused = await desk.assert_rejected(delivery, None, "delivery_steps_missing", "steps")
    assert refused == {"missing": [*touched, "customer_signed"]}
    await desk.steps_done(order_id, touched)
    await desk.done(delivery)
    await desk.service.wait_until_idle()
    (event,) = await order_events(servers, order_id, VehicleDelivered)
    assert (event.signed, len(event.steps)) == (True, len(STEPS) + 1)


async def test_delivery_step_waiver_needs_two_people(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10008")
    await invoiced(desk, order_id)
    await paid(desk, order_id, 46_000)
    *done, last = STEPS
    await desk.steps_done(order_id, done)
    path = f"/orders/{order_id}/delivery-steps/{last}/waiver"
    assert (await desk.post(path, {"reason": "because"})).status_code == 422
    await desk.done(path, {"reason": "customer_declines"}, MANAGER)
    alone = f"{path}/approve"
    await desk.assert_rejected(alone, None, "second_person_required", "approved_by", MANAGER)
    delivery = f"/orders/{order_id}/delivery"
    assert await desk.assert_rejected(delivery, None, "delivery_steps_missing", "steps") == {
        "missing": [last]
    }
    await desk.done(path, {"reason": "customer_declines"}, ADVISOR)
    await desk.done(alone, None, MANAGER)
    await desk.done(delivery)
    await desk.service.wait_until_idle()
    (event,) = await order_events(servers, order_id, VehicleDelivered)
    assert [(each.step, each.requested_by, each.approved_by) for each in event.waivers] == [
        (last, ADVISOR, MANAGER)
    ]
    assert [step.step for step in event.steps] == [*done, "customer_signed"]


async def test_credit_note_corrects_unpaid_balance_only(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10020")
    path = f"/orders/{order_id}"
    preview = await desk.done(f"{path}/invoice-preview", {"vouchers": []})
    before = await desk.get(path)
    assert (preview["total_cents"], before["invoice_id"]) == (46_000, None)
    await invoiced(desk, order_id)
    order = await paid(desk, order_id, 40_000)
    note = {"amount_cents": 1_000, "reason": "wrong_price", "version": order["version"]}
    assert (await desk.post(f"{path}/credit-notes", note)).status_code == 403
    stale = note | {"version": "1"}
    await desk.assert_rejected(
        f"{path}/credit-notes", stale, "version_conflict", "version", MANAGER
    )
    await desk.assert_rejected(
        f"{path}/credit-notes",
        note | {"amount_cents": 6_001},
        "credit_above_balance",
        "amount_cents",
        MANAGER,
    )
    order = await desk.done(f"{path}/credit-notes", note, MANAGER)
    assert (order["invoiced_cents"], order["balance_cents"]) == (45_000, 5_000)
    rest = note | {"amount_cents": 5_000, "version": order["version"]}
    assert (await desk.done(f"{path}/credit-notes", rest, MANAGER))["balance_cents"] == 0
    invoice = await desk.get(f"{path}/invoice")
    assert invoice["invoice"]["total_cents"] == preview["total_cents"]
    assert [each["total_cents"] for each in invoice["credit_notes"]] == [1_000, 5_000]
    await desk.service.wait_until_idle()
    issued = await order_events(servers, order_id, CreditNoteIssued)
    assert [each.balance_cents for each in issued] == [5_000, 0]
    folder = Path(servers.environment("reception")["AFTERSALES_TAX_INVOICE_FOLDER"]) / "S01"
    documents = [
        json.loads((folder / f"{each.credit_note_id}.json").read_text()) for each in issued
    ]
    number = (await desk.get(f"{path}/invoice"))["tax_invoice_number"]
    assert [each["original_tax_invoice_number"] for each in documents] == [number, number]
    corrections = await order_events(servers, order_id, RedLetterInvoiceIssued)
    assert sorted(each.amount_cents for each in corrections) == [1_000, 5_000]
    assert {each.original_tax_invoice_number for each in corrections} == {number}
    notes = (await desk.get(f"{path}/invoice"))["credit_notes"]
    assert {each["credit_note_id"]: each["tax_invoice_number"] for each in notes} == {
        each.credit_note_id: each.tax_invoice_number for each in corrections
    }


async def test_credit_note_on_paid_invoice_refunds_overpayment(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10021")
    path = f"/orders/{order_id}"
    await desk.done(f"{path}/deposits", CASH | {"amount_cents": 46_500})
    await invoiced(desk, order_id)
    await desk.steps_done(order_id)
    order = await desk.done(f"{path}/delivery")
    note = {"amount_cents": 6_000, "reason": "work_not_done", "version": order["version"]}
    await desk.assert_rejected(
        f"{path}/credit-notes", note, "credit_above_balance", "amount_cents", MANAGER
    )
    by_another = note | {"refund_method": "wechat"}
    values = await desk.assert_rejected(
        f"{path}/credit-notes", by_another, "refund_above_method", "refund_method", MANAGER
    )
    assert values == {"method": "wechat", "paid_cents": 0}
    refunded = note | {"refund_method": "cash"}
    too_much = refunded | {"amount_cents": 46_001}
    values = await desk.assert_rejected(
        f"{path}/credit-notes", too_much, "refund_above_paid", "amount_cents", MANAGER
    )
    assert values == {"paid_cents": 46_000}
    order = await desk.done(f"{path}/credit-notes", refunded, MANAGER)
    assert (order["status"], order["balance_cents"], order["deposit_cents"]) == ("closed", 0, 500)
    assert (order["invoiced_cents"], order["received_cents"]) == (40_000, 40_000)
    await desk.service.wait_until_idle()
    refund, correction = await order_events(servers, order_id, RefundIssued, CreditNoteIssued)
    assert isinstance(refund, RefundIssued)
    assert isinstance(correction, CreditNoteIssued)
    assert (refund.amount_cents, refund.method, refund.reason) == (
        6_000,
        "cash",
        "work_cancelled",
    )
    assert (refund.balance_cents, correction.total_cents) == (6_000, 6_000)


async def test_wrongly_invoiced_order_is_invoiced_again(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    pay_types = {"MNT-001": "warranty"}
    order_id = await ready(desk, workshop, "沪E10019", pay_types=pay_types)
    await invoiced(desk, order_id)
    order = await paid(desk, order_id, 35_200)
    path = f"/orders/{order_id}"
    note = {"entire": True, "reason": "other", "version": order["version"]}
    notes = f"{path}/credit-notes"
    await desk.assert_rejected(notes, note, "credit_above_balance", "amount_cents", MANAGER)
    order = await desk.done(notes, note | {"refund_method": "cash"}, MANAGER)
    assert [split["amount_cents"] for split in order["payer_splits"]] == [0, 0]
    await desk.service.wait_until_idle()
    (claim,) = [
        each
        for each in await desk.get("/claims", status="withdrawn")
        if each["order_id"] == order_id
    ]
    corrected = {"pay_types": {"MNT-001": "customer", "OIL-5W30": "warranty"}}
    preview = await desk.done(f"{path}/invoice-preview", corrected)
    again = await desk.done(f"{path}/invoice", corrected)
    assert again["payer_splits"] == [
        split | {"received_cents": 0} for split in preview["payer_splits"]
    ]
    assert {split["payer"]: split["amount_cents"] for split in again["payer_splits"]} == {
        "customer": 10_800,
        "manufacturer": 35_200,
    }
    await desk.assert_rejected(f"{path}/invoice", corrected, "already_invoiced", "order_id")
    await desk.service.wait_until_idle()
    invoice = await desk.get(f"{path}/invoice")
    (earlier,) = invoice["earlier"]
    assert (
        invoice["invoice"]["invoice_id"] == again["invoice_id"] != earlier["invoice"]["invoice_id"]
    )
    assert invoice["tax_invoice_number"] != earlier["tax_invoice_number"] is not None
    assert (invoice["credit_notes"], len(earlier["credit_notes"])) == ([], 1)
    corrections = await order_events(servers, order_id, RedLetterInvoiceIssued)
    assert [(each.original_tax_invoice_number, each.amount_cents) for each in corrections] == [
        (earlier["tax_invoice_number"], 35_200)
    ]
    owed = [each for each in await desk.get("/receivables") if each["order_id"] == order_id]
    assert {each["payer"]: each["balance_cents"] for each in owed} == {
        "customer": 10_800,
        "manufacturer": 35_200,
    }
    assert claim["amount_cents"] == 10_800


async def test_signature_is_stored_encrypted(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10009")
    path = f"/orders/{order_id}/signature"
    for wrong in ({}, {"strokes": [[[1, 2]]], "png": "AAAA"}, {"png": "bm8gcGljdHVyZQ=="}):
        assert (await desk.post(path, wrong)).status_code == 422
    drawn = {"strokes": [[[1, 2], [30, 40]], [[5, 6]]]}
    assert (await desk.done(path, drawn))["signed_at"]
    assert (await desk.get(path))["strokes"] == drawn["strokes"]
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
    await desk.done(path, {"png": picture})
    assert (await desk.get(path))["png"] == picture
    connection = await asyncpg.connect(servers.admin_url)
    encrypted = await connection.fetchval(
        "SELECT signature FROM reception.repair_order WHERE order_id = $1", order_id
    )
    await connection.close()
    assert b"PNG" not in encrypted
    assert picture.encode() not in encrypted


async def test_unpaid_balance_is_reminded_on_dunning_days(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10010")
    invoice = await invoiced(desk, order_id)
    await desk.steps_done(order_id)
    credit = {"reason": "fleet_customer"}
    assert (await desk.post(f"/orders/{order_id}/on-account-release", credit)).status_code == 403
    await desk.done(f"/orders/{order_id}/on-account-release", credit, MANAGER)
    assert await blockers(desk, order_id, "technician", "S01-technician-1") is None
    assert await blockers(desk, order_id, "service_manager", MANAGER) == ["second_person_required"]
    assert await blockers(desk, order_id) == []
    delivered = await desk.done(f"/orders/{order_id}/delivery")
    assert delivered["status"] == "delivered"
    for days in (36, 37, 44, 45, 60, 90):
        desk.clock.set(MORNING + timedelta(days=days, hours=1))
        await desk.service.wait_until_idle()
    overdue = await order_events(servers, order_id, ReceivableOverdue)
    assert [event.days_overdue for event in overdue] == [7, 15, 30]
    assert {event.balance_cents for event in overdue} == {invoice["balance_cents"]}
    (owed,) = [each for each in await desk.get("/receivables") if each["order_id"] == order_id]
    assert owed["days_overdue"] == 60
    paid_at_last = await paid(desk, order_id, invoice["balance_cents"])
    assert paid_at_last["status"] == "closed"


async def test_customer_split_gets_tax_invoice(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10011", pay_types={"MNT-001": "warranty"})
    await invoiced(desk, order_id)
    await desk.service.wait_until_idle()
    response = await desk.get(f"/orders/{order_id}/invoice")
    assert response["tax_invoice_number"] == response["invoice"]["invoice_id"]
    (event,) = await order_events(servers, order_id, TaxInvoiceIssued)
    folder = Path(servers.environment("reception")["AFTERSALES_TAX_INVOICE_FOLDER"])
    document = json.loads((folder / "S01" / f"{event.invoice_id}.json").read_text())
    assert document["amount_cents"] == event.amount_cents == 35_200
    assert [line["code"] for line in document["lines"]] == ["OIL-5W30"]


async def test_issued_tax_amounts_are_kept_and_offset(
    desk: FrontDesk, workshop: WorkshopEvents, servers: Platform
) -> None:
    order_id = await ready(desk, workshop, "沪E10034")
    path = f"/orders/{order_id}"
    invoice = await invoiced(desk, order_id)
    invoice_id, version = invoice["invoice_id"], invoice["version"]
    service = desk.service.app.state.service
    deps = replace(service.deps, tax_invoices=RoundingTaxClient())

    async def issue(
        prepared: TaxInvoiceIssued | RedLetterInvoiceIssued | None,
        entity_id: str,
        fire: Callable[[UnitOfWork, Timer, Deps], Awaitable[None]],
    ) -> None:
        async with service.uow_factory.open(["S01"]) as uow:
            causation = Causation("test", "test")
            timer = Timer("S01", entity_id, uow.now, {}, causation, prepared)
            await fire(uow.caused_by(causation, uow.now), timer, deps)

    await desk.service.wait_until_idle()
    prepared = await tax_invoices.request_tax_invoice("S01", invoice_id, deps)
    await issue(prepared, invoice_id, tax_invoices.keep_tax_invoice)
    for cents in (10_800, 35_200):
        note = {"amount_cents": cents, "reason": "wrong_price", "version": version}
        version = (await desk.done(f"{path}/credit-notes", note, MANAGER))["version"]
        await desk.service.wait_until_idle()
        note_id = (await desk.get(f"{path}/invoice"))["credit_notes"][-1]["credit_note_id"]
        corrected = await tax_invoices.request_tax_correction("S01", note_id, deps)
        await issue(corrected, note_id, tax_invoices.keep_tax_correction)
    invoice = await desk.get(f"{path}/invoice")
    assert (invoice["computed_tax_cents"], invoice["issued_tax_cents"]) == (5_292, 5_291)
    assert [each["tax_cents"] for each in invoice["credit_notes"]] == [1_242, 4_050]
    assert [each["issued_tax_cents"] for each in invoice["credit_notes"]] == [1_241, 4_049]
    assert RoundingTaxClient.asked[-1].tax_cents == 5_291 - 1_241


async def test_tax_client_response_is_read(tmp_path: Path) -> None:
    document = TaxDocument(
        store_id="S01",
        order_id="o",
        document_id="i",
        lines=[],
        gross_cents=41_000,
        amount_cents=41_000,
        tax_cents=4717,
    )
    files = TaxInvoiceFiles(tmp_path, tax_client_responds=True)
    with pytest.raises(RetryLaterError):
        await files.issue(document)
    (tmp_path / "S01" / "i.response.json").write_text('{"number": "26312", "tax_cents": 4716}')
    assert await files.issue(document) == TaxResponse(number="26312", tax_cents=4_716)


@pytest.mark.parametrize("path", ["invoice", "delivery", "on-account-release", "signature"])
async def test_order_of_another_store_is_not_found(desk: FrontDesk, path: str) -> None:
    body = {"on-account-release": {"reason": "other"}, "signature": {"strokes": [[[1, 1]]]}}.get(
        path
    )
    subject = MANAGER if path == "on-account-release" else ADVISOR
    response = await desk.post(f"/orders/nobody/{path}", body, subject)
    assert response.status_code == 404


async def test_cashier_invoices_and_receives_but_refunds_nothing(
    desk: FrontDesk, workshop: WorkshopEvents
) -> None:
    path = f"/stores/S01/orders/{await ready(desk, workshop, '沪E10050')}"

    async def as_cashier(action: str, body: Any = None) -> httpx.Response:
        subject = "S01-cashier-1"
        return await desk.service.post(f"{path}/{action}", "cashier", body, subject=subject)

    invoice = await as_cashier("invoice")
    payment = CASH | {"amount_cents": invoice.json()["balance_cents"]}
    paid_in = await as_cashier("payments", payment)
    refused = await as_cashier("refunds", {"method": "cash", "amount_cents": 1_000})
    assert (invoice.is_success, paid_in.json()["balance_cents"]) == (True, 0)
    assert refused.status_code == 403
