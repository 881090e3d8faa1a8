"""Rectifications (整改): what was found to be wrong, its owner, its deadline and its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from shared.contracts.reception import DailyCheckRecorded, FeedbackGiven
from shared.contracts.reporting import (
    RectificationClosed,
    RectificationOpened,
    RectificationOverdue,
    RectificationSource,
)
from shared.contracts.violations import RuleViolation

Result = Literal["corrected", "unfounded"]

State = Literal["open", "overdue", "closed"]

LOWEST_ACCEPTABLE_RATING = 3
"""A rating below this one leads to a corrective action."""


@dataclass(frozen=True)
class Finding:
    """What a feedback or a daily check found to be wrong, the worst first."""

    source: RectificationSource
    source_id: str
    order_id: str | None
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """Whose task it is: the role, and days until it is due. Without ``subject`` for all others."""

    source: RectificationSource
    subject: str | None
    role: str
    days: int


@dataclass(frozen=True)
class Rectification:
    """One thing to be put right."""

    rectification_id: str
    store_id: str
    source: RectificationSource
    source_id: str
    order_id: str | None
    subjects: tuple[str, ...]
    owner_id: str
    due_at: datetime
    opened_at: datetime
    overdue_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    result: Result | None = None


def finding_from(event: FeedbackGiven | DailyCheckRecorded) -> Finding | None:
    """What is to be put right after a feedback with a bad mark, or a check with a failed item."""
    if isinstance(event, DailyCheckRecorded):
        finding = Finding("daily_check", event.check_id, None, event.failed)
    else:
        marks = {
            "attitude": event.attitude,
            "technique": event.technique,
            "quality": event.quality,
        }
        bad = [subject for subject, mark in marks.items() if mark < LOWEST_ACCEPTABLE_RATING]
        worst_first = tuple(sorted(bad, key=lambda subject: marks[subject]))
        finding = Finding("feedback", event.order_id, event.order_id, worst_first)
    return finding if finding.subjects else None


def rule_for(rules: Sequence[Rule], finding: Finding) -> Rule:
    """The rule of the source for the worst subject, else its general one, else its first."""
    own = [rule for rule in rules if rule.source == finding.source]
    worst = finding.subjects[0]
    exact = [rule for rule in own if rule.subject == worst]
    general = [rule for rule in own if rule.subject is None]
    return (exact or general or own)[0]


def open_action(
    finding: Finding,
    *,
    rectification_id: str,
    store_id: str,
    owners: Sequence[str],
    open_count_by_owner: Mapping[str, int],
    days: int,
    now: datetime,
) -> tuple[Rectification, list[RectificationOpened]]:
    """Give the finding to the one of ``owners`` with the fewest open ones."""
    owner_id = min(owners, key=lambda each: (open_count_by_owner.get(each, 0), each))
    opened = Rectification(
        rectification_id=rectification_id,
        store_id=store_id,
        source=finding.source,
        source_id=finding.source_id,
        order_id=finding.order_id,
        subjects=finding.subjects,
        owner_id=owner_id,
        due_at=now + timedelta(days=days),
        opened_at=now,
    )
    event = RectificationOpened(
        store_id=store_id,
        rectification_id=rectification_id,
        source=finding.source,
        source_id=finding.source_id,
        order_id=finding.order_id,
        subjects=finding.subjects,
        owner_id=owner_id,
        due_at=opened.due_at,
        opened_at=now,
    )
    return opened, [event]


def overdue(
    rectification: Rectification, now: datetime
) -> tuple[Rectification, list[RectificationOverdue]]:
    """Its time is over: an event, once, if it is still open."""
    if rectification.closed_at or rectification.overdue_at:
        return rectification, []
    event = RectificationOverdue(
        store_id=rectification.store_id,
        rectification_id=rectification.rectification_id,
        owner_id=rectification.owner_id,
        due_at=rectification.due_at,
    )
    return replace(rectification, overdue_at=now), [event]


def close(
    rectification: Rectification, result: Result, closed_by: str, *, may: bool, now: datetime
) -> tuple[Rectification, list[RectificationClosed]]:
    """End it with a result; ``may`` says that the caller is allowed to, if not the owner."""
    if rectification.closed_at:
        raise RuleViolation(
            "rectification_closed",
            "The rectification is closed already.",
            field="rectification_id",
            kind="conflict",
            by=rectification.closed_by,
            at=rectification.closed_at.isoformat(),
        )
    if not may and closed_by != rectification.owner_id:
        raise RuleViolation(
            "not_the_owner",
            f"The rectification belongs to {rectification.owner_id}.",
            field="rectification_id",
            kind="forbidden",
        )
    event = RectificationClosed(
        store_id=rectification.store_id,
        rectification_id=rectification.rectification_id,
        result=result,
        closed_by=closed_by,
        closed_at=now,
    )
    closed = replace(rectification, closed_at=now, closed_by=closed_by, result=result)
    return closed, [event]
