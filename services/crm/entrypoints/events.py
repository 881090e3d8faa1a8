"""Events that customer relations acts on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.crm import persistence
from services.crm.application.sending import SEND_MESSAGE, Sending, compose, schedule, send_soon
from services.crm.clients.catalogue import Directory
from services.crm.domain import follow_up as follow_ups
from services.crm.domain.loyalty import spend_by_order
from services.crm.domain.message import (
    ENDED_BY_ANOTHER_PROMISE,
    ENDED_BY_DEPARTURE,
    ENDED_BY_PAYMENT,
    ENDED_BY_READINESS,
    Visit,
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
from shared.envelope import Cause, Received
from shared.ids import new_id
from shared.timers import Deadline
from shared.unit import Unit

INTERESTS: tuple[type[Event], ...] = (
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


def deadlines(sending: Sending) -> Mapping[str, Deadline]:
    """What customer relations does when its deadlines have passed."""
    return {SEND_MESSAGE: sending.deadline}


@dataclass(frozen=True)
class Handlers:
    """What happens in customer relations after events of reception and the workshop."""

    directory: Directory

    async def handle(self, unit: Unit, batch: Sequence[Received]) -> None:
        """Add up what customers pay (R25), then apply each event in order."""
        if spend := spend_by_order(received.event for received in batch):
            await persistence.add_spend(unit.connection, spend)
        for received in batch:
            await self._apply(unit, received)

    async def _apply(self, unit: Unit, received: Received) -> None:
        cause = received.envelope.cause
        match received.event:
            case OrderOpened() as event:
                await self._on_opened(unit, event, cause)
            case OrderCustomerLinked() as event:
                await self._on_linked(unit, event, cause)
            case PromiseRevised() as event:
                await self._on_promise_revised(unit, event, cause)
            case PromiseAtRisk() as event:
                await self._on_promise_at_risk(unit, event, cause)
            case ReceivableOverdue(payer="customer") as event:
                await self._on_receivable_overdue(unit, event, cause)
            case VehicleReady() as event:
                await self._on_ready(unit, event, cause)
            case VehicleDelivered() as event:
                await self._on_delivered(unit, event, cause)
            case _:
                await self._void_messages(unit, received)

    async def _void_messages(self, unit: Unit, received: Received) -> None:
        """Void the messages whose reason has ended."""
        moment = received.envelope.time
        match received.event:
            case OrderCancelled() as event:
                visit = await persistence.lock_visit(
                    unit.connection, event.store_id, event.order_id
                )
                await _end(unit, visit, moment)
            case AdditionalWorkAuthorized() | AdditionalWorkDeclined() as event:
                await persistence.end_messages_about(
                    unit.connection, event.store_id, event.additional_work_id, moment
                )
                if isinstance(event, AdditionalWorkAuthorized) and event.promised_at:
                    await _end_promises(unit, event.store_id, event.order_id)
            case AppointmentCancelled() | AppointmentMoved() | AppointmentMissed() as event:
                await persistence.end_messages_about(
                    unit.connection, event.store_id, event.appointment_id, moment
                )
            case PaymentReceived(payer="customer", balance_cents=0) as event:
                await persistence.end_messages(
                    unit.connection, event.store_id, event.order_id, ENDED_BY_PAYMENT, moment
                )

    async def _on_opened(self, unit: Unit, event: OrderOpened, cause: Cause) -> None:
        visit = await persistence.lock_visit(unit.connection, event.store_id, event.order_id)
        visit = replace(visit, waiting=event.waiting_customer)
        if event.customer_ref is None:
            await persistence.save_visit(unit.connection, visit)
        else:
            await self._link(unit, visit, event.customer_ref, cause)

    async def _on_linked(self, unit: Unit, event: OrderCustomerLinked, cause: Cause) -> None:
        """Now it is known whom to call about a delivery that was made already."""
        visit = await persistence.lock_visit(unit.connection, event.store_id, event.order_id)
        await self._link(unit, visit, event.customer_ref, cause)
        if visit.delivered_at is not None and visit.customer_ref is None:
            await self._follow_up(unit, visit, event.customer_ref, visit.delivered_at, cause)

    async def _link(self, unit: Unit, visit: Visit, customer_ref: str, cause: Cause) -> None:
        """The customer of the visit is known, and with them who is to get its messages."""
        await persistence.save_visit(unit.connection, replace(visit, customer_ref=customer_ref))
        for message_id in await persistence.address_messages(
            unit.connection, visit.store_id, visit.order_id, customer_ref
        ):
            await schedule(unit, visit.store_id, message_id, unit.now, cause)

    async def _on_promise_revised(self, unit: Unit, event: PromiseRevised, cause: Cause) -> None:
        """The customer hears of the new time, and of no earlier one any more (R9)."""
        visit = await persistence.lock_visit(unit.connection, event.store_id, event.order_id)
        await _end_promises(unit, event.store_id, event.order_id)
        await _notify(unit, visit, PromiseChanged(promised_at=event.promised_at), cause)

    async def _on_promise_at_risk(self, unit: Unit, event: PromiseAtRisk, cause: Cause) -> None:
        """Where the store wants it, the customer hears of the risk before it is decided on (R9)."""
        if not self.directory.messages[event.store_id].notify_at_risk:
            return
        visit = await persistence.lock_visit(unit.connection, event.store_id, event.order_id)
        await _end_promises(unit, event.store_id, event.order_id)
        values = AtRisk(promised_at=event.promised_at, likely_at=event.best_promise_at)
        await _notify(unit, visit, values, cause)

    async def _on_receivable_overdue(
        self, unit: Unit, event: ReceivableOverdue, cause: Cause
    ) -> None:
        """The customer's own share is unpaid past its day (R9)."""
        visit = await persistence.lock_visit(unit.connection, event.store_id, event.order_id)
        await persistence.end_messages(
            unit.connection, event.store_id, event.order_id, ENDED_BY_PAYMENT, unit.now
        )
        values = OverduePayment(amount_cents=event.balance_cents, due_at=event.due_at)
        await _notify(unit, visit, values, cause)

    async def _on_ready(self, unit: Unit, event: VehicleReady, cause: Cause) -> None:
        """The customer can fetch the vehicle (R9)."""
        visit = await persistence.lock_visit(unit.connection, event.store_id, event.order_id)
        ready = replace(visit, ready_at=event.ready_at)
        await persistence.save_visit(unit.connection, ready)
        await persistence.end_messages(
            unit.connection, event.store_id, event.order_id, ENDED_BY_READINESS, event.ready_at
        )
        await _notify(unit, ready, Ready(ready_at=event.ready_at), cause)

    async def _on_delivered(self, unit: Unit, event: VehicleDelivered, cause: Cause) -> None:
        """A call is due on the next working day (R21), once it is known whom to call."""
        visit = await persistence.lock_visit(unit.connection, event.store_id, event.order_id)
        customer_ref = event.customer_ref or visit.customer_ref
        delivered = replace(visit, customer_ref=customer_ref, delivered_at=event.delivered_at)
        await _end(unit, delivered, event.delivered_at)
        if customer_ref is not None:
            await self._follow_up(unit, visit, customer_ref, event.delivered_at, cause)

    async def _follow_up(
        self, unit: Unit, visit: Visit, customer_ref: str, delivered_at: datetime, cause: Cause
    ) -> None:
        store_id = visit.store_id
        agent_id = follow_ups.least_loaded(
            self.directory.agents[store_id], await persistence.open_calls(unit.connection, store_id)
        )
        follow_up, events = follow_ups.schedule(
            follow_up_id=str(new_id()),
            store_id=store_id,
            order_id=visit.order_id,
            customer_ref=customer_ref,
            agent_id=agent_id,
            due_at=self.directory.call_due(store_id, delivered_at),
        )
        await persistence.save_follow_up(unit.connection, follow_up)
        unit.publish(events, cause)


async def _notify(unit: Unit, visit: Visit, values: TemplateValues, cause: Cause) -> None:
    message = compose(
        values,
        visit,
        store_id=visit.store_id,
        customer_ref=visit.customer_ref,
        order_id=visit.order_id,
        now=unit.now,
    )
    await send_soon(unit, message, cause)


async def _end(unit: Unit, visit: Visit, moment: datetime) -> None:
    """The vehicle has left, or the order is cancelled."""
    await persistence.save_visit(unit.connection, replace(visit, ended_at=moment))
    await persistence.end_messages(
        unit.connection, visit.store_id, visit.order_id, ENDED_BY_DEPARTURE, moment
    )


async def _end_promises(unit: Unit, store_id: str, order_id: str) -> None:
    await persistence.end_messages(
        unit.connection, store_id, order_id, ENDED_BY_ANOTHER_PROMISE, unit.now
    )
