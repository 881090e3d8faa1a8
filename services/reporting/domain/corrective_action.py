"""Corrective actions (整改): finding, owner, deadline and end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from shared.contracts.dated import version_on
from shared.contracts.management import CorrectiveActionRule, CorrectiveActionRules, RuleVersion
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.reporting import (
    CorrectiveActionClosed,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
    CorrectiveActionSource,
)
from shared.contracts.violations import RuleViolation

Result = Literal["corrected", "unfounded"]

State = Literal["open", "overdue", "closed"]

LOWEST_ACCEPTABLE_RATING = 3
"""Lowest rating that leads to no corrective action."""


@dataclass(frozen=True)
class Finding:
    """Findings of a feedback or a facility check, the worst first."""

    source: CorrectiveActionSource
    source_id: str
    order_id: str | None
    findings: tuple[str, ...]


@dataclass(frozen=True)
class CorrectiveAction:
    """One corrective action."""

    corrective_action_id: str
    store_id: str
    source: CorrectiveActionSource
    source_id: str
    order_id: str | None
    findings: tuple[str, ...]
    owner_id: str
    due_at: datetime
    opened_at: datetime
    overdue_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    result: Result | None = None


def finding_from(event: FeedbackSubmitted | FacilityCheckCompleted) -> Finding | None:
    """Return the finding of a feedback with a bad rating or a check with a failed item."""
    if isinstance(event, FacilityCheckCompleted):
        finding = Finding("facility_check", event.check_id, None, event.failed)
    else:
        ratings = {
            "service_attitude": event.service_attitude,
            "technical_skill": event.technical_skill,
            "work_quality": event.work_quality,
        }
        bad = [finding for finding, rating in ratings.items() if rating < LOWEST_ACCEPTABLE_RATING]
        worst_first = tuple(sorted(bad, key=lambda finding: ratings[finding]))
        finding = Finding("feedback", event.order_id, event.order_id, worst_first)
    return finding if finding.findings else None


def rules_on(versions: Iterable[RuleVersion], day: date) -> Sequence[CorrectiveActionRule]:
    """Return the rules that hold on ``day``, none where no version does."""
    version = version_on(versions, day)
    content = version.content if version else None
    return content.rules if isinstance(content, CorrectiveActionRules) else ()


def rule_for(
    own: Sequence[CorrectiveActionRule], group: Sequence[CorrectiveActionRule], finding: Finding
) -> CorrectiveActionRule | None:
    """Return the store's own rule for the worst finding or its general one, else the group's.

    Without either, it is the group's first rule of the source, if there is one.
    """
    for rules in (own, group):
        for wanted in (finding.findings[0], None):
            for rule in rules:
                if rule.source == finding.source and rule.finding == wanted:
                    return rule
    return next((rule for rule in group if rule.source == finding.source), None)


def open_action(
    finding: Finding,
    *,
    corrective_action_id: str,
    store_id: str,
    owners: Sequence[str],
    open_count_by_owner: Mapping[str, int],
    days: int,
    now: datetime,
) -> tuple[CorrectiveAction, list[CorrectiveActionOpened]]:
    """Assign the finding to the one of ``owners`` with the fewest open corrective actions."""
    owner_id = min(owners, key=lambda each: (open_count_by_owner.get(each, 0), each))
    opened = CorrectiveAction(
        corrective_action_id=corrective_action_id,
        store_id=store_id,
        source=finding.source,
        source_id=finding.source_id,
        order_id=finding.order_id,
        findings=finding.findings,
        owner_id=owner_id,
        due_at=now + timedelta(days=days),
        opened_at=now,
    )
    event = CorrectiveActionOpened(
        store_id=store_id,
        corrective_action_id=corrective_action_id,
        source=finding.source,
        source_id=finding.source_id,
        order_id=finding.order_id,
        findings=finding.findings,
        owner_id=owner_id,
        due_at=opened.due_at,
        opened_at=now,
    )
    return opened, [event]


def overdue(
    corrective_action: CorrectiveAction, now: datetime
) -> tuple[CorrectiveAction, list[CorrectiveActionOverdue]]:
    """Return the event of a missed deadline, once, if it is still open."""
    if corrective_action.closed_at or corrective_action.overdue_at:
        return corrective_action, []
    event = CorrectiveActionOverdue(
        store_id=corrective_action.store_id,
        corrective_action_id=corrective_action.corrective_action_id,
        owner_id=corrective_action.owner_id,
        due_at=corrective_action.due_at,
    )
    return replace(corrective_action, overdue_at=now), [event]


def close(
    corrective_action: CorrectiveAction, result: Result, closed_by: str, *, may: bool, now: datetime
) -> tuple[CorrectiveAction, list[CorrectiveActionClosed]]:
    """Close it with a result; ``may`` says that the caller may close another owner's."""
    if corrective_action.closed_at:
        raise RuleViolation(
            "corrective_action_closed",
            "The corrective action is closed already.",
            field="corrective_action_id",
            kind="conflict",
            by=corrective_action.closed_by,
            at=corrective_action.closed_at.isoformat(),
        )
    if not may and closed_by != corrective_action.owner_id:
        raise RuleViolation(
            "not_the_owner",
            f"The corrective action belongs to {corrective_action.owner_id}.",
            field="corrective_action_id",
            kind="forbidden",
        )
    event = CorrectiveActionClosed(
        store_id=corrective_action.store_id,
        corrective_action_id=corrective_action.corrective_action_id,
        result=result,
        closed_by=closed_by,
        closed_at=now,
    )
    closed = replace(corrective_action, closed_at=now, closed_by=closed_by, result=result)
    return closed, [event]
