"""Rules of settlement of one store: its own, and the group's for what they leave out (R40)."""

from datetime import date

from services.reception.domain.claim import ClaimRules
from services.reception.domain.settlement import (
    DiscountGiven,
    StoreSettlement,
    compare,
    store_rules,
)
from shared.contracts.dated import content_on
from shared.contracts.management import RuleVersion, SettlementRules

DAY, LATER = date(2026, 3, 4), date(2026, 4, 1)
GROUP = SettlementRules(
    service_advisor_discount_bp=500,
    service_manager_discount_bp=2_000,
    group_manager_discount_bp=10_000,
    dunning_days=(7, 15, 30),
    claim_submission_days=15,
    claim_decision_days=30,
    claim_submission_reminder_days=(-3, 0, 3),
    claim_decision_reminder_days=(0, 7, 14),
)


def version(day: date, content: SettlementRules | None) -> RuleVersion:
    return RuleVersion(valid_from=day.isoformat(), content=content)


def test_store_without_own_rules_has_group_rules() -> None:
    assert store_rules(GROUP, None) == StoreSettlement(
        discount_limit_bp={
            "service_advisor": 500,
            "service_manager": 2_000,
            "group_manager": 10_000,
        },
        dunning_days=(7, 15, 30),
        claims=ClaimRules(15, 30, (-3, 0, 3), (0, 7, 14)),
    )


def test_own_values_replace_group_values_alone() -> None:
    own = SettlementRules(service_advisor_discount_bp=0, dunning_days=(3,))
    rules = store_rules(GROUP, own)
    assert rules.discount_limit_bp["service_advisor"] == 0
    assert rules.discount_limit_bp["service_manager"] == 2_000
    assert (rules.dunning_days, rules.claims.decision_days) == ((3,), 30)


def test_own_limit_is_no_higher_than_group_limit() -> None:
    own = SettlementRules(service_advisor_discount_bp=501, service_manager_discount_bp=1_999)
    assert store_rules(GROUP, own).discount_limit_bp == {
        "service_advisor": 500,
        "service_manager": 1_999,
        "group_manager": 10_000,
    }


def test_rules_hold_from_their_day() -> None:
    versions = [version(DAY, GROUP), version(LATER, None)]
    assert content_on(versions, date(2026, 3, 3)) is None
    assert content_on(versions, date(2026, 3, 31)) == GROUP
    assert content_on(versions, LATER) is None


def test_lower_limit_raises_the_approving_role() -> None:
    discounts = [DiscountGiven("S01", amount, 10_000) for amount in (100, 101, 500, 2_001, 10_000)]
    present = store_rules(GROUP, None)
    lower = SettlementRules(service_advisor_discount_bp=100, group_manager_discount_bp=5_000)
    considered = store_rules(GROUP, lower)
    change = compare(discounts, {"S01": present}, {"S01": considered})
    assert change.before == {"service_advisor": 3, "group_manager": 2}
    assert change.after == {
        "service_advisor": 1,
        "service_manager": 2,
        "group_manager": 1,
        None: 1,
    }
    assert (change.higher, change.lower) == (3, 0)
    back = compare(discounts, {"S01": considered}, {"S01": present})
    assert (back.higher, back.lower) == (0, 3)
