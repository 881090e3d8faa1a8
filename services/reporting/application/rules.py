"""Rules that management decides on, as a transaction finds them."""

from collections.abc import Sequence
from datetime import datetime

from services.reporting.application.deps import Deps
from services.reporting.domain import corrective_action as corrective_actions
from services.reporting.domain.corrective_action import Finding
from shared.contracts.management import CorrectiveActionRule, RuleSetDefined, RuleVersion
from shared.db import Connection
from shared.master_data import NotDefinedError

_CORRECTIVE_ACTIONS = "corrective_actions"


async def corrective_action_rule(
    connection: Connection, store_id: str, finding: Finding, now: datetime, deps: Deps
) -> CorrectiveActionRule:
    """Return the rule for a finding that holds on a store's day at ``now``.

    Raises:
        NotDefinedError: there is none.
    """
    own, group = f"{_CORRECTIVE_ACTIONS}.{store_id}", _CORRECTIVE_ACTIONS
    found = await deps.group.master_data.get(connection, RuleSetDefined, [own, group])
    day = (await deps.group.store(connection, store_id)).local_day(now)
    rule = corrective_actions.rule_for(
        corrective_actions.rules_on(_versions(found.get(own)), day),
        corrective_actions.rules_on(_versions(found.get(group)), day),
        finding,
    )
    if rule is None:
        raise NotDefinedError(f"rules of corrective actions after {finding.source}")
    return rule


def _versions(rule_set: RuleSetDefined | None) -> Sequence[RuleVersion]:
    return rule_set.versions if rule_set else ()
