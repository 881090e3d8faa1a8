"""Events of reception (前台接待): appointments and repair orders."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.base import (
    BusinessDate,
    Cents,
    Code,
    Event,
    EventPart,
    Hours,
    Identifier,
    Timestamp,
)

# The values of lists that stand in events are frozen in v1: a reader of today cannot read an event
# with another value and makes it a dead letter, and after the first tag ``python -m deploy.docs``
# refuses a changed list. To add a value is to make a new major version of each event that carries
# it (``docs/tour.md``, "Places to change"). A list that is to grow is a ``Code`` in the event, and
# its publisher keeps the values, as with the reasons of ``PromisedTimeRevised``.

VoucherSource = Literal["campaign", "loyalty", "other"]
"""What a voucher comes from (发券来源): 营销活动、忠诚度礼遇、其他."""

VoucherKind = Literal["voucher", "service_card", "gift"]
PayType = Literal["customer", "warranty", "goodwill", "internal"]
ReportedChannel = Literal["in_person", "phone"]
"""Channel over which a colleague learned of a decision (当面、电话)."""

Channel = Literal["in_person", "link", "phone"]
Payer = Literal["customer", "manufacturer", "internal"]
PaymentMethod = Literal["cash", "card", "wechat", "alipay", "transfer"]
DiscountReason = Literal["loyalty", "complaint", "campaign", "price_match", "other"]
RefundReason = Literal["paid_too_much", "work_cancelled", "complaint", "other"]
CreditNoteReason = Literal["wrong_price", "work_not_done", "complaint", "other"]
OnAccountReason = Literal["fleet_customer", "insurer_pays", "goodwill", "other"]
OdometerDiscrepancyReason = Literal["cluster_replaced", "cluster_repaired", "reading_corrected"]
WalkaroundPosition = Literal[
    "front", "rear", "left", "right", "roof", "windshield", "wheels", "interior", "trunk"
]
WalkaroundDamageKind = Literal["scratch", "dent", "crack", "chip", "stain", "missing", "other"]
ClaimDecision = Literal["accepted", "partly_accepted", "not_covered", "evidence_doubtful", "other"]
ClaimStep = Literal["submission", "decision"]
WithdrawalReason = Literal[
    "vehicle_needed", "takes_too_long", "too_expensive", "done_elsewhere", "other"
]
CancellationReason = Literal[
    "customer_request",
    "waited_too_long",
    "too_expensive",
    "parts_unavailable",
    "entered_twice",
    "other",
]
WaiverReason = Literal["customer_declines", "customer_absent", "not_applicable", "other"]
Rating = Annotated[int, Field(ge=1, le=5, description="1 bad, 5 very good")]


class _AppointmentEvent(Event):
    topic = "aftersales.reception.appointment.v1"
    key_field = "appointment_id"
    publisher = "reception"
    requirements: ClassVar[tuple[str, ...]] = ("R1",)

    appointment_id: Identifier


class RequestedPart(EventPart):
    """So many of one part that the visit will need (配件需求)."""

    part_number: Identifier
    quantity: int = Field(ge=1)


class AppointmentBooked(_AppointmentEvent):
    """A customer has a place (预约登记); without ``hold_id`` it is provisional."""

    appointment_at: Timestamp
    op_codes: tuple[Identifier, ...]
    hold_id: Identifier | None = None
    customer_ref: Identifier | None = None
    parts: tuple[RequestedPart, ...] = ()
    promised_at: Timestamp | None = None


class AppointmentRescheduled(_AppointmentEvent):
    """The customer comes at another time (预约改期).

    ``hold_id`` reserves it; ``replaced_hold_id`` is not needed any more.
    """

    appointment_at: Timestamp
    hold_id: Identifier | None
    replaced_hold_id: Identifier | None
    promised_at: Timestamp | None


class AppointmentConfirmed(_AppointmentEvent):
    """What was booked while the workshop was unavailable now has its place there (预约确认)."""

    hold_id: Identifier
    promised_at: Timestamp


class AppointmentRescheduleRequired(_AppointmentEvent):
    """What was booked while the workshop was unavailable has no place there (无产能): it must be
    moved."""

    appointment_at: Timestamp
    reason: Code


class AppointmentNoShow(_AppointmentEvent):
    """The customer did not come within the store's grace (爽约,
    no-show); the place is given back."""

    appointment_at: Timestamp
    hold_id: Identifier | None


class AppointmentCancelled(_AppointmentEvent):
    """The customer or the store gave the place up (预约取消)."""

    reason: CancellationReason
    hold_id: Identifier | None = None


class _OrderEvent(Event):
    topic = "aftersales.reception.order.v1"
    key_field = "order_id"
    publisher = "reception"

    order_id: Identifier


class VehicleArrived(_OrderEvent):
    """A vehicle stands at reception (进厂)."""

    requirements: ClassVar[tuple[str, ...]] = ("R2",)

    queue_number: int = Field(ge=1)
    vehicle_ref: Identifier
    appointment_id: Identifier | None = None
    arrived_at: Timestamp
    greeting_due_at: Timestamp


class PlateCorrected(_OrderEvent):
    """The plate was taken down wrongly at the arrival (更正车牌); the vehicle is this one."""

    requirements: ClassVar[tuple[str, ...]] = ("R2",)

    vehicle_ref: Identifier


class CustomerGreeted(_OrderEvent):
    """An advisor receives the customer (接待)."""

    requirements: ClassVar[tuple[str, ...]] = ("R2",)

    advisor_id: Identifier
    greeted_at: Timestamp


class AdvisorAssigned(_OrderEvent):
    """An advisor is to receive the customer (指派顾问), by decision of ``assigned_by``."""

    requirements: ClassVar[tuple[str, ...]] = ("R2",)

    advisor_id: Identifier
    assigned_by: Identifier
    assigned_at: Timestamp


GrantedKind = Literal["lounge", "gift", "voucher"]
"""What a loyal customer is given at reception (特别待遇): 贵宾休息室、礼品、代金券."""


class EntitlementGranted(_OrderEvent):
    """The customer was given what their loyalty tier entitles them to (特别待遇)."""

    requirements: ClassVar[tuple[str, ...]] = ("R25",)

    customer_ref: Identifier
    tier: Code
    entitlement: GrantedKind
    voucher_id: Identifier | None
    granted_by: Identifier
    granted_at: Timestamp


class GreetingOverdue(_OrderEvent):
    """The customer has waited longer than the store allows (接待超时)."""

    requirements: ClassVar[tuple[str, ...]] = ("R2",)

    queue_number: int
    due_at: Timestamp


class EstimateLine(EventPart):
    """One labor operation or part of an estimate or invoice (估价行).

    ``package_id`` names the service package (服务套餐) whose price the line has its share of. A
    line of an invoice has ``gross_cents``, its amount before discount and vouchers were taken off
    it.
    """

    kind: Literal["labor", "part"]
    code: Identifier
    pay_type: PayType = "customer"
    quantity: int = Field(ge=1)
    standard_hours: float | None = Field(default=None, ge=0)
    amount_cents: Cents
    package_id: Identifier | None = None
    gross_cents: Cents | None = None


class LaborOperation(EventPart):
    """A labor operation (维修项目) that the workshop is to plan."""

    op_code: Identifier
    standard_hours: Hours


class WalkaroundDamage(EventPart):
    """What was seen on the vehicle before it was taken in (环车检查), by position."""

    position: WalkaroundPosition
    damage: WalkaroundDamageKind


class OrderOpened(_OrderEvent):
    """The repair order (工单) with its promise and the estimate that the customer agreed to.

    ``odometer_discrepancy_reason`` is why a reading may be lower than an earlier one;
    ``fuel_or_charge_percent`` is the level of the tank or the battery; ``rush`` goes first (加急).
    """

    requirements: ClassVar[tuple[str, ...]] = ("R3", "R4", "R5")

    advisor_id: Identifier
    customer_ref: Identifier | None
    vehicle_ref: Identifier
    odometer_km: int = Field(ge=0)
    odometer_discrepancy_reason: OdometerDiscrepancyReason | None = None
    fuel_or_charge_percent: int | None = Field(default=None, ge=0, le=100)
    walkaround_damages: tuple[WalkaroundDamage, ...] = ()
    symptoms: tuple[Identifier, ...]
    labor_operations: tuple[LaborOperation, ...]
    lines: tuple[EstimateLine, ...]
    estimate_cents: Cents
    estimate_version: int | None = Field(default=None, ge=1)
    authorization_channel: Channel | None = None
    promised_at: Timestamp
    promise_confidence: float = Field(gt=0, lt=1)
    promise_provisional: bool = False
    hold_id: Identifier | None
    appointment_id: Identifier | None = None
    waiting_customer: bool = False
    rush: bool = False
    opened_at: Timestamp


class EstimatePresented(_OrderEvent):
    """A version of the estimate waits for the customer's decision (估价待授权).

    ``additional_work_id`` is absent where the version is on the ordered work.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R4", "R9")

    estimate_version: int = Field(ge=1)
    additional_work_id: Identifier | None
    lines: tuple[EstimateLine, ...]
    total_cents: Cents
    presented_by: Identifier
    presented_at: Timestamp


