"""Rules that management decides on, as a transaction finds them."""

from datetime import date, datetime

from services.crm.application.deps import Deps
from services.crm.domain import loyalty, survey
from services.crm.domain.follow_up import CallRules, call_rules
from services.crm.domain.follow_up_reason import ReasonRules
from services.crm.domain.loyalty import LoyaltyRule
from services.crm.domain.message import Language, MessageType, QuietHours
from services.crm.domain.message_rules import StoreMessageRules
from services.crm.domain.survey import AskedVersion
from services.crm.domain.working_time import WorkingTime
from shared.contracts.dated import version_on
from shared.contracts.management import (
    ComplaintRules,
    FollowUpReasonRules,
    FollowUpRules,
    MessageRules,
    MessageTemplate,
    Questionnaire,
    RuleSetDefined,
)
from shared.db import Connection
from shared.group import Store
from shared.master_data import NotDefinedError

_LOYALTY, _QUESTIONNAIRE = "loyalty", "questionnaire"


async def loyalty_rule(connection: Connection, day: date, deps: Deps) -> LoyaltyRule:
    """Return the loyalty rules that hold on ``day``.

    Raises:
        NotDefinedError: there are none.
    """
    found = await deps.group.master_data.get(connection, RuleSetDefined, [_LOYALTY])
    rule = loyalty.rule_on(found[_LOYALTY].versions, day) if found else None
    if rule is None:
        raise NotDefinedError("loyalty rules")
    return rule


async def store_message_rules(
    connection: Connection, store: Store, now: datetime, deps: Deps
) -> StoreMessageRules:
    """Return the rules of messages that hold on a store's day at ``now``."""
    own, group = await deps.group.rules(connection, MessageRules, store.id, store.local_day(now))
    return StoreMessageRules(own or MessageRules(), group or MessageRules())


async def quiet_hours(
    connection: Connection, store: Store, now: datetime, deps: Deps
) -> QuietHours:
    """Return the quiet hours of a store on its day at ``now``.

    Raises:
        NotDefinedError: there are none.
    """
    rules = await store_message_rules(connection, store, now, deps)
    if rules.quiet_hours is None:
        raise NotDefinedError("quiet hours of messages")
    return rules.quiet_hours


async def most_calls(connection: Connection, store: Store, now: datetime, deps: Deps) -> int:
    """Return how often a customer is called about a message, on the store's day at ``now``.

    Raises:
        NotDefinedError: no rule says so.
    """
    rules = await store_message_rules(connection, store, now, deps)
    if rules.most_calls is None:
        raise NotDefinedError("numbers of calls about a message")
    return rules.most_calls


async def follow_up_rules(
    connection: Connection, store: Store, now: datetime, deps: Deps
) -> CallRules:
    """Return the rules of follow-up that hold on a store's day at ``now``.

    Raises:
        NotDefinedError: there are none.
    """
    own, group = await deps.group.rules(connection, FollowUpRules, store.id, store.local_day(now))
    if group is None:
        raise NotDefinedError("follow-up rules")
    return call_rules(group, own)


async def reason_rules(
    connection: Connection, store: Store, now: datetime, deps: Deps
) -> ReasonRules:
    """Return the reasons for which a store calls customers on its day at ``now``."""
    found = await deps.group.rules_on(
        connection, FollowUpReasonRules, store.id, store.local_day(now)
    )
    return ReasonRules.of(found)


async def questionnaire_on(connection: Connection, day: date, deps: Deps) -> AskedVersion | None:
    """Return the questionnaire that holds on ``day``, None where the group has none."""
    found = await deps.group.master_data.get(connection, RuleSetDefined, [_QUESTIONNAIRE])
    version = version_on(found[_QUESTIONNAIRE].versions, day) if found else None
    if version is None or not isinstance(version.content, Questionnaire):
        return None
    return survey.version_of(version.valid_from, version.content)


async def complaint_rules(
    connection: Connection, store: Store, now: datetime, deps: Deps
) -> ComplaintRules:
    """Return the rules of complaints that hold on a store's day at ``now``."""
    return await deps.group.rules_on(connection, ComplaintRules, store.id, store.local_day(now))


async def working_time_of(connection: Connection, store: Store, deps: Deps) -> WorkingTime:
    """Return the working time of a store.

    Raises:
        NotDefinedError: the working calendar is not defined.
    """
    calendar = await deps.group.calendar(connection)
    return WorkingTime(
        store.timezone,
        store.opening,
        store.closing,
        lambda day: day not in store.closed_days and calendar.works_on(day),
    )


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
