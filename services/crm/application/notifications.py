"""Automatic notifications of customers (主动告知), and the events that void them."""

from dataclasses import replace

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.rules import store_message_rules
from services.crm.application.sending import send_soon
from services.crm.domain.message import (
    ENDED_BY_ANOTHER_PROMISE,
    ENDED_BY_PAYMENT,
    ENDED_BY_READINESS,
)
from services.crm.domain.message_text import (
    AtRisk,
    OverduePayment,
    PromiseChanged,
    Ready,
    TemplateValues,
    compose,
)
from services.crm.domain.service_visit import ServiceVisit
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentRescheduled,
    PaymentReceived,
    PromisedTimeRevised,
    ReceivableOverdue,
)
from shared.contracts.workshop import PromisedTimeAtRisk, VehicleReady
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork


async def notify_promise_changed(uow: UnitOfWork, event: PromisedTimeRevised, _: Deps) -> None:
    """Notify the customer of the new time, and void messages about earlier ones (R9)."""
    visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
    await _void_promise_messages(uow, event.store_id, event.order_id)
    await _notify(uow, visit, PromiseChanged(promised_at=event.promised_at))


async def notify_promise_at_risk(uow: UnitOfWork, event: PromisedTimeAtRisk, deps: Deps) -> None:
    """Notify the customer of the risk before a decision on it, where the store wants it (R9)."""
    store = await deps.group.store(uow.connection, event.store_id)
    rules = await store_message_rules(uow.connection, store, uow.caused_at, deps)
    if not rules.notify_at_risk:
        return
    visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
    await _void_promise_messages(uow, event.store_id, event.order_id)
    values = AtRisk(promised_at=event.promised_at, likely_at=event.best_promise_at)
    await _notify(uow, visit, values)


async def notify_payment_overdue(uow: UnitOfWork, event: ReceivableOverdue, _: Deps) -> None:
    """Notify the customer that their own share is unpaid past its due day (R9)."""
    if event.payer != "customer":
        return
    visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
    await persistence.void_messages(
        uow.connection, event.store_id, event.order_id, ENDED_BY_PAYMENT, uow.now
    )
    values = OverduePayment(amount_cents=event.balance_cents, due_at=event.due_at)
    await _notify(uow, visit, values)


async def notify_vehicle_ready(uow: UnitOfWork, event: VehicleReady, _: Deps) -> None:
    """Notify the customer that the vehicle can be collected (R9)."""
    visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
    ready = replace(visit, ready_at=event.ready_at)
    await persistence.save_service_visit(uow.connection, ready)
    await persistence.void_messages(
        uow.connection, event.store_id, event.order_id, ENDED_BY_READINESS, event.ready_at
    )
    await _notify(uow, ready, Ready(ready_at=event.ready_at))


async def void_authorization_requests(
    uow: UnitOfWork, event: AdditionalWorkAuthorized, _: Deps
) -> None:
    """Void the messages about authorized additional work and about the promise before it."""
    await persistence.void_messages_about(
        uow.connection, event.store_id, event.additional_work_id, uow.caused_at
    )
    if event.promised_at:
        await _void_promise_messages(uow, event.store_id, event.order_id)


async def void_declined_requests(uow: UnitOfWork, event: AdditionalWorkDeclined, _: Deps) -> None:
    """Void the messages about declined additional work."""
    await persistence.void_messages_about(
        uow.connection, event.store_id, event.additional_work_id, uow.caused_at
    )


async def void_appointment_messages(
    uow: UnitOfWork,
    event: AppointmentCancelled | AppointmentRescheduled | AppointmentNoShow,
    _: Deps,
) -> None:
    """Void the messages about an appointment that is cancelled, moved or missed."""
    await persistence.void_messages_about(
        uow.connection, event.store_id, event.appointment_id, uow.caused_at
    )


async def void_payment_reminders(uow: UnitOfWork, event: PaymentReceived, _: Deps) -> None:
    """Void the reminders of an invoice that is paid in full."""
    if event.payer == "customer" and event.balance_cents == 0:
        await persistence.void_messages(
            uow.connection, event.store_id, event.order_id, ENDED_BY_PAYMENT, uow.caused_at
        )


async def _notify(uow: UnitOfWork, visit: ServiceVisit, values: TemplateValues) -> None:
    message = compose(
        values,
        visit,
        message_id=str(new_id()),
        store_id=visit.store_id,
        customer_ref=visit.customer_ref,
        order_id=visit.order_id,
        now=uow.now,
    )
    await send_soon(uow, message)


async def _void_promise_messages(uow: UnitOfWork, store_id: str, order_id: str) -> None:
    await persistence.void_messages(
        uow.connection, store_id, order_id, ENDED_BY_ANOTHER_PROMISE, uow.now
    )
