"""Reviews of customers (客户复核): tiers, lost customers, and those who have come again.

A customer is reviewed after each visit and each change of what they have paid; all customers of a
store in the night, and when the rules change. One run reviews a part of the customers in one
transaction and leaves a timer for the next part, so that a run that is interrupted goes on where it
was. A change is announced by the review that finds it, and by no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import (
    Occasion,
    cancel_follow_ups,
    schedule_follow_ups,
)
from services.crm.application.nightly import REVIEW_CUSTOMERS, next_night
from services.crm.application.rules import loyalty_rule
from services.crm.domain import customer_review, defection
from services.crm.domain.customer_review import CustomerReview, ReviewRules
from shared import timers
from shared.contracts.base import GROUP
from shared.contracts.management import DefectionRules, RuleSetDefined
from shared.contracts.reception import CreditNoteIssued, InvoiceIssued
from shared.envelope import ReceivedEvent
from shared.group import Store
from shared.ids import new_id
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

REVIEW_CUSTOMER = "review_customer"
REVIEW_STORES = "review_stores"

_CUSTOMERS_AT_ONCE = 1000
_STORES_AT_ONCE = 200
_AFTER = "after"
_RULES = ("loyalty", "defection")


async def schedule_review(uow: UnitOfWork, store_id: str, customer_ref: str) -> None:
    """Have a customer reviewed as soon as this transaction is committed."""
    read = await persistence.read_as(uow.connection, store_id, [customer_ref])
    await timers.schedule(
        uow, REVIEW_CUSTOMER, read[customer_ref], store_id=store_id, due_at=uow.now
    )


async def review_payer(uow: UnitOfWork, event: InvoiceIssued | CreditNoteIssued, _: Deps) -> None:
    """Have the customer reviewed whose visit was invoiced or credited after the delivery."""
    customer_ref = await persistence.customer_of_visit(
        uow.connection, event.store_id, event.order_id
    )
    if customer_ref is not None:
        await schedule_review(uow, event.store_id, customer_ref)


async def review_after_rules(
    uow: UnitOfWork, by_store: Mapping[str, Sequence[ReceivedEvent]], _: Deps
) -> None:
    """Have the customers reviewed whose rules have changed."""
    causes = {
        store_id: received.envelope
        for store_id, batch in by_store.items()
        for received in batch
        if isinstance(received.event, RuleSetDefined)
        and received.event.record_id.partition(".")[0] in _RULES
    }
    if of_group := causes.pop(GROUP, None):
        await _schedule_stores_after(uow.caused_by(of_group.causation, of_group.time), "")
    await timers.bring_forward(uow, REVIEW_CUSTOMERS, causes)


async def review_stores(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Have the customers of the next stores reviewed, after rules of the group have changed."""
    store_ids = await persistence.stores_after(uow.connection, timer.data[_AFTER], _STORES_AT_ONCE)
    wide = replace(uow, stores=uow.stores.union(store_ids))
    async with wide.limited_to(*store_ids) as limited:
        await timers.bring_forward(limited, REVIEW_CUSTOMERS, store_ids)
    if len(store_ids) == _STORES_AT_ONCE:
        await _schedule_stores_after(uow, store_ids[-1])


async def lock_reviews(uow: UnitOfWork, store_id: str, _: str) -> None:
    """Let one review at a time look at the customers of a store."""
    await persistence.lock_reviews(uow.connection, store_id)


async def review_customer(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Review one customer.

    Raises:
        NotDefinedError: there are no loyalty rules yet.
    """
    store = await deps.group.store(uow.connection, timer.store_id)
    await _review(uow, store, [timer.entity_id], deps)


async def review_customers(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Review the next customers of a store; after the last, the next run is in the next night.

    Raises:
        NotDefinedError: there are no loyalty rules yet.
    """
    store = await deps.group.store(uow.connection, timer.store_id)
    customers = await persistence.customers_after(
        uow.connection, store.id, timer.data.get(_AFTER, ""), _CUSTOMERS_AT_ONCE
    )
    await _review(uow, store, customers, deps)
    goes_on = len(customers) == _CUSTOMERS_AT_ONCE
    await timers.schedule(
        uow,
        REVIEW_CUSTOMERS,
        store.id,
        store_id=store.id,
        due_at=timer.due_at if goes_on else next_night(store, uow.now),
        data={_AFTER: customers[-1]} if goes_on else None,
    )


async def _review(uow: UnitOfWork, store: Store, customer_refs: Sequence[str], deps: Deps) -> None:
    """Review customers, and announce what has changed since their last reviews."""
    connection, day = uow.connection, store.local_day(uow.now)
    rules = ReviewRules(
        await loyalty_rule(connection, day, deps),
        await deps.group.rules_on(connection, DefectionRules, store.id, day),
        store.timezone,
    )
    records = await persistence.visit_records(connection, store.id, customer_refs)
    reviews = [customer_review.review(record, rules, uow.now) for record in records]
    found = [each for each in reviews if each is not None]
    earlier = await persistence.find_reviews(connection, store.id, customer_refs)
    changes = [
        change
        for each in found
        for change in customer_review.tier_change(earlier.get(each.customer_ref), each, uow.now)
    ]
    await _review_absences(uow, found, rules, deps)
    await persistence.save_reviews(
        connection, [each for each in found if each != earlier.get(each.customer_ref)]
    )
    await persistence.add_tier_changes(connection, changes)
    uow.publish(changes)


async def _review_absences(
    uow: UnitOfWork, found: Sequence[CustomerReview], rules: ReviewRules, deps: Deps
) -> None:
    """Record who is lost now and is called, and which of the lost customers have come again.

    Their calls are locked before their absences, as by commands.
    """
    connection, store_id = uow.connection, uow.store_id
    lapses = await persistence.open_lapses(
        connection, store_id, [each.customer_ref for each in found]
    )
    refs = {
        each.customer_ref
        for each in found
        if defection.is_changed(lapses.get(each.customer_ref), each, rules.defection, uow.now)
    }
    await persistence.lock_follow_ups_of(connection, store_id, refs)
    lapses = await persistence.open_lapses(connection, store_id, sorted(refs))
    changed = [
        each
        for each in found
        if each.customer_ref in refs
        and defection.is_changed(lapses.get(each.customer_ref), each, rules.defection, uow.now)
    ]
    ended = [
        defection.win_back(lost, each, uow.now)
        for each in changed
        if (lost := lapses.get(each.customer_ref))
    ]
    begun = [
        defection.lapse(each, str(new_id()), uow.now)
        for each in changed
        if each.customer_ref not in lapses
    ]
    await persistence.save_lapses(uow.connection, [lost for lost, _ in (*ended, *begun)])
    uow.publish([event for _, event in (*ended, *begun)])
    for lost, _ in ended:
        await cancel_follow_ups(uow, about=lost.lapse_id)
    if begun:
        calls = [
            Occasion("win_back", lost.customer_ref, lost.lapse_id, due_at=uow.now)
            for lost, _ in begun
        ]
        await schedule_follow_ups(uow, deps, calls)


async def _schedule_stores_after(uow: UnitOfWork, store_id: str) -> None:
    await timers.schedule(
        uow, REVIEW_STORES, GROUP, store_id=GROUP, due_at=uow.now, data={_AFTER: store_id}
    )
