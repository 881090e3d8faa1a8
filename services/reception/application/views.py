"""Views of an order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from services.reception.domain.account import OnAccount, PayerBalance
from services.reception.domain.delivery import DeliveryBlocker
from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.domain.order import Order
from services.reception.domain.repair_order import Discount, PromiseAlert
from shared.contracts.reception import (
    DeliveryStep,
    DeliveryWaiver,
    OdometerDiscrepancyReason,
    PaymentMethod,
    PayType,
    WalkaroundDamage,
)
from shared.request_model import Version
from shared.security import SEES_MONEY, Principal


class OrderLine(BaseModel):
    """Agreed labor operation or part (估价行); technicians read no amounts."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["labor", "part"]
    code: str
    pay_type: PayType
    quantity: int
    standard_hours: float | None
    amount_cents: int | None
    package_id: str | None
    gross_cents: int | None


class OrderView(BaseModel):
    """Repair order without personal data; its amounts are absent for those who do the work.

    Of ``steps`` and ``waivers`` those in ``steps_to_repeat`` were for other work or another amount
    than ``payable_cents``, which the customer pays now.
    """

    order_id: str
    store_id: str
    status: RepairOrderStatus
    queue_number: int
    plate_ref: str
    appointment_id: str | None
    arrived_at: datetime
    greeting_due_at: datetime
    advisor_id: str | None
    greeted_at: datetime | None
    customer_ref: str | None
    vehicle_ref: str | None
    odometer_km: int | None
    odometer_discrepancy_reason: OdometerDiscrepancyReason | None
    fuel_or_charge_percent: int | None
    walkaround_damages: Sequence[WalkaroundDamage]
    waiting_customer: bool
    symptoms: Sequence[str]
    op_codes: Sequence[str]
    lines: Sequence[OrderLine]
    estimate_cents: int | None
    awaiting_estimates: int
    opened_at: datetime | None
    promised_at: datetime | None
    promise_provisional: bool
    risk: PromiseAlert | None
    ready_at: datetime | None
    steps: Sequence[DeliveryStep]
    waivers: Sequence[DeliveryWaiver]
    steps_to_repeat: Sequence[str]
    signed_at: datetime | None
    delivered_at: datetime | None
    discount: Discount | None
    on_account: OnAccount | None
    deposit_cents: int | None
    money_by_method: Mapping[PaymentMethod, int] | None
    invoice_id: str | None
    is_invoiced: bool | None
    payer_splits: Sequence[PayerBalance] | None
    invoiced_cents: int | None
    received_cents: int | None
    payable_cents: int | None
    balance_cents: int | None
    version: Version


ViewT = TypeVar("ViewT", bound=OrderView)


class OrderDetail(OrderView):
    """Order with the customer's concern and the belongings; absent when they were erased.

    ``delivery_blockers`` are all reasons why the reader may not hand the vehicle over now; absent
    for those who do the work.
    """

    customer_concern: str | None
    belongings: str | None
    delivery_blockers: Sequence[DeliveryBlocker] | None


def order_view(order: Order) -> OrderView:
    """Return the parts of an order as clients see them: as one."""
    work, account = order.repair_order, order.account
    derived = {
        "version": order.version,
        "op_codes": [operation.op_code for operation in work.labor_operations],
        "lines": [OrderLine.model_validate(line) for line in work.lines],
        "steps": list(work.steps.values()),
        "waivers": list(work.waivers.values()),
        "steps_to_repeat": order.steps_to_repeat,
        "is_invoiced": account.is_invoiced,
        "payable_cents": order.payable_cents,
        "balance_cents": account.balance_cents,
    }
    return OrderView(**{**vars(order.visit), **vars(work), **vars(account), **derived})


def as_seen_by(principal: Principal, view: ViewT) -> ViewT:
    """Return the view without the fields that its reader has no need of."""
    if principal.has(*SEES_MONEY):
        return view
    amounts = {"amount_cents": None, "gross_cents": None}
    lines = [line.model_copy(update=amounts) for line in view.lines]
    return view.model_copy(update={**dict.fromkeys(_MONEY), "lines": lines})


_MONEY = (
    *("estimate_cents", "discount", "on_account", "deposit_cents", "money_by_method", "invoice_id"),
    *("is_invoiced", "payer_splits", "invoiced_cents", "received_cents", "payable_cents"),
    "balance_cents",
)
