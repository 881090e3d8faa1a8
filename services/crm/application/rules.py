"""Rules that management decides on, as a transaction finds them."""

from collections.abc import Sequence
from datetime import date, datetime

from services.crm.application.deps import Deps
from services.crm.domain import loyalty, message_rules
from services.crm.domain.loyalty import LoyaltyRule
from services.crm.domain.message import Language, MessageType, QuietHours
from services.crm.domain.message_rules import StoreMessageRules
from shared.contracts.management import MessageTemplate, RuleSetDefined, RuleVersion
from shared.db import Connection
from shared.master_data import NotDefinedError

_LOYALTY = "loyalty"
_MESSAGES = "messages"


async def loyalty_rule(connection: Connection, day: date, deps: Deps) -> LoyaltyRule:
    """Return the loyalty rules that hold on ``day``.

    Raises:
        NotDefinedError: there are none.
    """
    found = await deps.master_data.get(connection, RuleSetDefined, [_LOYALTY])
    rule = loyalty.rule_on(_versions(found.get(_LOYALTY)), day)
    if rule is None:
        raise NotDefinedError("loyalty rules")
    return rule


async def store_message_rules(
    connection: Connection, store_id: str, now: datetime, deps: Deps
) -> StoreMessageRules:
    """Return the rules of messages that hold on a store's day at ``now``."""
    own, group = f"{_MESSAGES}.{store_id}", _MESSAGES
    found = await deps.master_data.get(connection, RuleSetDefined, [own, group])
    day = deps.config.stores[store_id].local_day(now)
    return message_rules.rules_on(_versions(found.get(own)), _versions(found.get(group)), day)


async def quiet_hours(
    connection: Connection, store_id: str, now: datetime, deps: Deps
) -> QuietHours:
    """Return the quiet hours of a store on its day at ``now``.

    Raises:
        NotDefinedError: there are none.
    """
    rules = await store_message_rules(connection, store_id, now, deps)
    if rules.quiet_hours is None:
        raise NotDefinedError("quiet hours of messages")
    return rules.quiet_hours


def template_of(
    rules: StoreMessageRules, message_type: MessageType, language: Language
) -> MessageTemplate:
    """Return the wording of a message.

    Raises:
        NotDefinedError: there is none.
    """
    template = rules.template(message_type, language)
    if template is None:
        raise NotDefinedError(f"templates of {message_type} in {language}")
    return template


def _versions(rule_set: RuleSetDefined | None) -> Sequence[RuleVersion]:
    return rule_set.versions if rule_set else ()
