"""Reviews of customers: tiers, losses and returns (R25, R26)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.crm.domain import defection
from services.crm.domain.customer_review import (
    CustomerReview,
    PastVisit,
    ReviewRules,
    VisitRecord,
    review,
    tier_change,
)
from services.crm.domain.loyalty import LoyaltyRule
from shared.contracts.management import DefectionRules, LoyaltyRules, LoyaltyTier
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
TIERS = tuple(
    LoyaltyTier(tier=tier, visits=visits, spend_cents=cents, max_days_since_last_visit=days)
    for tier, visits, cents, days in (
        ("gold", 6, 1_000_000, 240),
        ("silver", 4, 400_000, 300),
        ("bronze", 2, 50_000, 365),
    )
)
RULES = ReviewRules(
    LoyaltyRule("2026-01-01", LoyaltyRules(period_days=730, tiers=TIERS)),
    DefectionRules(),
    ZoneInfo("Asia/Shanghai"),
)


def record(*ago: int, cents: int = 100_000, own: bool = True) -> VisitRecord:
    visits = [PastVisit(NOW - timedelta(days=days), cents, own) for days in ago]
    return VisitRecord("S01", "c-1", ["启岳"], visits)


def reviewed(*ago: int, cents: int = 100_000, now: datetime = NOW) -> CustomerReview:
    found = review(record(*ago, cents=cents), RULES, now)
    assert found
    return found


def test_review_says_what_next_tier_needs() -> None:
    found = reviewed(200, 100, 30)
    assert (found.tier, found.next_tier) == ("bronze", "silver")
    assert (found.visits_missing, found.cents_missing) == (1, 100_000)
    assert found.tier_until == NOW - timedelta(days=30) + timedelta(days=365)


def test_customer_of_other_stores_alone_is_not_reviewed() -> None:
    assert review(record(30, own=False), RULES, NOW) is None
    assert review(record(), RULES, NOW) is None


def test_tier_at_last_visit_outlives_absence() -> None:
    found = reviewed(700, 600, 500, 400)
    assert (found.tier, found.tier_when_here) == (None, "silver")


def test_first_tier_comes_from_visit() -> None:
    (change,) = tier_change(None, reviewed(200, 100), NOW)
    assert (change.old_tier, change.new_tier, change.reasons) == (None, "bronze", ("visit",))


def test_same_tier_is_no_change() -> None:
    assert tier_change(reviewed(200, 100), reviewed(200, 100, 10), NOW) == []
    assert tier_change(None, reviewed(10), NOW) == []


def test_absence_lowers_tier_with_time() -> None:
    earlier, later = reviewed(200, 100), reviewed(200, 100, now=NOW + timedelta(days=300))
    (change,) = tier_change(earlier, later, NOW)
    assert (change.new_tier, change.reasons) == (None, ("time",))


def test_credit_note_lowers_tier_by_spend() -> None:
    (change,) = tier_change(reviewed(200, 100), reviewed(200, 100, cents=20_000), NOW)
    assert change.reasons == ("spend",)


def test_other_rules_are_named_as_reason() -> None:
    earlier = replace(reviewed(200, 100), tier="gold", tier_rule="2025-01-01")
    (change,) = tier_change(earlier, reviewed(200, 100), NOW)
    assert change.reasons == ("rules",)


def test_customer_lapses_after_own_rhythm() -> None:
    found = reviewed(190, 150, 110, 70)
    assert found.lapse_basis == "rhythm"
    assert defection.has_lapsed(found, RULES.defection, NOW)
    lost, event = defection.lapse(found, "l-1", NOW)
    assert (event.tier, event.basis, event.interval_days) == ("silver", "rhythm", 40.0)
    assert (lost.lapse_id, lost.won_back_at) == ("l-1", None)


def test_regular_customer_has_not_lapsed() -> None:
    assert not defection.has_lapsed(reviewed(190, 150, 110, 60), RULES.defection, NOW)


def test_customer_away_for_years_is_no_news() -> None:
    assert not defection.has_lapsed(reviewed(900, 800), RULES.defection, NOW)


def test_next_visit_wins_customer_back() -> None:
    away = reviewed(190, 150, 110, 70)
    lost, _ = defection.lapse(away, "l-1", NOW)
    assert not defection.has_returned(lost, away)
    caused, _ = defection.record_cause(lost, "price", "S01-agent-1", NOW)
    here = reviewed(190, 150, 110, 70, 0)
    assert defection.has_returned(caused, here)
    ended, event = defection.win_back(caused, here, NOW)
    assert (ended.won_back_at, event.cause, event.visited_at) == (NOW, "price", NOW)


def test_win_back_has_one_result() -> None:
    lost, _ = defection.lapse(reviewed(190, 150, 110, 70), "l-1", NOW)
    recorded, event = defection.record_result(lost, "declined", "S01-agent-1", NOW)
    assert event.result == "declined"
    with pytest.raises(RuleViolation) as refused:
        defection.record_result(recorded, "appointment", "S01-agent-2", NOW)
    assert (refused.value.rule, refused.value.field) == ("already_recorded", "result")
