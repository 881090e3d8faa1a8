"""Merging of customers (客户合并): two records of a store that are one customer, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.crm.domain import errors
from services.crm.domain.customer import CustomerKind
from shared.contracts.crm import CustomerMerged, CustomerUnmerged


@dataclass(frozen=True)
class Mergeable:
    """A customer of the store: as whom the record is read, and which others are read as it."""

    customer_ref: str
    kind: CustomerKind
    merged_into: str | None = None
    merged: Sequence[str] = ()


def merge(
    store_id: str, kept: Mergeable, other: Mergeable, by: str, now: datetime
) -> list[CustomerMerged]:
    """Have the ``other`` customer read as the one that is ``kept``; nothing else changes.

    A customer is read as one other at most, and who is read as another has none of their own: it
    takes one step to find out as whom a record is read.

    Raises:
        RuleViolation: both are one, or one of them is merged already, or they are a person and a
            company.
    """
    if kept.customer_ref == other.customer_ref:
        raise errors.merged_with_itself()
    for each in (kept, other):
        if each.merged_into is not None:
            raise errors.customer_merged(each.customer_ref, each.merged_into)
    if other.merged:
        raise errors.has_merged_customers(other.customer_ref, other.merged)
    if kept.kind != other.kind:
        raise errors.person_with_company()
    return [
        CustomerMerged(
            store_id=store_id,
            customer_ref=other.customer_ref,
            into_customer_ref=kept.customer_ref,
            merged_by=by,
            merged_at=now,
        )
    ]


def unmerge(
    store_id: str, kept: Mergeable, customer_ref: str, by: str, now: datetime
) -> list[CustomerUnmerged]:
    """Have a customer read as themselves again.

    Raises:
        RuleViolation: the customer is not merged into the one that was kept.
    """
    if customer_ref not in kept.merged:
        raise errors.not_merged(customer_ref)
    return [
        CustomerUnmerged(
            store_id=store_id,
            customer_ref=customer_ref,
            from_customer_ref=kept.customer_ref,
            unmerged_by=by,
            unmerged_at=now,
        )
    ]
