"""Reactions of customer relations to events."""

from collections.abc import Sequence

from services.crm.application import loyalty, notifications, visits
from services.crm.application.deps import Deps
from shared.contracts.base import State
from shared.contracts.management import PersonDefined, RuleSetDefined, StoreDefined
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
        PromisedTimeAtRisk: notifications.notify_promise_at_risk,
        VehicleReady: notifications.notify_vehicle_ready,
    },
    by_batch=[loyalty.add_spend],
    batch_only=[InvoiceIssued, CreditNoteIssued],
)

STATES: Sequence[type[State]] = (PersonDefined, RuleSetDefined, StoreDefined)
"""Master data that customer relations reads."""
