"""Merging of customers (客户合并): two records that are read as one, and back."""

from collections.abc import Sequence

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.customer_reviews import schedule_review
from services.crm.application.deps import Deps
from services.crm.application.duplicates import find_duplicates
from services.crm.application.follow_ups import space_calls
from services.crm.domain import merging
from shared.contracts.base import Identifier
from shared.master_data import NotDefinedError
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class MergeCustomersRequest(RequestModel):
    """The other customer of the store, whose record is read as this one's from now on."""

    customer_ref: Identifier


class CustomersMerged(BaseModel):
    """The customer as whom the records of both are read."""

    customer_ref: str


async def merge_customers(
    uow: UnitOfWork, customer_ref: str, command: MergeCustomersRequest, deps: Deps
) -> CustomersMerged:
    """Have another customer read as this one (合并); no fact changes, so that it can be undone.

    Their open calls are as far from each other as those of one customer.

    Raises:
        RuleViolation: both are one, one of them is merged already or unknown in the store, or they
            are a person and a company.
    """
    refs = sorted({customer_ref, command.customer_ref})
    await persistence.lock_follow_ups_of(uow.connection, uow.store_id, refs)
    known = await persistence.lock_mergeable(uow.connection, uow.store_id, refs)
    events = merging.merge(
        uow.store_id, known[customer_ref], known[command.customer_ref], uow.person, uow.now
    )
    for each in events:
        await persistence.save_merge(uow.connection, each)
    uow.publish(events)
    await _review(uow, [customer_ref], deps)
    await find_duplicates(uow, refs, deps)
    return CustomersMerged(customer_ref=customer_ref)


async def unmerge_customer(
    uow: UnitOfWork, customer_ref: str, command: MergeCustomersRequest, deps: Deps
) -> CustomersMerged:
    """Have a customer who was merged into this one read as themselves again (撤销合并).

    Raises:
        RuleViolation: the other customer is not merged into this one, or one of them is unknown in
            the store.
    """
    connection, store_id = uow.connection, uow.store_id
    refs = sorted({customer_ref, command.customer_ref})
    await persistence.lock_follow_ups_of(connection, store_id, refs)
    known = await persistence.lock_mergeable(connection, store_id, refs)
    events = merging.unmerge(
        store_id, known[customer_ref], command.customer_ref, uow.person, uow.now
    )
    for each in events:
        await persistence.end_merge(connection, each)
    uow.publish(events)
    pair = (customer_ref, command.customer_ref)
    await persistence.save_difference(connection, store_id, pair, uow.person, uow.now)
    await _review(uow, refs, deps)
    await find_duplicates(uow, refs, deps)
    return CustomersMerged(customer_ref=command.customer_ref)


async def _review(uow: UnitOfWork, customer_refs: Sequence[str], deps: Deps) -> None:
    """Have the tier found, and open calls spaced, of customers who have become others."""
    for each in customer_refs:
        await schedule_review(uow, uow.store_id, each)
        try:
            await space_calls(uow, each, deps)
        except NotDefinedError:
            continue
