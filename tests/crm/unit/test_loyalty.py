"""The tier of a customer by visits, last visit, spend and brand (R25)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.loyalty import (
    CustomerHistory,
    LoyaltyRule,
    best_tier,
    compare,
    rule_on,
    spend_by_order,
)
from shared.contracts.crm import Tier
from shared.contracts.management import (
    LOYALTY_TIERS,
    LoyaltyRules,
    LoyaltyTier,
    RuleVersion,
)
from shared.contracts.reception import CreditNoteIssued, InvoiceIssued, PayerSplit

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
RANKS: dict[Tier | None, int] = {None: 0, "bronze": 1, "silver": 2, "gold": 3}


def days(number: int) -> timedelta:
    return timedelta(days=number)


def tier(code: str, visits: int, cents: int, within: int) -> LoyaltyTier:
    return LoyaltyTier(
        tier=code, visits=visits, spend_cents=cents, max_days_since_last_visit=within
    )


PLAIN = (
    tier("gold", 6, 1_000_000, 240),
    tier("silver", 4, 400_000, 300),
    tier("bronze", 2, 50_000, 365),
)
RULES = LoyaltyRules(
    period_days=730, tiers=PLAIN, brands={"星驰": (tier("gold", 1, 9_000_000, 400),)}
)
RULE = LoyaltyRule("2026-01-01", RULES)

histories = st.builds(
    CustomerHistory,
    brand=st.sampled_from([None, "启岳", "星驰"]),
    visits=st.integers(0, 20),
    recent_visits=st.integers(0, 12),
    recent_cents=st.integers(0, 12_000_000),
    last_visit_at=st.none() | st.integers(0, 500).map(lambda ago: NOW - days(ago)),
    stores=st.just(["S01"]),
)


def rank(history: CustomerHistory, now: datetime = NOW) -> int:
    return RANKS[RULE.tier_of(history, now)]


@given(histories, st.integers(0, 5), st.integers(0, 5_000_000))
def test_more_visits_and_spend_never_lower_tier(
    history: CustomerHistory, visits: int, cents: int
) -> None:
    more = replace(
        history,
        recent_visits=history.recent_visits + visits,
        recent_cents=history.recent_cents + cents,
    )
    assert rank(more) >= rank(history)


@given(histories, st.integers(0, 400))
def test_inactive_customer_loses_tier(history: CustomerHistory, later: int) -> None:
    assert rank(history, NOW + days(later)) <= rank(history)
    assert rank(history, NOW + days(401)) == 0


@given(histories, st.sampled_from(PLAIN))
def test_tier_is_reached_exactly_at_threshold(history: CustomerHistory, tier: LoyaltyTier) -> None:
    within = days(tier.max_days_since_last_visit)
    met = replace(
        history,
        brand="启岳",
        recent_visits=tier.visits,
        recent_cents=tier.spend_cents,
        last_visit_at=NOW - within,
    )
    assert RULE.tier_of(met, NOW) == tier.tier
    for short in (
        replace(met, recent_visits=tier.visits - 1),
        replace(met, recent_cents=tier.spend_cents - 1),
        replace(met, last_visit_at=NOW - within - timedelta(microseconds=1)),
    ):
        assert rank(short) < rank(met)


def test_brand_has_own_tier_thresholds() -> None:
    regular = CustomerHistory("启岳", 9, 9, 9_000_000, NOW, ["S01"])
    assert RULE.tier_of(regular, NOW) == "gold"
    assert RULE.tier_of(replace(regular, brand="星驰"), NOW) == "gold"
    assert RULE.tier_of(replace(regular, brand="星驰", recent_cents=8_999_999), NOW) is None


def test_unknown_tier_is_passed_over() -> None:
    rules = RULES.model_copy(update={"tiers": (tier("platinum", 7, 0, 99), *PLAIN)})
    history = CustomerHistory("启岳", 9, 9, 9_000_000, NOW, ["S01"])
    assert LoyaltyRule("2026-01-01", rules).tier_of(history, NOW) == "gold"


@given(st.sets(st.dates(date(2020, 1, 1), date(2030, 1, 1))), st.dates())
def test_latest_started_rule_version_applies(beginnings: set[date], day: date) -> None:
    versions = [RuleVersion(valid_from=each.isoformat(), content=RULES) for each in beginnings]
    begun = [each for each in beginnings if each <= day]
    rule = rule_on(versions, day)
    assert (rule and rule.valid_from) == (max(begun).isoformat() if begun else None)


def test_no_rule_holds_after_its_end() -> None:
    versions = [
        RuleVersion(valid_from="2026-01-01", content=RULES),
        RuleVersion(valid_from="2026-03-01", content=None),
    ]
    assert rule_on(versions, date(2026, 2, 28)) == RULE
    assert rule_on(versions, date(2026, 3, 1)) is None


def test_customer_has_best_tier_of_their_vehicles() -> None:
    plain = CustomerHistory("启岳", 9, 2, 9_000_000, NOW, ["S01"])
    assert best_tier(RULE, [plain, replace(plain, brand="星驰")], NOW) == "gold"
    assert best_tier(RULE, [plain], NOW) == "bronze"
    assert best_tier(RULE, [], NOW) is None


def test_comparison_counts_customers_whose_tier_differs() -> None:
    change = compare(
        {"a": "gold", "b": "bronze", "c": None, "d": "bronze"},
        {"a": "silver", "b": "bronze", "c": "bronze", "d": None},
    )
    assert change.before == {"gold": 1, "bronze": 2, None: 1}
    assert change.after == {"silver": 1, "bronze": 2, None: 1}
    assert (change.raised, change.lowered) == (1, 2)


def test_tiers_are_those_that_rules_may_name() -> None:
    assert get_args(Tier) == LOYALTY_TIERS


def invoice(order: str, total: int, **payers: int) -> InvoiceIssued:
    payer_splits = [
        PayerSplit(payer=payer, amount_cents=cents, due_at=NOW) for payer, cents in payers.items()
    ]
    return InvoiceIssued(
        store_id="S01",
        order_id=order,
        invoice_id=f"i-{order}",
        lines=(),
        labor_cents=total,
        parts_cents=0,
        tax_cents=0,
        total_cents=total,
        payer_splits=tuple(payer_splits),
        due_at=NOW,
        issued_at=NOW,
    )


def credit_note(order: str, total: int) -> CreditNoteIssued:
    return CreditNoteIssued(
        store_id="S01",
        order_id=order,
        credit_note_id=f"n-{order}-{total}",
        invoice_id=f"i-{order}",
        lines=(),
        tax_cents=0,
        total_cents=total,
        balance_cents=0,
        reason="wrong_price",
        issued_by="S01-manager-1",
        issued_at=NOW,
    )


def test_spend_is_customer_invoices_less_credit_notes() -> None:
    events = [
        invoice("o-1", 50_000, customer=30_000, manufacturer=20_000),
        credit_note("o-1", 500),
        credit_note("o-1", 100),
        invoice("o-2", 7_000),
        invoice("o-3", 9_000, manufacturer=9_000),
    ]
    assert spend_by_order(events) == {
        ("S01", "o-1"): 29_400,
        ("S01", "o-2"): 7_000,
        ("S01", "o-3"): 0,
    }
