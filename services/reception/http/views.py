"""What is told about an order."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel

from services.reception.domain.lifecycle import Stage
from services.reception.domain.order import Credit, Discount, Order, Risk, Share
from shared.body import Version
from shared.contracts.reception import (
    DeliveryStep,
    DeliveryWaiver,
    EstimateLine,
    OdometerReplacement,
    PaymentMethod,
    WalkRoundFinding,
)


class OrderView(BaseModel):
    """A repair order without personal data.

    Of ``steps`` and ``waivers`` those in ``steps_to_repeat`` were for other work or another amount
    than ``payable_cents``, which the customer pays now.
    """

    order_id: str
    store_id: str
    stage: Stage
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
    odometer_replacement: OdometerReplacement | None
    energy_percent: int | None
    findings: Sequence[WalkRoundFinding]
    waiting_customer: bool
    symptoms: Sequence[str]
    operations: Sequence[str]
    lines: Sequence[EstimateLine]
    estimate_cents: int
    awaiting_estimates: int
    opened_at: datetime | None
    promised_at: datetime | None
    promise_provisional: bool
    risk: Risk | None
    ready_at: datetime | None
    steps: Sequence[DeliveryStep]
    waivers: Sequence[DeliveryWaiver]
    steps_to_repeat: Sequence[str]
    signed_at: datetime | None
    delivered_at: datetime | None
    discount: Discount | None
    credit: Credit | None
    deposit_cents: int
    money_by_method: Mapping[PaymentMethod, int]
    invoice_id: str | None
    is_billed: bool
    shares: Sequence[Share]
    invoiced_cents: int
    received_cents: int
    payable_cents: int
    balance_cents: int
    version: Version


class OrderWithWords(OrderView):
    """The same with the customer's own words and what was left in the vehicle; absent when they
    were erased."""

    words: str | None
    belongings: str | None


def order_view(order: Order) -> OrderView:
    return OrderView(
        **{name: getattr(order, name) for name in _VIEW_FIELDS},
        operations=[operation.operation_id for operation in order.operations],
        steps=list(order.steps.values()),
        waivers=list(order.waivers.values()),
    )


_LISTED = ("operations", "steps", "waivers")
_VIEW_FIELDS = [name for name in OrderView.model_fields if name not in _LISTED]
