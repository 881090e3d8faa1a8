"""Reactions of customer relations to events."""

from services.crm.application import loyalty, notifications, visits
from services.crm.application.deps import Deps
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
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
)
from shared.contracts.workshop import PromisedTimeAtRisk, VehicleReady
from shared.reactions import Reactions

REACTIONS: Reactions[Deps] = Reactions(
    {
        AppointmentCancelled: notifications.void_appointment,
        AppointmentNoShow: notifications.void_appointment,
        AppointmentRescheduled: notifications.void_appointment,
        OrderOpened: visits.open_visit,
        OrderCustomerLinked: visits.link_customer,
        OrderCancelled: visits.cancel_visit,
        PromisedTimeRevised: notifications.notify_promise_changed,
        AdditionalWorkAuthorized: notifications.void_authorized_work,
        AdditionalWorkDeclined: notifications.void_declined_work,
        VehicleDelivered: visits.complete_visit,
        PaymentReceived: notifications.void_overdue_payment,
        ReceivableOverdue: notifications.notify_payment_overdue,
        PromisedTimeAtRisk: notifications.notify_promise_at_risk,
        VehicleReady: notifications.notify_vehicle_ready,
    },
    by_batch=[loyalty.add_spend],
    batch_only=[InvoiceIssued, CreditNoteIssued],
)