class EstimateAuthorized(_OrderEvent):
    """The customer agrees to the ordered work at these prices (估价授权): how and when.

    ``recorded_by`` is absent where the customer answered over a link.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R4",)

    estimate_version: int = Field(ge=1)
    lines: tuple[EstimateLine, ...]
    total_cents: Cents
    channel: Channel
    recorded_by: Identifier | None
    authorized_at: Timestamp


class EstimateDeclined(_OrderEvent):
    """The customer does not agree to a version (估价拒绝); what was agreed before stands."""

    requirements: ClassVar[tuple[str, ...]] = ("R4",)

    estimate_version: int = Field(ge=1)
    channel: Channel
    recorded_by: Identifier | None
    declined_at: Timestamp


class OrderCustomerLinked(_OrderEvent):
    """Details that were taken while customer relations was unavailable now have a customer.

    ``vehicle_ref`` is the vehicle by its VIN, where the plate had told another one.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R19",)

    customer_ref: Identifier
    vehicle_ref: Identifier | None = None


class PromisedTimeRevised(_OrderEvent):
    """The customer has been told another completion time (承诺变更).

    ``decided_by`` is absent where a provisional promise was settled without anybody's decision.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R9", "R11")

    promised_at: Timestamp
    reason: Code
    confidence: float | None = Field(default=None, gt=0, lt=1)
    decided_by: Identifier | None = None


class AdditionalWorkAuthorized(_OrderEvent):
    """The customer wants additional work (增项授权): who agreed, how and when.

    A technician found it, or an advisor added it. ``hold_id`` reserves its time in the workshop,
    ``promised_at`` is the order's new promise.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R4", "R12")

    additional_work_id: Identifier
    labor_operations: tuple[LaborOperation, ...]
    lines: tuple[EstimateLine, ...]
    total_cents: Cents
    estimate_version: int = Field(ge=1)
    channel: Channel
    recorded_by: Identifier | None
    promised_at: Timestamp | None
    hold_id: Identifier | None
    authorized_at: Timestamp


