"""Rules of messages in a store: its own over the group's, by the day (R9, R40)."""

from datetime import date, time

from services.crm.domain.message import QuietHours
from services.crm.domain.message_rules import rules_on
from shared.contracts.management import (
    MessageRules,
    MessageTemplate,
    RuleVersion,
)
from shared.contracts.management import (
    QuietHours as QuietHoursRule,
)

DAY = date(2026, 3, 4)


def wording(text: str) -> MessageTemplate:
    return MessageTemplate(title="t", text=text)


def since(day: str, content: MessageRules | None) -> RuleVersion:
    return RuleVersion(valid_from=day, content=content)


GROUP = MessageRules(
    quiet_hours=QuietHoursRule(starts="20:00", ends="08:00"),
    notify_at_risk=False,
    templates={"ready": {"zh": wording("好了"), "en": wording("ready")}},
)
BY_GROUP = [since("2026-01-01", GROUP)]


def test_store_without_own_rules_has_group_rules() -> None:
    rules = rules_on([], BY_GROUP, DAY)
    assert rules.quiet_hours == QuietHours(time(20), time(8))
    assert rules.notify_at_risk is False
    assert rules.template("ready", "en") == wording("ready")


def test_own_rules_replace_only_what_they_give() -> None:
    own = MessageRules(notify_at_risk=True, templates={"ready": {"zh": wording("可以取车")}})
    rules = rules_on([since("2026-03-04", own)], BY_GROUP, DAY)
    assert rules.quiet_hours == QuietHours(time(20), time(8))
    assert rules.notify_at_risk is True
    assert rules.template("ready", "zh") == wording("可以取车")
    assert rules.template("ready", "en") == wording("ready")


def test_own_rules_hold_until_their_end() -> None:
    own = [
        since("2026-03-04", MessageRules(notify_at_risk=True)),
        since("2026-03-06", None),
    ]
    told = [rules_on(own, BY_GROUP, date(2026, 3, day)).notify_at_risk for day in (3, 4, 5, 6)]
    assert told == [False, True, True, False]


def test_customers_are_not_told_of_risks_without_rules() -> None:
    rules = rules_on([], [], DAY)
    assert rules.notify_at_risk is False
    assert rules.quiet_hours is None
    assert rules.template("ready", "zh") is None
