"""The tier of a customer by visits, last visit, spend and brand (R25)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.group import GROUP_FOLDER
from services.crm.clients.loyalty import load_loyalty_rules
from services.crm.domain.loyalty import (
    CustomerHistory,
    LoyaltyRule,
    Threshold,
    Tier,
    rule_on,
    spend_by_order,
)
from shared.contracts.reception import CreditNoteIssued, InvoiceIssued, PayerSplit

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
RANKS: dict[Tier | None, int] = {None: 0, "bronze": 1, "silver": 2, "gold": 3}


def days(number: int) -> timedelta:
    return timedelta(days=number)


PLAIN = (
    Threshold("gold", 6, 1_000_000, days(240)),
    Threshold("silver", 4, 400_000, days(300)),
    Threshold("bronze", 2, 50_000, days(365)),
)
RULE = LoyaltyRule(
    date(2026, 1, 1), days(730), PLAIN, {"星驰": (Threshold("gold", 1, 9_000_000, days(400)),)}
)

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
def test_tier_is_reached_exactly_at_threshold(history: CustomerHistory, tier: Threshold) -> None:
    met = replace(
        history,
        brand="启岳",
        recent_visits=tier.visits,
        recent_cents=tier.spend_cents,
        last_visit_at=NOW - tier.within,
    )
    assert RULE.tier_of(met, NOW) == tier.tier
    for short in (
        replace(met, recent_visits=tier.visits - 1),
        replace(met, recent_cents=tier.spend_cents - 1),
        replace(met, last_visit_at=NOW - tier.within - timedelta(microseconds=1)),
    ):
        assert rank(short) < RANKS[tier.tier]


def test_brand_has_own_tier_thresholds() -> None:
    regular = CustomerHistory("启岳", 9, 9, 9_000_000, NOW, ["S01"])
    assert RULE.tier_of(regular, NOW) == "gold"
    assert RULE.tier_of(replace(regular, brand="星驰"), NOW) == "gold"
    assert RULE.tier_of(replace(regular, brand="星驰", recent_cents=8_999_999), NOW) is None


@given(st.sets(st.dates(date(2020, 1, 1), date(2030, 1, 1)), min_size=1), st.dates())
def test_latest_started_rule_version_applies(beginnings: set[date], day: date) -> None:
    rules = [replace(RULE, valid_from=each) for each in sorted(beginnings)]
    begun = [each for each in beginnings if each <= day]
    assert rule_on(rules, day).valid_from == max(begun, default=min(beginnings))


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


def test_group_loyalty_rule_is_readable() -> None:
    first, *_ = load_loyalty_rules(GROUP_FOLDER)
    assert [each.tier for each in first.tiers] == ["gold", "silver", "bronze"]


@pytest.mark.parametrize(
    ("replaced", "by", "named"),
    [
        ("visits: 4", "visits: 7", "silver asks for more than gold"),
        ("spend_cents: 50000,", "spend_cents: 500000,", "bronze asks for more than silver"),
        (
            "max_days_since_last_visit: 300}",
            "max_days_since_last_visit: 200}",
            "silver asks for more than gold",
        ),
        ("tier: bronze", "tier: tin", "'gold', 'silver' or 'bronze'"),
        ("visits: 6", "visits: -1", "greater than or equal to 0"),
    ],
)
def test_contradictory_loyalty_rule_is_rejected(
    tmp_path: Path, replaced: str, by: str, named: str
) -> None:
    text = (GROUP_FOLDER / "loyalty.yaml").read_text().replace(replaced, by, 1)
    (tmp_path / "loyalty.yaml").write_text(text)
    with pytest.raises(ValueError, match=named):
        load_loyalty_rules(tmp_path)


def test_rule_versions_out_of_order_are_rejected(tmp_path: Path) -> None:
    version = "  - {{valid_from: {day}, period_days: 10, tiers: []}}\n"
    text = "rules:\n" + version.format(day="2026-02-01") + version.format(day="2026-01-01")
    (tmp_path / "loyalty.yaml").write_text(text)
    with pytest.raises(ValueError, match="order of their days"):
        load_loyalty_rules(tmp_path)
