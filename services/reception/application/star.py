"""A repair order in the terms of STAR (Standards for Technology in Automotive Retail).

Fields have STAR's names; ``docs/star.md`` says which of ours each stands for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain.account import PayerBalance
from services.reception.domain.claim import Claim
from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.domain.order import Order
from shared.contracts.reception import EstimateLine, InvoiceIssued, Payer, PayType

StarPayer = Literal["Customer", "OEM", "Dealer"]

_PAYERS: Mapping[Payer, StarPayer] = {
    "customer": "Customer",
    "manufacturer": "OEM",
    "internal": "Dealer",
}


class StarParty(BaseModel):
    """Party, by its reference; names stay in customer records."""

    PartyID: str


class StarAmount(BaseModel):
    """Amount in yuan, exact to the cent."""

    Value: str
    currencyID: Literal["CNY"] = "CNY"  # noqa: N815


class StarPrice(BaseModel):
    """Amount of one kind, tax included; a deposit is held, or set against the invoice."""

    PriceCode: Literal["Labor", "Parts", "Discount", "Deposit", "Total"]
    ChargeAmount: StarAmount


class StarSplit(BaseModel):
    """Share of one payer in the invoice, and what is paid of it."""

    PayerType: StarPayer
    ChargeAmount: StarAmount
    PaidAmount: StarAmount


class StarTax(BaseModel):
    """Tax that the total contains."""

    TaxAmount: StarAmount


class StarDistance(BaseModel):
    """Odometer reading in kilometers."""

    Value: int
    unitCode: Literal["KMT"] = "KMT"  # noqa: N815


class StarVehicle(BaseModel):
    """Vehicle, by its reference; the VIN stays in customer records."""

    VehicleID: str


class StarVehicleLine(BaseModel):
    """Vehicle as it came in."""

    Vehicle: StarVehicle
    InDistanceMeasure: StarDistance | None


class StarHeader(BaseModel):
    """Header of a repair order."""

    DocumentID: str
    DealerParty: StarParty
    OwnerParty: StarParty | None
    ServiceAdvisorParty: StarParty | None
    RepairOrderStatus: RepairOrderStatus
    CustomerAppointmentNumber: str | None
    RepairOrderOpenedDate: datetime | None
    PromisedRepairCompletionDateTime: datetime | None
    RepairOrderCompletedDate: datetime | None
    RepairOrderInvoiceDate: datetime | None
    VehiclePickupDateTime: datetime | None
    RepairOrderVehicleLineItem: StarVehicleLine | None
    Price: Sequence[StarPrice]
    Splits: Sequence[StarSplit]
    Tax: Sequence[StarTax]


class StarLabor(BaseModel):
    """Labor operation of a job."""

    LaborOperationID: str
    LaborAllowanceHoursNumeric: float | None
    ChargeAmount: StarAmount


class StarPart(BaseModel):
    """Part of a job."""

    ItemID: str
    ItemQuantity: int
    ChargeAmount: StarAmount


class StarComments(BaseModel):
    """Codes of the customer's concern; its words stay in reception."""

    ComplaintCode: Sequence[str]


class StarJob(BaseModel):
    """Work that one kind of payer pays."""

    JobNumberString: str
    JobTypeString: PayType
    CodesAndCommentsExpanded: StarComments
    ServiceLabor: Sequence[StarLabor]
    ServiceParts: Sequence[StarPart]


class StarClaim(BaseModel):
    """Warranty claim on the order; amounts that are not decided or paid yet are absent."""

    ClaimNumberString: str
    ClaimSubmissionCountNumeric: int
    RequestedAmount: StarAmount
    ApprovedAmount: StarAmount | None
    PaidAmount: StarAmount | None


class StarRepairOrder(BaseModel):
    """Repair order (RepairOrder) of STAR."""

    RepairOrderHeader: StarHeader
    Job: Sequence[StarJob]
    WarrantyClaim: Sequence[StarClaim]


async def export_order(store_id: str, order_id: str, deps: Deps) -> StarRepairOrder:
    """Return an order with its agreed lines or, once it is invoiced, with those of its invoice."""
    async with deps.uow_factory.read(store_id) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        invoice = None
        if order.account.is_invoiced and order.account.invoice_id:
            invoice, _ = await persistence.read_invoice(
                connection, store_id, order.account.invoice_id
            )
        claims = await persistence.claims_of_order(connection, store_id, order_id)
    lines = invoice.lines if invoice else order.repair_order.lines
    return StarRepairOrder(
        RepairOrderHeader=_header(order, invoice),
        Job=list(_jobs(lines, order.repair_order.symptoms)),
        WarrantyClaim=list(map(_claim, claims)),
    )


