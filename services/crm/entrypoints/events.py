"""Events that customer relations acts on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.crm import persistence
from services.crm.application.sending import SEND_MESSAGE, Sending, compose, schedule, send_soon
from services.crm.clients.config import CrmConfig
from services.crm.domain import follow_up as follow_ups
from services.crm.domain.loyalty import spend_by_order
from services.crm.domain.message import (
    ENDED_BY_ANOTHER_PROMISE,
    ENDED_BY_DEPARTURE,
    ENDED_BY_PAYMENT,
    ENDED_BY_READINESS,
    ServiceVisit,
)
from services.crm.domain.message_text import (
    AtRisk,
    OverduePayment,
    PromiseChanged,
    Ready,
    TemplateValues,
)
from shared.contracts import Event
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
from shared.envelope import Causation, ReceivedEvent
from shared.ids import new_id
from shared.timers import TimerHandler
from shared.unit_of_work import UnitOfWork

SUBSCRIPTIONS: tuple[type[Event], ...] = (
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    OrderOpened,
    OrderCustomerLinked,
    OrderCancelled,
    PromiseRevised,
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    VehicleDelivered,
    InvoiceIssued,
    CreditNoteIssued,
    PaymentReceived,
    ReceivableOverdue,
    PromiseAtRisk,
    VehicleReady,
)


def timer_handlers(sending: Sending) -> Mapping[str, TimerHandler]:
    """What customer relations does when its timers fire."""
    return {SEND_MESSAGE: sending.timer_handler}


@dataclass(frozen=True)
class Handlers:
    """What happens in customer relations after events of reception and the workshop."""

    config: CrmConfig

    async def handle(self, uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        """Add up what customers pay (R25), then apply each event in order."""
        if spend := spend_by_order(received.event for received in batch):
            await persistence.add_spend(uow.connection, spend)
        for received in batch:
            await self._apply(uow, received)

    async def _apply(self, uow: UnitOfWork, received: ReceivedEvent) -> None:
        causation = received.envelope.causation
        match received.event:
            case OrderOpened() as event:
                await self._on_opened(uow, event, causation)
            case OrderCustomerLinked() as event:
                await self._on_linked(uow, event, causation)
            case PromiseRevised() as event:
                await self._on_promise_revised(uow, event, causation)
            case PromiseAtRisk() as event:
                await self._on_promise_at_risk(uow, event, causation)
            case ReceivableOverdue(payer="customer") as event:
                await self._on_receivable_overdue(uow, event, causation)
            case VehicleReady() as event:
                await self._on_ready(uow, event, causation)
            case VehicleDelivered() as event:
                await self._on_delivered(uow, event, causation)
            case _:
                await self._void_messages(uow, received)

    async def _void_messages(self, uow: UnitOfWork, received: ReceivedEvent) -> None:
        """Void the messages whose reason has ended."""
        moment = received.envelope.time
        match received.event:
            case OrderCancelled() as event:
                visit = await persistence.lock_service_visit(
                    uow.connection, event.store_id, event.order_id
                )
                await _end(uow, visit, moment)
            case AdditionalWorkAuthorized() | AdditionalWorkDeclined() as event:
                await persistence.end_messages_about(
                    uow.connection, event.store_id, event.additional_work_id, moment
                )
                if isinstance(event, AdditionalWorkAuthorized) and event.promised_at:
                    await _end_promises(uow, event.store_id, event.order_id)
            case AppointmentCancelled() | AppointmentMoved() | AppointmentMissed() as event:
                await persistence.end_messages_about(
                    uow.connection, event.store_id, event.appointment_id, moment
                )
            case PaymentReceived(payer="customer", balance_cents=0) as event:
                await persistence.end_messages(
                    uow.connection, event.store_id, event.order_id, ENDED_BY_PAYMENT, moment
                )

    async def _on_opened(self, uow: UnitOfWork, event: OrderOpened, causation: Causation) -> None:
        visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
        visit = replace(visit, waiting=event.waiting_customer)
        if event.customer_ref is None:
            await persistence.save_service_visit(uow.connection, visit)
        else:
            await self._link(uow, visit, event.customer_ref, causation)

    async def _on_linked(
        self, uow: UnitOfWork, event: OrderCustomerLinked, causation: Causation
    ) -> None:
        """Now it is known whom to call about a delivery that was made already."""
        visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
        await self._link(uow, visit, event.customer_ref, causation)
        if visit.delivered_at is not None and visit.customer_ref is None:
            await self._follow_up(uow, visit, event.customer_ref, visit.delivered_at, causation)

    async def _link(
        self, uow: UnitOfWork, visit: ServiceVisit, customer_ref: str, causation: Causation
    ) -> None:
        """The customer of the visit is known, and with them who is to get its messages."""
        await persistence.save_service_visit(
            uow.connection, replace(visit, customer_ref=customer_ref)
        )
        for message_id in await persistence.address_messages(
            uow.connection, visit.store_id, visit.order_id, customer_ref
        ):
            await schedule(uow, visit.store_id, message_id, uow.now, causation)

    async def _on_promise_revised(
        self, uow: UnitOfWork, event: PromiseRevised, causation: Causation
    ) -> None:
        """The customer hears of the new time, and of no earlier one any more (R9)."""
        visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
        await _end_promises(uow, event.store_id, event.order_id)
        await _notify(uow, visit, PromiseChanged(promised_at=event.promised_at), causation)

    async def _on_promise_at_risk(
        self, uow: UnitOfWork, event: PromiseAtRisk, causation: Causation
    ) -> None:
        """Where the store wants it, the customer hears of the risk before it is decided on (R9)."""
        if not self.config.messages[event.store_id].notify_at_risk:
            return
        visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
        await _end_promises(uow, event.store_id, event.order_id)
        values = AtRisk(promised_at=event.promised_at, likely_at=event.best_promise_at)
        await _notify(uow, visit, values, causation)

    async def _on_receivable_overdue(
        self, uow: UnitOfWork, event: ReceivableOverdue, causation: Causation
    ) -> None:
        """The customer's own share is unpaid past its day (R9)."""
        visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
        await persistence.end_messages(
            uow.connection, event.store_id, event.order_id, ENDED_BY_PAYMENT, uow.now
        )
        values = OverduePayment(amount_cents=event.balance_cents, due_at=event.due_at)
        await _notify(uow, visit, values, causation)

    async def _on_ready(self, uow: UnitOfWork, event: VehicleReady, causation: Causation) -> None:
        """The customer can fetch the vehicle (R9)."""
        visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
        ready = replace(visit, ready_at=event.ready_at)
        await persistence.save_service_visit(uow.connection, ready)
        await persistence.end_messages(
            uow.connection, event.store_id, event.order_id, ENDED_BY_READINESS, event.ready_at
        )
        await _notify(uow, ready, Ready(ready_at=event.ready_at), causation)

    async def _on_delivered(
        self, uow: UnitOfWork, event: VehicleDelivered, causation: Causation
    ) -> None:
        """A call is due on the next working day (R21), once it is known whom to call."""
        visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
        customer_ref = event.customer_ref or visit.customer_ref
        delivered = replace(visit, customer_ref=customer_ref, delivered_at=event.delivered_at)
        await _end(uow, delivered, event.delivered_at)
        if customer_ref is not None:
            await self._follow_up(uow, visit, customer_ref, event.delivered_at, causation)

    async def _follow_up(
        self,
        uow: UnitOfWork,
        visit: ServiceVisit,
        customer_ref: str,
        delivered_at: datetime,
        causation: Causation,
    ) -> None:
        store_id = visit.store_id
        agent_id = follow_ups.least_loaded(
            self.config.agents[store_id], await persistence.open_calls(uow.connection, store_id)
        )
        follow_up, events = follow_ups.schedule(
            follow_up_id=str(new_id()),
            store_id=store_id,
            order_id=visit.order_id,
            customer_ref=customer_ref,
            agent_id=agent_id,
            due_at=self.config.call_due(store_id, delivered_at),
        )
        await persistence.save_follow_up(uow.connection, follow_up)
        uow.publish(events, causation)


async def _notify(
    uow: UnitOfWork, visit: ServiceVisit, values: TemplateValues, causation: Causation
) -> None:
    message = compose(
        values,
        visit,
        store_id=visit.store_id,
        customer_ref=visit.customer_ref,
        order_id=visit.order_id,
        now=uow.now,
    )
    await send_soon(uow, message, causation)


async def _end(uow: UnitOfWork, visit: ServiceVisit, moment: datetime) -> None:
    """The vehicle has left, or the order is cancelled."""
    await persistence.save_service_visit(uow.connection, replace(visit, ended_at=moment))
    await persistence.end_messages(
        uow.connection, visit.store_id, visit.order_id, ENDED_BY_DEPARTURE, moment
    )


async def _end_promises(uow: UnitOfWork, store_id: str, order_id: str) -> None:
    await persistence.end_messages(
        uow.connection, store_id, order_id, ENDED_BY_ANOTHER_PROMISE, uow.now
    )