class AdditionalWorkDeclined(_OrderEvent):
    """The customer does not want additional work (增项拒绝); it is offered again later.

    A technician found it, an advisor added it, or it is the declined rest of an estimate of which
    the customer wants a part, the first one included.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R4",)

    additional_work_id: Identifier
    op_codes: tuple[Identifier, ...]
    channel: Channel
    recorded_by: Identifier | None
    declined_at: Timestamp


class WorkWithdrawn(_OrderEvent):
    """The customer does not want ordered work any more (撤项), or has it stopped (中止施工).

    ``withdrawn_op_codes`` will not be done or not be finished. ``labor_operations`` and ``lines``
    are what remains agreed, ``estimate_cents`` the sum of these lines; a stopped operation has a
    line for what was done of it. ``replaced_versions`` of the estimate hold no longer.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R4", "R12")

    withdrawn_op_codes: tuple[Identifier, ...]
    labor_operations: tuple[LaborOperation, ...]
    lines: tuple[EstimateLine, ...]
    estimate_cents: Cents
    replaced_versions: tuple[int, ...]
    reason: WithdrawalReason
    channel: Channel
    recorded_by: Identifier | None
    withdrawn_at: Timestamp


class OrderCancelled(_OrderEvent):
    """The order ends without work (工单取消); ``hold_id`` is what was reserved for it."""

    requirements: ClassVar[tuple[str, ...]] = ("R5",)

    reason: CancellationReason
    hold_id: Identifier | None = None


