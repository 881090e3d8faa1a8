"""Loyalty (忠诚度): number and recency of visits, spend, and the vehicle's brand."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import get_args

from shared.contracts import Event
from shared.contracts.base import BusinessDate
from shared.contracts.crm import Tier
from shared.contracts.dated import version_on
from shared.contracts.management import Entitlement, LoyaltyRules, LoyaltyTier, RuleVersion
from shared.contracts.reception import CreditNoteIssued, InvoiceIssued

_TIERS: Mapping[str, Tier] = {tier: tier for tier in get_args(Tier)}
_RANKS: Mapping[Tier | None, int] = {
    tier: rank for rank, tier in enumerate((*get_args(Tier), None))
}


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
class LoyaltyRule:
    """Version of the group's loyalty rules, known by the day from which it holds (等级规则)."""

    valid_from: BusinessDate
    rules: LoyaltyRules

    @property
    def period(self) -> timedelta:
        return timedelta(days=self.rules.period_days)

    def tier_of(self, history: CustomerHistory, now: datetime) -> Tier | None:
        """Return the best tier of the customer at ``now``; it changes with time."""
        met = (
            _TIERS.get(each.tier)
            for each in self.tiers_for(history.brand)
            if _is_met(each, history, now)
        )
        return next(filter(None, met), None)

    def tiers_for(self, brand: str | None) -> Sequence[LoyaltyTier]:
        """Return the requirements of the tiers for vehicles of a brand, best first."""
        return self.rules.brands.get(brand or "", self.rules.tiers)

    def entitlements_of(self, tier: Tier | None) -> tuple[Entitlement, ...]:
        """Return what the customers of a tier are entitled to (特别待遇)."""
        return self.rules.entitlements.get(tier or "", ())

    def tier_until(
        self, histories: Iterable[CustomerHistory], tier: Tier | None
    ) -> datetime | None:
        """Return when a customer's ``tier`` ends without another visit, as far as recency goes."""
        return max(
            (
                history.last_visit_at + timedelta(days=each.max_days_since_last_visit)
                for history in histories
                for each in self.tiers_for(history.brand)
                if each.tier == tier and history.last_visit_at
            ),
            default=None,
        )


@dataclass(frozen=True)
class NextTier:
    """What a customer lacks for a better tier: visits and spend within the period."""

    tier: Tier
    visits_missing: int
    cents_missing: int


@dataclass(frozen=True)
class TierChange:
    """Customers by tier under one version of the rules and under another.

    Those without a tier stand under None; ``raised`` and ``lowered`` count those whose tier
    differs.
    """

    before: Mapping[Tier | None, int]
    after: Mapping[Tier | None, int]
    raised: int
    lowered: int


def rule_on(versions: Iterable[RuleVersion], day: date) -> LoyaltyRule | None:
    """Return the version that holds on ``day``, if one does."""
    version = version_on(versions, day)
    if version is None or not isinstance(version.content, LoyaltyRules):
        return None
    return LoyaltyRule(version.valid_from, version.content)


def best_tier(
    rule: LoyaltyRule, histories: Iterable[CustomerHistory], now: datetime
) -> Tier | None:
    """Return the best tier of a customer with one history for each brand of their vehicles."""
    return min((rule.tier_of(history, now) for history in histories), key=_rank, default=None)


def next_tier(
    rule: LoyaltyRule, histories: Iterable[CustomerHistory], present: Tier | None
) -> NextTier | None:
    """Return the tier above the ``present`` one, and what the customer lacks for it."""
    better = [
        NextTier(
            _TIERS[each.tier],
            max(0, each.visits - history.recent_visits),
            max(0, each.spend_cents - history.recent_cents),
        )
        for history in histories
        for each in rule.tiers_for(history.brand)
        if each.tier in _TIERS and _rank(_TIERS[each.tier]) < _rank(present)
    ]
    return min(
        better,
        key=lambda each: (-_rank(each.tier), each.visits_missing, each.cents_missing),
        default=None,
    )


def compare(before: Mapping[str, Tier | None], after: Mapping[str, Tier | None]) -> TierChange:
    """Compare the tiers of the same customers under two versions of the rules."""
    ranks = [(_rank(tier), _rank(after[customer])) for customer, tier in before.items()]
    return TierChange(
        before=Counter(before.values()),
        after=Counter(after.values()),
        raised=sum(new < old for old, new in ranks),
        lowered=sum(new > old for old, new in ranks),
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


def _is_met(tier: LoyaltyTier, history: CustomerHistory, now: datetime) -> bool:
    within = timedelta(days=tier.max_days_since_last_visit)
    return (
        history.last_visit_at is not None
        and now - history.last_visit_at <= within
        and history.recent_visits >= tier.visits
        and history.recent_cents >= tier.spend_cents
    )


def _rank(tier: Tier | None) -> int:
    return _RANKS[tier]
