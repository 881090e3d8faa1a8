"""Loyalty (忠诚度): number and recency of visits, spend, and the vehicle's brand."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from shared.contracts import Event
from shared.contracts.reception import CreditNoteIssued, InvoiceIssued

Tier = Literal["gold", "silver", "bronze"]
"""忠诚度等级: 金卡、银卡、铜卡."""


@dataclass(frozen=True)
class CustomerHistory:
    """Visits and spend of a vehicle's customer at the stores of the group (累计到店与消费).

    ``recent_visits`` and ``recent_cents`` are those of the rule's period; a visit counts once the
    vehicle is delivered, at any of ``stores``. ``brand`` is the vehicle's, absent when no store
    knows it.
    """

    brand: str | None
    visits: int
    recent_visits: int
    recent_cents: int
    last_visit_at: datetime | None
    stores: Sequence[str]


@dataclass(frozen=True)
class Threshold:
    """Requirements of a tier.

    Visits and spend in the period, and a last visit not longer ago than ``within``.
    """

    tier: Tier
    visits: int
    spend_cents: int
    within: timedelta

    def is_met(self, history: CustomerHistory, now: datetime) -> bool:
        return (
            history.last_visit_at is not None
            and now - history.last_visit_at <= self.within
            and history.recent_visits >= self.visits
            and history.recent_cents >= self.spend_cents
        )


@dataclass(frozen=True)
class LoyaltyRule:
    """One version of the group's rule, known by the day from which it holds (等级规则).

    ``tiers`` come best first; ``brands`` has those of the brands with tiers of their own.
    """

    valid_from: date
    period: timedelta
    tiers: Sequence[Threshold]
    brands: Mapping[str, Sequence[Threshold]]

    def tier_of(self, history: CustomerHistory, now: datetime) -> Tier | None:
        """Return the best tier of the customer at ``now``; it changes with time."""
        thresholds = self.brands.get(history.brand or "", self.tiers)
        return next((each.tier for each in thresholds if each.is_met(history, now)), None)


def rule_on(rules: Sequence[LoyaltyRule], day: date) -> LoyaltyRule:
    """Return the version that holds on ``day``; before the first one, the first."""
    return max(
        (rule for rule in rules if rule.valid_from <= day),
        key=lambda rule: rule.valid_from,
        default=rules[0],
    )


def spend_by_order(events: Iterable[Event]) -> Mapping[tuple[str, str], int]:
    """Return the change of customers' spend by invoices and corrections, by store and order.

    It is in cents. Payments by manufacturers and stores are not the customer's spend.
    """
    spend: Counter[tuple[str, str]] = Counter()
    for event in events:
        match event:
            case InvoiceIssued():
                spend[event.store_id, event.order_id] += _customers_split(event)
            case CreditNoteIssued():
                spend[event.store_id, event.order_id] -= _credited_to_customer(event)
    return spend


def _credited_to_customer(note: CreditNoteIssued) -> int:
    others = (line.amount_cents for line in note.lines if line.pay_type != "customer")
    return note.total_cents - sum(others)


def _customers_split(invoice: InvoiceIssued) -> int:
    """Return the customer's split; an invoice without payer splits is the customer's."""
    if not invoice.payer_splits:
        return invoice.total_cents
    return sum(split.amount_cents for split in invoice.payer_splits if split.payer == "customer")
