"""Events and deadlines that reception acts on."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.reception import persistence
from services.reception.application import claim_reminders, receivables
from services.reception.application.tax_invoices import TaxInvoicing
from services.reception.clients.catalogue import Catalogue
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
from shared.envelope import Cause, Received
from shared.personal import PersonalData
from shared.service import Service
from shared.timers import Deadline, Lane, Timer
from shared.unit import Unit

INTERESTS: tuple[type[Event], ...] = (
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

_REGISTRATION = Lane("crm: customers", places=4, timeout_s=20)
_TAX_INVOICES = Lane("tax client: invoices", places=2, timeout_s=30)
_TAX_CREDITS = Lane("tax client: corrections", places=2, timeout_s=30)


@dataclass(frozen=True)
class Handlers:
    """Reception's reactions to the workshop."""

    catalogue: Catalogue

    async def handle(self, unit: Unit, batch: Sequence[Received]) -> None:
        """Apply each event in order, after the jobs that all of them speak of."""
        await persistence.record_jobs(unit.connection, _of(JobAssigned, batch))
        await persistence.finish_jobs(unit.connection, _of(JobFinished, batch))
        for received in batch:
            cause = received.envelope.cause
            match received.event:
                case JobAssigned() as event:
                    await self._confirm_promise(unit, event, cause)
                case JobStarted() as event:
                    order = await persistence.lock_order(
                        unit.connection, event.store_id, event.order_id
                    )
                    await persistence.save_order(unit, orders.start_work(order))
                case PromiseAtRisk() as event:
                    order = await persistence.lock_order(
                        unit.connection, event.store_id, event.order_id
                    )
                    await persistence.save_order(unit, promise.record_risk(order, event))
                case AdditionalWorkFound() as event:
                    await self._offer(unit, event, cause)
                case VehicleReady() as event:
                    await self._finish_work(unit, event)
                case CapacityChanged() as event:
                    await persistence.save_capacity(unit.connection, event.store_id, event.free)

    async def on_receivable_overdue(self, unit: Unit, timer: Timer) -> None:
        """A share of a bill is not paid; it is chased again later (R8)."""
        order_id = receivables.order_of(timer.subject)
        order = await persistence.read_order(unit.connection, timer.store_id, order_id)
        payer = timer.data["payer"]
        unit.publish(settlement.receivable_overdue(order, payer, unit.now), timer.cause)
        await receivables.watch(unit, order, self.catalogue.overdue_days, timer.cause)

    async def on_claim_overdue(self, unit: Unit, timer: Timer) -> None:
        """A claim is to be submitted, or was to be answered (R6)."""
        rules = self.catalogue.claim_rules
        claim = await persistence.read_claim(unit.connection, timer.store_id, timer.subject)
        unit.publish(claims.overdue(claim, rules, unit.now), timer.cause)
        await claim_reminders.watch(unit, claim, rules, timer.cause)

    async def _confirm_promise(self, unit: Unit, event: JobAssigned, cause: Cause) -> None:
        key = (event.store_id, event.order_id)
        order = await persistence.lock_order(unit.connection, *key)
        if order.promise_provisional:
            promisable = await persistence.promisable_times(unit.connection, *key)
            order, events = orders.confirm_promise(order, promisable)
            await persistence.save_order(unit, order)
            unit.publish(events, cause)

    async def _finish_work(self, unit: Unit, event: VehicleReady) -> None:
        key = (event.store_id, event.order_id)
        order = await persistence.lock_order(unit.connection, *key)
        finished = await persistence.finished_operations(unit.connection, *key)
        await persistence.save_order(unit, orders.finish_work(order, event.ready_at, finished))

    async def _offer(self, unit: Unit, event: AdditionalWorkFound, cause: Cause) -> None:
        """Work found while working is priced and put before the customer (R4)."""
        key = (event.store_id, event.order_id)
        parts = Counter(event.part_numbers)
        wanted = WantedWork(
            event.operations, tuple(PartQuantity(no, count) for no, count in parts.items())
        )
        order, changed, events = authorisation.offer_additional(
            await persistence.lock_order(unit.connection, *key),
            await persistence.estimate_versions(unit.connection, *key),
            estimate(self.catalogue.prices(event.store_id), wanted),
            additional_work_id=event.additional_work_id,
            submitted_by=event.found_by,
            now=unit.now,
        )
        await persistence.save_order(unit, order)
        await persistence.save_estimates(unit.connection, changed)
        unit.publish(events, cause)


def _of(kind: type[E], batch: Sequence[Received]) -> list[E]:
    return [received.event for received in batch if isinstance(received.event, kind)]


async def on_greeting_overdue(unit: Unit, timer: Timer) -> None:
    """The customer's waiting time has reached the store's limit (R2)."""
    order = await persistence.read_order(unit.connection, timer.store_id, timer.subject)
    unit.publish(orders.greeting_overdue(order), timer.cause)


async def _lock_order(unit: Unit, store_id: str, subject: str) -> None:
    await persistence.lock_order(unit.connection, store_id, receivables.order_of(subject))


async def _lock_claim(unit: Unit, store_id: str, claim_id: str) -> None:
    await persistence.lock_claim(unit.connection, store_id, claim_id)


@dataclass(frozen=True)
class CustomerLink:
    """Moves details that were taken while customer relations was away into its archive."""

    service: Service
    personal: PersonalData
    archive: CustomerArchive

    async def prepare(self, store_id: str, order_id: str) -> str | None:
        """Register the customer, outside any transaction; nothing to do without details."""
        async with transaction(self.service.pool, [store_id]) as connection:
            sealed = await persistence.sealed_details(connection, store_id, order_id)
            details = await self.personal.decrypt(connection, store_id, order_id, sealed)
        return (
            await self.archive.register(store_id, order_id, json.loads(details))
            if details
            else None
        )

    async def fire(self, unit: Unit, timer: Timer) -> None:
        """Link the order to its customer and forget the details (R19)."""
        if timer.prepared is None:
            return
        order = await persistence.read_order(unit.connection, timer.store_id, timer.subject)
        linked, events = orders.link_customer(order, timer.prepared)
        await persistence.save_order(unit, linked)
        await persistence.save_details(unit.connection, timer.store_id, timer.subject, None)
        unit.publish(events, timer.cause)


def deadlines(
    own: Handlers, link: CustomerLink, tax_invoicing: TaxInvoicing
) -> Mapping[str, Deadline]:
    """What reception does when its deadlines have passed."""
    return {
        GREETING_OVERDUE: Deadline(on_greeting_overdue, lock=_lock_order),
        LINK_CUSTOMER: Deadline(
            link.fire, lock=_lock_order, prepare=link.prepare, lane=_REGISTRATION
        ),
        TAX_INVOICE: Deadline(
            tax_invoicing.fire,
            prepare=tax_invoicing.prepare,
            lane=_TAX_INVOICES,
        ),
        TAX_CREDIT: Deadline(
            tax_invoicing.fire_correction,
            prepare=tax_invoicing.prepare_correction,
            lane=_TAX_CREDITS,
        ),
        receivables.RECEIVABLE_OVERDUE: Deadline(own.on_receivable_overdue, lock=_lock_order),
        claim_reminders.CLAIM_OVERDUE: Deadline(own.on_claim_overdue, lock=_lock_claim),
    }