def _header(order: Order, invoice: InvoiceIssued | None) -> StarHeader:
    visit, work = order.visit, order.repair_order
    return StarHeader(
        DocumentID=order.order_id,
        DealerParty=StarParty(PartyID=order.store_id),
        OwnerParty=_party(visit.customer_ref),
        ServiceAdvisorParty=_party(visit.advisor_id),
        RepairOrderStatus=order.status,
        CustomerAppointmentNumber=visit.appointment_id,
        RepairOrderOpenedDate=work.opened_at,
        PromisedRepairCompletionDateTime=work.promised_at,
        RepairOrderCompletedDate=work.ready_at,
        RepairOrderInvoiceDate=invoice and invoice.issued_at,
        VehiclePickupDateTime=work.delivered_at,
        RepairOrderVehicleLineItem=_vehicle(visit.vehicle_ref, visit.odometer_km),
        Price=list(_prices(order.account.deposit_cents, invoice)),
        Splits=list(map(_split, order.account.payer_splits)) if invoice else [],
        Tax=[StarTax(TaxAmount=_amount(invoice.tax_cents))] if invoice else [],
    )


def _party(reference: str | None) -> StarParty | None:
    return StarParty(PartyID=reference) if reference else None


def _vehicle(vehicle_ref: str | None, odometer_km: int | None) -> StarVehicleLine | None:
    if vehicle_ref is None:
        return None
    distance = None if odometer_km is None else StarDistance(Value=odometer_km)
    return StarVehicleLine(Vehicle=StarVehicle(VehicleID=vehicle_ref), InDistanceMeasure=distance)


def _prices(held_cents: int, invoice: InvoiceIssued | None) -> Iterator[StarPrice]:
    deposit_cents = held_cents + (invoice.deposit_cents if invoice else 0)
    if deposit_cents:
        yield StarPrice(PriceCode="Deposit", ChargeAmount=_amount(deposit_cents))
    if invoice:
        yield StarPrice(PriceCode="Labor", ChargeAmount=_amount(invoice.labor_cents))
        yield StarPrice(PriceCode="Parts", ChargeAmount=_amount(invoice.parts_cents))
        yield StarPrice(PriceCode="Discount", ChargeAmount=_amount(invoice.discount_cents))
        yield StarPrice(PriceCode="Total", ChargeAmount=_amount(invoice.total_cents))


def _split(balance: PayerBalance) -> StarSplit:
    return StarSplit(
        PayerType=_PAYERS[balance.payer],
        ChargeAmount=_amount(balance.amount_cents),
        PaidAmount=_amount(balance.received_cents),
    )


def _claim(claim: Claim) -> StarClaim:
    is_decided = claim.decision is not None and claim.pending_step != "decision"
    has_ended = claim.status in {"settled", "written_off"}
    return StarClaim(
        ClaimNumberString=claim.claim_id,
        ClaimSubmissionCountNumeric=claim.submission_number,
        RequestedAmount=_amount(claim.amount_cents),
        ApprovedAmount=_amount(claim.approved_cents) if is_decided else None,
        PaidAmount=_amount(claim.approved_cents) if has_ended else None,
    )


def _jobs(lines: Iterable[EstimateLine], symptoms: Sequence[str]) -> Iterator[StarJob]:
    """Yield one job for each kind of payer, in the order of its first line."""
    by_payer: dict[PayType, list[EstimateLine]] = {}
    for line in lines:
        by_payer.setdefault(line.pay_type, []).append(line)
    for number, (pay_type, own) in enumerate(by_payer.items(), start=1):
        yield StarJob(
            JobNumberString=str(number),
            JobTypeString=pay_type,
            CodesAndCommentsExpanded=StarComments(ComplaintCode=symptoms),
            ServiceLabor=[
                StarLabor(
                    LaborOperationID=line.code,
                    LaborAllowanceHoursNumeric=line.standard_hours,
                    ChargeAmount=_amount(line.amount_cents),
                )
                for line in own
                if line.kind == "labor"
            ],
            ServiceParts=[
                StarPart(
                    ItemID=line.code,
                    ItemQuantity=line.quantity,
                    ChargeAmount=_amount(line.amount_cents),
                )
                for line in own
                if line.kind == "part"
            ],
        )


def _amount(cents: int) -> StarAmount:
    return StarAmount(Value=f"{cents // 100}.{cents % 100:02}")
