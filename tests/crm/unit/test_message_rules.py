"""Rules of messages in a store: its own over the group's, by the day (R9, R40)."""

from datetime import date, time

from services.crm.domain.message import QuietHours
from services.crm.domain.message_rules import StoreMessageRules
from shared.contracts.dated import content_on
from shared.contracts.management import (
    MessageRules,
    MessageTemplate,
    RuleVersion,
)
from shared.contracts.management import (
    QuietHours as QuietHoursRule,
)


def wording(text: str) -> MessageTemplate:
    return MessageTemplate(title="t", text=text)


def since(day: str, content: MessageRules | None) -> RuleVersion:
    return RuleVersion(valid_from=day, content=content)


GROUP = MessageRules(
    quiet_hours=QuietHoursRule(starts="20:00", ends="08:00"),
    notify_at_risk=False,
    most_calls=3,
    templates={"ready": {"zh": wording("好了"), "en": wording("ready")}},
)


def test_store_without_own_rules_has_group_rules() -> None:
    rules = StoreMessageRules(MessageRules(), GROUP)
    assert rules.quiet_hours == QuietHours(time(20), time(8))
    assert (rules.notify_at_risk, rules.most_calls) == (False, 3)
    assert rules.template("ready", "en") == wording("ready")


def test_own_rules_replace_only_what_they_give() -> None:
    own = MessageRules(notify_at_risk=True, templates={"ready": {"zh": wording("可以取车")}})
    rules = StoreMessageRules(own, GROUP)
    assert rules.quiet_hours == QuietHours(time(20), time(8))
    assert rules.notify_at_risk is True
    assert rules.template("ready", "zh") == wording("可以取车")
    assert rules.template("ready", "en") == wording("ready")


def test_own_rules_hold_until_their_end() -> None:
    own = [
        since("2026-03-04", MessageRules(notify_at_risk=True)),
        since("2026-03-06", None),
    ]
    held = [content_on(own, date(2026, 3, day)) for day in (3, 4, 5, 6)]
    told = [
        StoreMessageRules(
            each if isinstance(each, MessageRules) else MessageRules(), GROUP
        ).notify_at_risk
        for each in held
    ]
    assert told == [False, True, True, False]


def test_customers_are_not_told_of_risks_without_rules() -> None:
    rules = StoreMessageRules(MessageRules(), MessageRules())
    assert rules.notify_at_risk is False
    assert rules.quiet_hours is None
    assert rules.template("ready", "zh") is None
