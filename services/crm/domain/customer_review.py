"""Review of a customer (客户复核): tier, visits, and the absence after which they are lost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.crm.domain.loyalty import CustomerHistory, LoyaltyRule, best_tier, next_tier
from services.crm.domain.rhythm import absence, rhythm
from shared.contracts.crm import LapseBasis, LoyaltyChanged, Tier, TierChangeReason
from shared.contracts.management import DefectionRules


@dataclass(frozen=True)
class PastVisit:
    """A visit that ended with a delivery, to this store or another of the group."""

    delivered_at: datetime
    spent_cents: int
    is_own: bool


@dataclass(frozen=True)
class VisitRecord:
    """All visits of a customer in the group, the earliest first, and the brands of the vehicles."""

    store_id: str
    customer_ref: str
    brands: Sequence[str]
    visits: Sequence[PastVisit]


@dataclass(frozen=True)
class CustomerReview:
    """What the last review of a customer has found.

    Visits and spend up to ``last_visit_at`` count in all stores of the group, as for the tier;
    ``last_own_visit_at``, the rhythm and the absence are those of the store. ``tier_when_here`` is
    the tier at the last visit to the store. ``tier_until`` is when the tier ends if the customer
    does not come; ``visits_missing`` and ``cents_missing`` are what lacks for ``next_tier``.
    """

    store_id: str
    customer_ref: str
    tier: Tier | None
    tier_when_here: Tier | None
    tier_rule: str
    visits: int
    recent_visits: int
    recent_cents: int
    last_visit_at: datetime
    last_own_visit_at: datetime
    tier_until: datetime | None
    next_tier: Tier | None
    visits_missing: int
    cents_missing: int
    interval_days: float | None
    spread_days: float | None
    at_risk_at: datetime | None
    lapses_at: datetime | None
    lapse_basis: LapseBasis | None


@dataclass(frozen=True)
class ReviewRules:
    """Rules of a review, and the zone in which days and months begin."""

    loyalty: LoyaltyRule
    defection: DefectionRules
    zone: ZoneInfo


def review(record: VisitRecord, rules: ReviewRules, now: datetime) -> CustomerReview | None:
    """Review a customer at ``now``; None for one whom the store has never had."""
    own = [visit.delivered_at for visit in record.visits if visit.is_own]
    if not own:
        return None
    present = _histories(record, rules.loyalty, now)
    when_here = _histories(record, rules.loyalty, own[-1])
    tier, history = best_tier(rules.loyalty, present, now), present[0]
    upward = next_tier(rules.loyalty, present, tier)
    days = [each.astimezone(rules.zone).date() for each in own]
    usual = rhythm(days, rules.defection.fewest_visits)
    away = absence(own[-1], usual, rules.defection, rules.zone)
    return CustomerReview(
        store_id=record.store_id,
        customer_ref=record.customer_ref,
        tier=tier,
        tier_when_here=best_tier(rules.loyalty, when_here, own[-1]),
        tier_rule=rules.loyalty.valid_from,
        visits=history.visits,
        recent_visits=history.recent_visits,
        recent_cents=history.recent_cents,
        last_visit_at=record.visits[-1].delivered_at,
        last_own_visit_at=own[-1],
        tier_until=rules.loyalty.tier_until(present, tier),
        next_tier=upward.tier if upward else None,
        visits_missing=upward.visits_missing if upward else 0,
        cents_missing=upward.cents_missing if upward else 0,
        interval_days=usual.interval_days if usual else None,
        spread_days=usual.spread_days if usual else None,
        at_risk_at=away.at_risk_at if away else None,
        lapses_at=away.lapses_at if away else None,
        lapse_basis=away.basis if away else None,
    )


def tier_change(
    earlier: CustomerReview | None, found: CustomerReview, now: datetime
) -> list[LoyaltyChanged]:
    """Announce a tier that differs from that of the ``earlier`` review (忠诚度变动)."""
    old = earlier.tier if earlier else None
    if old == found.tier:
        return []
    return [
        LoyaltyChanged(
            store_id=found.store_id,
            customer_ref=found.customer_ref,
            old_tier=old,
            new_tier=found.tier,
            reasons=_reasons(earlier, found),
            tier_rule=found.tier_rule,
            changed_at=now,
        )
    ]


def _reasons(earlier: CustomerReview | None, found: CustomerReview) -> tuple[TierChangeReason, ...]:
    if earlier is None:
        return ("visit",)
    reasons: list[TierChangeReason] = []
    if earlier.tier_rule != found.tier_rule:
        reasons.append("rules")
    if found.visits > earlier.visits:
        reasons.append("visit")
    elif found.recent_cents != earlier.recent_cents and found.recent_visits == (
        earlier.recent_visits
    ):
        reasons.append("spend")
    return tuple(reasons) or ("time",)


def _histories(record: VisitRecord, rule: LoyaltyRule, now: datetime) -> list[CustomerHistory]:
    """Return the history at ``now``, once for each brand of the customer's vehicles."""
    made = [visit for visit in record.visits if visit.delivered_at <= now]
    recent = [visit for visit in made if visit.delivered_at >= now - rule.period]
    history = CustomerHistory(
        brand=None,
        visits=len(made),
        recent_visits=len(recent),
        recent_cents=sum(visit.spent_cents for visit in recent),
        last_visit_at=made[-1].delivered_at if made else None,
        stores=(),
    )
    return [replace(history, brand=brand) for brand in record.brands] or [history]
