"""What customer relations does about events."""

from services.crm.application import loyalty, notifications, visits
from services.crm.application.deps import Deps
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    CreditNoteIssued,
    InvoiceIssued,
    OrderCancelled,
    OrderCustomerLinked,
    OrderOpened,
    PaymentReceived,
    PromiseRevised,
    ReceivableOverdue,
    VehicleDelivered,
)
from shared.contracts.workshop import PromiseAtRisk, VehicleReady
from shared.reactions import Reactions

REACTIONS: Reactions[Deps] = Reactions(
    {
        AppointmentCancelled: notifications.void_appointment,
        AppointmentMissed: notifications.void_appointment,
        AppointmentMoved: notifications.void_appointment,
        OrderOpened: visits.open_visit,
        OrderCustomerLinked: visits.link_customer,
        OrderCancelled: visits.cancel_visit,
        PromiseRevised: notifications.notify_promise_changed,
        AdditionalWorkAuthorized: notifications.void_authorized_work,
        AdditionalWorkDeclined: notifications.void_declined_work,
        VehicleDelivered: visits.complete_visit,
        PaymentReceived: notifications.void_overdue_payment,
        ReceivableOverdue: notifications.notify_payment_overdue,
        PromiseAtRisk: notifications.notify_promise_at_risk,
        VehicleReady: notifications.notify_vehicle_ready,
    },
    by_batch=[loyalty.add_spend],
    batch_only=[InvoiceIssued, CreditNoteIssued],
)
