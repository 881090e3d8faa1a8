"""Events and timers that reception acts on."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.reception import persistence
from services.reception.application import claim_reminders, receivables
from services.reception.application.tax_invoices import TaxInvoicing
from services.reception.clients.catalog import Catalog
from services.reception.clients.crm import CustomerArchive
from services.reception.domain import authorisation, promise, settlement
from services.reception.domain import claim as claims
from services.reception.domain import order as orders
from services.reception.domain.estimate import PartQuantity, WantedWork, estimate
from shared.contracts import Event
from shared.contracts.workshop import (
    AdditionalWorkFound,
    CapacityChanged,
    JobAssigned,
    JobFinished,
    JobStarted,
    PromiseAtRisk,
    VehicleReady,
)
from shared.db import transaction
from shared.envelope import Causation, ReceivedEvent
from shared.personal_data import PersonalData
from shared.service import Service
from shared.timers import Lane, Timer, TimerHandler
from shared.unit_of_work import UnitOfWork

SUBSCRIPTIONS: tuple[type[Event], ...] = (
    JobAssigned,
    JobStarted,
    JobFinished,
    AdditionalWorkFound,
    PromiseAtRisk,
    VehicleReady,
    CapacityChanged,
)

E = TypeVar("E", bound=Event)

GREETING_OVERDUE = "greeting_overdue"
LINK_CUSTOMER = "link_customer"
TAX_INVOICE = "tax_invoice"
TAX_CREDIT = "tax_credit"

_REGISTRATION = Lane("crm: customers", concurrency=4, timeout_s=20)
_TAX_INVOICES = Lane("tax client: invoices", concurrency=2, timeout_s=30)
_TAX_CREDITS = Lane("tax client: corrections", concurrency=2, timeout_s=30)


@dataclass(frozen=True)
class Handlers:
    """Reception's reactions to the workshop."""

    catalog: Catalog

    async def handle(self, uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        """Apply each event in order, after the jobs that all of them speak of."""
        await persistence.record_jobs(uow.connection, _of(JobAssigned, batch))
        await persistence.finish_jobs(uow.connection, _of(JobFinished, batch))
        for received in batch:
            causation = received.envelope.causation
            match received.event:
                case JobAssigned() as event:
                    await self._confirm_promise(uow, event, causation)
                case JobStarted() as event:
                    order = await persistence.lock_order(
                        uow.connection, event.store_id, event.order_id
                    )
                    await persistence.save_order(uow, orders.start_work(order))
                case PromiseAtRisk() as event:
                    order = await persistence.lock_order(
                        uow.connection, event.store_id, event.order_id
                    )
                    await persistence.save_order(uow, promise.record_risk(order, event))
                case AdditionalWorkFound() as event:
                    await self._offer(uow, event, causation)
                case VehicleReady() as event:
                    await self._finish_work(uow, event)
                case CapacityChanged() as event:
                    await persistence.save_capacity(uow.connection, event.store_id, event.free)

    async def on_receivable_overdue(self, uow: UnitOfWork, timer: Timer) -> None:
        """A share of a bill is not paid; it is chased again later (R8)."""
        order_id = receivables.order_of(timer.subject)
        order = await persistence.read_order(uow.connection, timer.store_id, order_id)
        payer = timer.data["payer"]
        uow.publish(settlement.receivable_overdue(order, payer, uow.now), timer.causation)
        await receivables.watch(uow, order, self.catalog.overdue_days, timer.causation)

    async def on_claim_overdue(self, uow: UnitOfWork, timer: Timer) -> None:
        """A claim is to be submitted, or was to be answered (R6)."""
        rules = self.catalog.claim_rules
        claim = await persistence.read_claim(uow.connection, timer.store_id, timer.subject)
        uow.publish(claims.overdue(claim, rules, uow.now), timer.causation)
        await claim_reminders.watch(uow, claim, rules, timer.causation)

    async def _confirm_promise(
        self, uow: UnitOfWork, event: JobAssigned, causation: Causation
    ) -> None:
        key = (event.store_id, event.order_id)
        order = await persistence.lock_order(uow.connection, *key)
        if order.promise_provisional:
            promisable = await persistence.promisable_times(uow.connection, *key)
            order, events = orders.confirm_promise(order, promisable)
            await persistence.save_order(uow, order)
            uow.publish(events, causation)

    async def _finish_work(self, uow: UnitOfWork, event: VehicleReady) -> None:
        key = (event.store_id, event.order_id)
        order = await persistence.lock_order(uow.connection, *key)
        finished = await persistence.finished_operations(uow.connection, *key)
        await persistence.save_order(uow, orders.finish_work(order, event.ready_at, finished))

    async def _offer(
        self, uow: UnitOfWork, event: AdditionalWorkFound, causation: Causation
    ) -> None:
        """Work found while working is priced and put before the customer (R4)."""
        key = (event.store_id, event.order_id)
        parts = Counter(event.part_numbers)
        wanted = WantedWork(
            event.operations, tuple(PartQuantity(no, count) for no, count in parts.items())
        )
        order, changed, events = authorisation.offer_additional(
            await persistence.lock_order(uow.connection, *key),
            await persistence.estimate_versions(uow.connection, *key),
            estimate(self.catalog.prices(event.store_id), wanted),
            additional_work_id=event.additional_work_id,
            submitted_by=event.found_by,
            now=uow.now,
        )
        await persistence.save_order(uow, order)
        await persistence.save_estimates(uow.connection, changed)
        uow.publish(events, causation)


def _of(kind: type[E], batch: Sequence[ReceivedEvent]) -> list[E]:
    return [received.event for received in batch if isinstance(received.event, kind)]


async def on_greeting_overdue(uow: UnitOfWork, timer: Timer) -> None:
    """The customer's waiting time has reached the store's limit (R2)."""
    order = await persistence.read_order(uow.connection, timer.store_id, timer.subject)
    uow.publish(orders.greeting_overdue(order), timer.causation)


async def _lock_order(uow: UnitOfWork, store_id: str, subject: str) -> None:
    await persistence.lock_order(uow.connection, store_id, receivables.order_of(subject))


async def _lock_claim(uow: UnitOfWork, store_id: str, claim_id: str) -> None:
    await persistence.lock_claim(uow.connection, store_id, claim_id)


@dataclass(frozen=True)
class CustomerLink:
    """Moves details that were taken while customer relations was unavailable into its archive."""

    service: Service
    personal: PersonalData
    archive: CustomerArchive

    async def prepare(self, store_id: str, order_id: str) -> str | None:
        """Register the customer, outside any transaction; nothing to do without details."""
        async with transaction(self.service.pool, [store_id]) as connection:
            encrypted = await persistence.encrypted_details(connection, store_id, order_id)
            details = await self.personal.decrypt(connection, store_id, order_id, encrypted)
        return (
            await self.archive.register(store_id, order_id, json.loads(details))
            if details
            else None
        )

    async def fire(self, uow: UnitOfWork, timer: Timer) -> None:
        """Link the order to its customer and forget the details (R19)."""
        if timer.prepared is None:
            return
        order = await persistence.read_order(uow.connection, timer.store_id, timer.subject)
        linked, events = orders.link_customer(order, timer.prepared)
        await persistence.save_order(uow, linked)
        await persistence.save_details(uow.connection, timer.store_id, timer.subject, None)
        uow.publish(events, timer.causation)


def timer_handlers(
    own: Handlers, link: CustomerLink, tax_invoicing: TaxInvoicing
) -> Mapping[str, TimerHandler]:
    """What reception does when its timers fire."""
    return {
        GREETING_OVERDUE: TimerHandler(on_greeting_overdue, lock=_lock_order),
        LINK_CUSTOMER: TimerHandler(
            link.fire, lock=_lock_order, prepare=link.prepare, lane=_REGISTRATION
        ),
        TAX_INVOICE: TimerHandler(
            tax_invoicing.fire,
            prepare=tax_invoicing.prepare,
            lane=_TAX_INVOICES,
        ),
        TAX_CREDIT: TimerHandler(
            tax_invoicing.fire_correction,
            prepare=tax_invoicing.prepare_correction,
            lane=_TAX_CREDITS,
        ),
        receivables.RECEIVABLE_OVERDUE: TimerHandler(own.on_receivable_overdue, lock=_lock_order),
        claim_reminders.CLAIM_OVERDUE: TimerHandler(own.on_claim_overdue, lock=_lock_claim),
    }