class DeliveryStep(EventPart):
    """One step of the delivery checklist (交车步骤): done, by whom and when."""

    step: Identifier
    done_by: Identifier
    done_at: Timestamp


class DeliveryWaiver(EventPart):
    """A step of the checklist that was left out (免做), asked for and approved by two people."""

    step: Identifier
    reason: WaiverReason
    requested_by: Identifier
    requested_at: Timestamp
    approved_by: Identifier | None = None
    approved_at: Timestamp | None = None


class VehicleDelivered(_OrderEvent):
    """The customer has the vehicle back (交车), with every step recorded or waived.

    ``on_account_approved_by`` let it go unpaid.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R7",)

    advisor_id: Identifier
    customer_ref: Identifier | None
    delivered_at: Timestamp
    steps: tuple[DeliveryStep, ...]
    waivers: tuple[DeliveryWaiver, ...] = ()
    on_account_approved_by: Identifier | None = None
    signed: bool = False


class DiscountApproved(_OrderEvent):
    """Something is taken off what the customer pays (优惠); above the limit of the one who asks,
    somebody else has approved it."""

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    amount_cents: Cents
    reason: DiscountReason
    requested_by: Identifier
    approved_by: Identifier


class PayerSplit(EventPart):
    """What one payer has to pay of an invoice (付款方): customer, manufacturer for warranty work,
    or the store itself for internal and goodwill work."""

    payer: Payer
    amount_cents: Cents
    due_at: Timestamp


class BilledVoucher(EventPart):
    """What a voucher or service card takes off an invoice (核销)."""

    voucher_id: Identifier
    kind: VoucherKind
    op_code: Identifier | None
    amount_cents: Cents


class InvoiceIssued(_OrderEvent):
    """The invoice (结算单). ``total_cents`` is the sum of the lines' amounts, tax included, and of
    the payer splits.

    It reads as sums: the lines' ``gross_cents`` sum to that of the invoice, which less
    ``discount_cents`` and ``voucher_cents``, the sum of ``vouchers``, is the total.
    ``deposit_cents`` is set against the customer's share. ``tax_rate_bp`` is the rate of the
    contained tax in basis points.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    invoice_id: Identifier
    lines: tuple[EstimateLine, ...]
    labor_cents: Cents
    parts_cents: Cents
    tax_cents: Cents
    total_cents: Cents
    payer_splits: tuple[PayerSplit, ...] = ()
    gross_cents: Cents = 0
    discount_cents: Cents = 0
    vouchers: tuple[BilledVoucher, ...] = ()
    voucher_cents: Cents = 0
    deposit_cents: Cents = 0
    tax_rate_bp: int = Field(default=0, ge=0, lt=10_000)
    due_at: Timestamp
    issued_at: Timestamp


class OnAccountReleaseApproved(_OrderEvent):
    """The vehicle may go before it is paid (挂账批准)."""

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    invoice_id: Identifier
    balance_cents: Cents
    reason: OnAccountReason
    approved_by: Identifier
    approved_at: Timestamp


class DepositReceived(_OrderEvent):
    """Money before the invoice (定金); ``held_cents`` is all that is held of the order."""

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    payment_id: Identifier
    method: PaymentMethod
    amount_cents: Cents
    held_cents: Cents
    received_at: Timestamp


