"""Erasure of a person on request (个人信息删除), and what a legal term keeps (依法留存)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.crm.domain import errors
from shared.contracts.crm import CustomerErased, ErasureReason


@dataclass(frozen=True)
class UnderWay:
    """What of a customer has not ended: open orders, complaints and inquiries."""

    order_ids: Sequence[str]
    complaint_ids: Sequence[str]
    inquiry_ids: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.order_ids or self.complaint_ids or self.inquiry_ids)


@dataclass(frozen=True)
class Erasure:
    """That a customer was erased: when, by whom and why."""

    store_id: str
    customer_ref: str
    reason: ErasureReason
    erased_by: str
    erased_at: datetime


def erase(erasure: Erasure, order_ids: Sequence[str], under_way: UnderWay) -> CustomerErased:
    """Erase a customer; planned calls and messages to them end with it.

    Raises:
        RuleViolation: an order, a complaint or an inquiry of theirs has not ended.
    """
    if under_way:
        raise errors.erasure_under_way(under_way)
    return announce(erasure, order_ids)


def announce(erasure: Erasure, order_ids: Sequence[str]) -> CustomerErased:
    """Announce an erasure; once more for an order that was open and has ended since."""
    return CustomerErased(
        store_id=erasure.store_id,
        customer_ref=erasure.customer_ref,
        order_ids=tuple(order_ids),
        reason=erasure.reason,
        erased_by=erasure.erased_by,
        erased_at=erasure.erased_at,
    )
