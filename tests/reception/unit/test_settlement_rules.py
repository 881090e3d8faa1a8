"""Rules of settlement of one store: its own, and the group's for what they leave out (R40)."""

from datetime import date

from services.reception.domain.claim import ClaimRules
from services.reception.domain.settlement import StoreSettlement, rules_on
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
    expected = StoreSettlement(
        discount_limit_bp={
            "service_advisor": 500,
            "service_manager": 2_000,
            "group_manager": 10_000,
        },
        dunning_days=(7, 15, 30),
        claims=ClaimRules(15, 30, (-3, 0, 3), (0, 7, 14)),
    )
    assert rules_on([], [version(DAY, GROUP)], DAY) == expected
    assert rules_on([version(DAY, None)], [version(DAY, GROUP)], DAY) == expected


def test_own_values_replace_group_values_alone() -> None:
    own = SettlementRules(service_advisor_discount_bp=0, dunning_days=(3,))
    rules = rules_on([version(DAY, own)], [version(DAY, GROUP)], DAY)
    assert rules is not None
    assert rules.discount_limit_bp["service_advisor"] == 0
    assert rules.discount_limit_bp["service_manager"] == 2_000
    assert (rules.dunning_days, rules.claims.decision_days) == ((3,), 30)


def test_rules_hold_from_their_day() -> None:
    changed = GROUP.model_copy(update={"claim_decision_days": 20})
    versions = [version(DAY, GROUP), version(LATER, changed)]
    days = [
        rules.claims.decision_days
        for day in (DAY, date(2026, 3, 31), LATER)
        if (rules := rules_on([], versions, day))
    ]
    assert days == [30, 30, 20]


def test_day_without_group_rules_has_none() -> None:
    own = SettlementRules(claim_decision_days=1)
    assert rules_on([version(DAY, own)], [version(LATER, GROUP)], DAY) is None
