"""Reactions of customer relations to events."""

from collections.abc import Sequence

from services.crm.application import (
    assignments,
    campaign_answers,
    campaign_prices,
    campaign_vouchers,
    customer_reviews,
    erasures,
    follow_ups,
    loyalty,
    nightly,
    notifications,
    service_reminders,
    surveys,
    visits,
)
from services.crm.application.deps import Deps
from shared.contracts.base import State
from shared.contracts.crm import CustomerErased
from shared.contracts.management import (
    CatalogItemDefined,
    PersonDefined,
    RuleSetDefined,
    StoreDefined,
)
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentRescheduled,
    CreditNoteIssued,
    InvoiceIssued,
    OrderCancelled,
    OrderCustomerLinked,
    OrderOpened,
    PaymentReceived,
    PromisedTimeRevised,
    ReceivableOverdue,
    VehicleDelivered,
    VoucherIssued,
    VoucherRedeemed,
    VoucherReinstated,
    WorkWithdrawn,
)
from shared.contracts.workshop import (
    JobFinished,
    PromisedTimeAtRisk,
    QualityInspectionPassed,
    VehicleReady,
)
from shared.reactions import Reactions

REACTIONS: Reactions[Deps] = Reactions(
    {
        InvoiceIssued: customer_reviews.review_payer,
        CreditNoteIssued: customer_reviews.review_payer,
        AppointmentBooked: campaign_answers.note_appointment,
        AppointmentCancelled: notifications.void_appointment_messages,
        AppointmentNoShow: notifications.void_appointment_messages,
        AppointmentRescheduled: notifications.void_appointment_messages,
        OrderOpened: visits.open_visit,
        OrderCustomerLinked: visits.link_customer,
        OrderCancelled: visits.cancel_visit,
        PromisedTimeRevised: notifications.notify_promise_changed,
        AdditionalWorkAuthorized: notifications.void_authorization_requests,
        AdditionalWorkDeclined: notifications.void_declined_requests,
        VehicleDelivered: visits.complete_visit,
        PaymentReceived: notifications.void_payment_reminders,
        ReceivableOverdue: notifications.notify_payment_overdue,
        VoucherIssued: campaign_vouchers.note_voucher,
        VoucherRedeemed: campaign_vouchers.count_redemption,
        VoucherReinstated: campaign_vouchers.take_redemption_back,
        JobFinished: surveys.note_technicians,
        QualityInspectionPassed: surveys.note_inspector,
        PromisedTimeAtRisk: notifications.notify_promise_at_risk,
        VehicleReady: notifications.notify_vehicle_ready,
        CustomerErased: erasures.repeat_erasure,
    },
    by_batch=[
        loyalty.add_spend,
        service_reminders.record_service_history,
        campaign_prices.record_prices,
    ],
    batch_only=[WorkWithdrawn],
)

STATE_REACTIONS: Reactions[Deps] = Reactions(
    {StoreDefined: nightly.schedule_nights},
    by_stores=[
        follow_ups.assign_waiting_follow_ups,
        assignments.look_at_changed_staff,
        customer_reviews.review_after_rules,
    ],
)

STATES: Sequence[type[State]] = (
    CatalogItemDefined,
    PersonDefined,
    RuleSetDefined,
    StoreDefined,
)
"""Master data that customer relations reads."""