class DepositCarriedOver(_OrderEvent):
    """Money held went to another order of the same customer (暂存款转出); ``held_cents`` are
    left.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    to_order_id: Identifier
    amount_cents: Cents
    held_cents: Cents
    carried_over_by: Identifier
    carried_over_at: Timestamp


class DepositTakenOver(_OrderEvent):
    """Money held came from another order of the same customer (暂存款转入); ``held_cents`` is all
    that is held now."""

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    from_order_id: Identifier
    amount_cents: Cents
    held_cents: Cents
    taken_over_at: Timestamp


class RefundIssued(_OrderEvent):
    """Money back to the customer (退款), ``deposit_cents`` of it from a deposit.

    ``balance_cents`` is what the customer has to pay again.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    refund_id: Identifier
    invoice_id: Identifier | None
    method: PaymentMethod
    amount_cents: Cents
    deposit_cents: Cents
    balance_cents: Cents
    reason: RefundReason
    paid_by: Identifier
    paid_at: Timestamp


class CreditNoteIssued(_OrderEvent):
    """An invoice is corrected (红冲): so much of the customer's share is taken back, or the whole
    invoice, of all payers; then it may be issued again.

    ``lines`` are those of the invoice with what is credited of each, tax included;
    ``balance_cents`` is what the customer still has to pay; ``voucher_cents`` is what the vouchers
    were worth on the invoice that are given back with it.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    credit_note_id: Identifier
    invoice_id: Identifier
    lines: tuple[EstimateLine, ...]
    tax_cents: Cents
    total_cents: Cents
    balance_cents: Cents
    reason: CreditNoteReason
    voucher_cents: Cents = 0
    issued_by: Identifier
    issued_at: Timestamp


class ReceivableOverdue(_OrderEvent):
    """A payer has not paid so many days after the share was due (应收逾期); to be reminded of."""

    requirements: ClassVar[tuple[str, ...]] = ("R8", "R9")

    invoice_id: Identifier
    payer: Payer
    balance_cents: Cents
    due_at: Timestamp
    days_overdue: int = Field(ge=0)
    advisor_id: Identifier


class TaxInvoiceIssued(_OrderEvent):
    """The tax invoice (电子发票) for the customer's share is issued under a number.

    ``tax_cents`` is its tax as issued, ``computed_tax_cents`` what the invoice says.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    invoice_id: Identifier
    tax_invoice_number: Identifier
    amount_cents: Cents
    tax_cents: Cents | None = None
    computed_tax_cents: Cents | None = None
    issued_at: Timestamp


class RedLetterInvoiceIssued(_OrderEvent):
    """The tax invoice is corrected for a credit note (红字发票), under a number of its own.

    ``amount_cents`` is what is taken back of the tax invoice ``original_tax_invoice_number``, tax
    included; ``tax_cents`` is the tax of it as issued, ``computed_tax_cents`` what the credit note
    says.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    credit_note_id: Identifier
    tax_invoice_number: Identifier
    original_tax_invoice_number: Identifier
    amount_cents: Cents
    tax_cents: Cents | None = None
    computed_tax_cents: Cents | None = None
    issued_at: Timestamp


class PaymentReceived(_OrderEvent):
    """Money from a payer (收款); ``balance_cents`` is what is left of the payer's split."""

    requirements: ClassVar[tuple[str, ...]] = ("R8",)

    payment_id: Identifier
    invoice_id: Identifier
    payer: Payer = "customer"
    method: PaymentMethod
    amount_cents: Cents
    balance_cents: Cents
    received_at: Timestamp


class WarrantyClaimDrafted(_OrderEvent):
    """The invoice's warranty lines are to be claimed from the manufacturer (索赔建单) in time."""

    requirements: ClassVar[tuple[str, ...]] = ("R6",)

    claim_id: Identifier
    lines: tuple[EstimateLine, ...]
    amount_cents: Cents
    due_at: Timestamp


class WarrantyClaimSubmitted(_OrderEvent):
    """The claim is with the manufacturer (索赔提交), as its ``submission_number``-th submission."""

    requirements: ClassVar[tuple[str, ...]] = ("R6",)

    claim_id: Identifier
    amount_cents: Cents
    submission_number: int = Field(ge=1)
    submitted_by: Identifier
    submitted_at: Timestamp
    decision_due_at: Timestamp


class WarrantyClaimDecided(_OrderEvent):
    """The manufacturer will pay so much (索赔回复); nothing where it rejects the claim."""

    requirements: ClassVar[tuple[str, ...]] = ("R6",)

    claim_id: Identifier
    approved_cents: Cents
    code: ClaimDecision
    submission_number: int = Field(ge=1)
    decided_at: Timestamp


