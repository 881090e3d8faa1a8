"""The events that the workshop acts on."""

from collections.abc import Sequence

from services.workshop.application import (
    comebacks,
    erasures,
    holds,
    master_data,
    ordered_work,
    orders,
    promises,
    staffing,
)
from services.workshop.application.deps import Deps
from services.workshop.application.plan_changes import begin_plan_changes
from shared.contracts.base import State
from shared.contracts.crm import CustomerErased
from shared.contracts.management import (
    BayDefined,
    CatalogItemDefined,
    PersonDefined,
    RuleSetDefined,
    StoreDefined,
)
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentRescheduled,
    OrderCancelled,
    OrderCustomerLinked,
    OrderOpened,
    PromisedTimeRevised,
    VehicleArrived,
    VehicleDelivered,
    WorkWithdrawn,
)
from shared.reactions import Reactions

REACTIONS: Reactions[Deps] = Reactions(
    {
        VehicleArrived: orders.record_arrival,
        OrderOpened: ordered_work.open_order,
        OrderCustomerLinked: comebacks.correct_vehicle,
        PromisedTimeRevised: promises.revise_promise,
        OrderCancelled: ordered_work.cancel_order,
        WorkWithdrawn: ordered_work.withdraw_work,
        AdditionalWorkAuthorized: ordered_work.add_authorized_work,
        AdditionalWorkDeclined: ordered_work.record_declined_work,
        VehicleDelivered: orders.record_delivery,
        CustomerErased: erasures.erase_customer,
        AppointmentCancelled: holds.release_for_ended_appointment,
        AppointmentNoShow: holds.release_for_ended_appointment,
        AppointmentRescheduled: holds.release_for_moved_appointment,
    },
    by_batch=[begin_plan_changes],
)

STATE_REACTIONS: Reactions[Deps] = Reactions(
    {StoreDefined: staffing.schedule_first_look}, by_stores=[master_data.request_replans]
)

STATES: Sequence[type[State]] = (
    BayDefined,
    CatalogItemDefined,
    PersonDefined,
    RuleSetDefined,
    StoreDefined,
)
"""Master data that the workshop reads."""