class WarrantyClaimOverdue(_OrderEvent):
    """A claim waits too long, or will soon (索赔逾期); ``owner_role`` is to see to it.

    ``days_overdue`` is negative before ``due_at``.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R6",)

    claim_id: Identifier
    pending_step: ClaimStep
    due_at: Timestamp
    days_overdue: int
    owner_role: Literal["service_advisor", "service_manager", "group_manager"]


class WarrantyClaimSettled(_OrderEvent):
    """The claim has ended (索赔结算): paid by the manufacturer, the rest borne by the store."""

    requirements: ClassVar[tuple[str, ...]] = ("R6", "R8")

    claim_id: Identifier
    paid_cents: Cents
    written_off_cents: Cents
    settled_by: Identifier
    settled_at: Timestamp


class WarrantyClaimWithdrawn(_OrderEvent):
    """A claim is dropped, because its invoice is credited whole (撤回索赔)."""

    requirements: ClassVar[tuple[str, ...]] = ("R6",)

    claim_id: Identifier
    withdrawn_by: Identifier
    withdrawn_at: Timestamp


class _VoucherEvent(Event):
    topic = "aftersales.reception.voucher.v1"
    key_field = "voucher_id"
    publisher = "reception"
    requirements: ClassVar[tuple[str, ...]] = ("R28",)

    voucher_id: Identifier


class VoucherIssued(_VoucherEvent):
    """A voucher (代金券) worth an amount, a service card (维修卡) for one operation's labor, or a
    gift (精品) that is handed over at the invoice.

    ``value_cents`` of a gift is what it costs the store. It is for one customer or one vehicle,
    where these are named.
    """

    kind: VoucherKind
    value_cents: Cents
    op_code: Identifier | None
    item_code: Code | None = None
    customer_ref: Identifier | None
    vehicle_ref: Identifier | None = None
    source: VoucherSource = "other"
    campaign_id: Identifier | None = None
    expires_at: Timestamp
    issued_by: Identifier
    issued_at: Timestamp


class VoucherRedeemed(_VoucherEvent):
    """So much was taken off an invoice (核销); of a gift nothing is.

    ``redemption_cost_cents`` is what that costs the store: that amount, or the gift's value.
    """

    order_id: Identifier
    amount_cents: Cents
    redemption_cost_cents: Cents = 0
    redeemed_at: Timestamp


class VoucherReinstated(_VoucherEvent):
    """What was redeemed with an invoice is given back with its credit note (退券) and may be
    redeemed again; the time that it was spent is added to its validity.
    """

    order_id: Identifier
    credit_note_id: Identifier
    amount_cents: Cents
    redemption_cost_cents: Cents = 0
    expires_at: Timestamp
    reinstated_at: Timestamp


class FeedbackSubmitted(_OrderEvent):
    """What the customer thought at the counter (现场评价), in ratings; the comment stays in
    reception."""

    requirements: ClassVar[tuple[str, ...]] = ("R10",)

    work_quality: Rating
    technical_skill: Rating
    service_attitude: Rating
    advisor_id: Identifier | None
    customer_ref: Identifier | None
    recorded_by: Identifier
    submitted_at: Timestamp


class _StoreEvent(Event):
    topic = "aftersales.reception.store.v1"
    key_field = "store_id"
    publisher = "reception"
    requirements: ClassVar[tuple[str, ...]] = ("R43",)


class FacilityCheckCompleted(_StoreEvent):
    """Customer lounge or service drive were looked at (日常检查): the items of its list, and those
    that failed."""

    check_id: Identifier
    area: Identifier
    day: BusinessDate
    items: tuple[Identifier, ...]
    failed: tuple[Identifier, ...]
    photo_id: Identifier | None
    checked_by: Identifier
    checked_at: Timestamp


class FacilityCheckOverdue(_StoreEvent):
    """Nobody has looked at an area by the store's hour (漏检)."""

    area: Identifier
    day: BusinessDate
    due_at: Timestamp
