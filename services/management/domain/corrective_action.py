"""Corrective actions (整改): finding, owner, deadline, answer, end, and whether it worked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from services.management.domain.record import Version, content_on
from shared.contracts.crm import (
    ComplaintCauseRepeated,
    FollowUpCompleted,
    SurveyAnswered,
    SurveyMonthEvaluated,
)
from shared.contracts.management import (
    CorrectiveActionAnswered,
    CorrectiveActionAssessed,
    CorrectiveActionClosed,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
    CorrectiveActionRule,
    CorrectiveActionRules,
    CorrectiveActionSource,
)
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.versioned import Versioned, require_version
from shared.contracts.violations import RuleViolation
from shared.contracts.workshop import ComebackLinked, QualityInspectionFailed

Result = Literal["corrected", "unfounded"]

State = Literal["open", "overdue", "closed"]

FindingEvent = (
    FeedbackSubmitted
    | FacilityCheckCompleted
    | FollowUpCompleted
    | ComplaintCauseRepeated
    | QualityInspectionFailed
    | ComebackLinked
    | SurveyAnswered
)
"""Event that may tell a finding."""


@dataclass(frozen=True)
class Finding:
    """What was found to be wrong, the worst first: where, by whom, and which event tells it."""

    source: CorrectiveActionSource
    source_id: str
    source_event_id: str
    order_id: str | None
    findings: tuple[str, ...]
    found_by: str | None


@dataclass(frozen=True)
class CorrectiveAction(Versioned):
    """One corrective action; ``follows_id`` is the one that had no effect."""

    corrective_action_id: str
    store_id: str
    source: CorrectiveActionSource
    source_id: str
    source_event_id: str
    order_id: str | None
    findings: tuple[str, ...]
    found_by: str | None
    follows_id: str | None
    owner_id: str
    due_at: datetime
    opened_at: datetime
    overdue_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    result: Result | None = None
    assessed_at: datetime | None = None
    assessed_by: str | None = None
    is_effective: bool | None = None

    @property
    def finding(self) -> Finding:
        return Finding(
            self.source,
            self.source_id,
            self.source_event_id,
            self.order_id,
            self.findings,
            self.found_by,
        )


def finding_from(
    event: FindingEvent, event_id: str, lowest_acceptable_rating: int
) -> Finding | None:
    """Return the finding that an event tells, if it tells one.

    These are a rating under ``lowest_acceptable_rating`` at the counter or in a follow-up, a failed
    item of a facility check, rework that fails its inspection, a comeback, a repeated cause of
    complaints, and a factor of a survey whose mean is not acceptable. The first failed inspection
    of a job is none: rework follows it anyway.
    """
    match event:
        case ComplaintCauseRepeated():
            found = Finding(
                "complaint", event.complaint_id, event_id, None, (event.cause,), event.found_by
            )
        case FeedbackSubmitted():
            found = _of_feedback(event, event_id, lowest_acceptable_rating)
        case FacilityCheckCompleted():
            found = Finding(
                "facility_check", event.check_id, event_id, None, event.failed, event.checked_by
            )
        case FollowUpCompleted():
            is_bad = event.satisfaction and event.satisfaction < lowest_acceptable_rating
            found = Finding(
                "follow_up",
                event.follow_up_id,
                event_id,
                event.order_id,
                ("satisfaction",) if is_bad else (),
                event.agent_id,
            )
        case QualityInspectionFailed():
            found = Finding(
                "quality_inspection",
                event.job_id,
                event_id,
                event.order_id,
                event.failed_items if event.rework_of_job_id else (),
                event.inspector_id,
            )
        case ComebackLinked():
            found = Finding(
                "comeback", event.order_id, event_id, event.order_id, event.symptoms, None
            )
        case SurveyAnswered():
            found = Finding(
                "survey", event.survey_id, event_id, event.order_id, event.low_factors, None
            )
    return found if found.findings else None


def findings_of_month(event: SurveyMonthEvaluated, event_id: str) -> list[Finding]:
    """Return a finding for each weak factor of a store's month."""
    return [
        Finding(
            "survey_month",
            f"{event.store_id}/{event.month}/{factor}",
            event_id,
            None,
            (factor,),
            None,
        )
        for factor in event.weak_factors
    ]


def _of_feedback(event: FeedbackSubmitted, event_id: str, lowest: int) -> Finding:
    ratings = {
        "service_attitude": event.service_attitude,
        "technical_skill": event.technical_skill,
        "work_quality": event.work_quality,
    }
    bad = [finding for finding, rating in ratings.items() if rating < lowest]
    worst_first = tuple(sorted(bad, key=lambda finding: ratings[finding]))
    return Finding(
        "feedback", event.order_id, event_id, event.order_id, worst_first, event.recorded_by
    )


def rules_on(versions: Sequence[Version], day: date) -> Sequence[CorrectiveActionRule]:
    """Return the rules that hold on ``day``, none where no version does."""
    content = content_on(versions, day)
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


def least_loaded(owners: Sequence[str], open_count_by_owner: Mapping[str, int]) -> str:
    """Return the one of ``owners`` with the fewest open corrective actions; the first of equals."""
    return min(owners, key=lambda each: (open_count_by_owner.get(each, 0), each))


def open_action(
    finding: Finding,
    *,
    corrective_action_id: str,
    store_id: str,
    owner_id: str,
    days: int,
    now: datetime,
    follows_id: str | None = None,
) -> tuple[CorrectiveAction, list[CorrectiveActionOpened]]:
    """Give the finding to its owner, to be put right within ``days``."""
    opened = CorrectiveAction(
        **vars(finding),
        corrective_action_id=corrective_action_id,
        store_id=store_id,
        follows_id=follows_id,
        owner_id=owner_id,
        due_at=now + timedelta(days=days),
        opened_at=now,
    )
    event = CorrectiveActionOpened(
        **vars(finding),
        store_id=store_id,
        corrective_action_id=corrective_action_id,
        follows_id=follows_id,
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


def answer(
    corrective_action: CorrectiveAction, answered_by: str, seen: str, *, may: bool, now: datetime
) -> tuple[CorrectiveAction, list[CorrectiveActionAnswered]]:
    """State cause and measure, as often as they change until it is closed.

    ``may`` says that the caller may answer another owner's.

    Raises:
        RuleViolation: it is closed, belongs to another owner, or has changed since it was ``seen``.
    """
    _require_open(corrective_action)
    _require_owner(corrective_action, answered_by, may=may)
    require_version(corrective_action, seen)
    event = CorrectiveActionAnswered(
        store_id=corrective_action.store_id,
        corrective_action_id=corrective_action.corrective_action_id,
        answered_by=answered_by,
        answered_at=now,
    )
    return replace(corrective_action, answered_at=now, answered_by=answered_by), [event]


def close(
    corrective_action: CorrectiveAction,
    result: Result,
    closed_by: str,
    seen: str,
    *,
    may: bool,
    now: datetime,
) -> tuple[CorrectiveAction, list[CorrectiveActionClosed]]:
    """Close it with a result; ``may`` says that the caller may close another owner's.

    Raises:
        RuleViolation: it is closed, belongs to another owner, has changed since it was ``seen``, or
            was corrected although its cause and measure were not stated.
    """
    _require_open(corrective_action)
    _require_owner(corrective_action, closed_by, may=may)
    require_version(corrective_action, seen)
    if result == "corrected" and not corrective_action.answered_at:
        raise RuleViolation(
            "not_answered",
            "State the cause and the measure before you close it as corrected.",
            field="result",
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


def assess(
    corrective_action: CorrectiveAction,
    is_effective: bool,
    assessed_by: str,
    seen: str,
    *,
    may: bool,
    now: datetime,
) -> tuple[CorrectiveAction, list[CorrectiveActionAssessed]]:
    """Say whether it worked (整改验证), once it is closed.

    The person who found it says so, or a manager (``may``), but neither its owner nor who closed
    it. One without effect is not opened again but followed by another (:func:`follow_up`): each has
    one deadline, one answer and one end, so that no later word changes what a day's report counted.

    Raises:
        RuleViolation: it is open, assessed already, the caller's own, not for the caller to assess,
            or has changed since it was ``seen``.
    """
    if not corrective_action.closed_at:
        raise RuleViolation(
            "corrective_action_open",
            "The corrective action is not closed yet.",
            field="corrective_action_id",
            kind="conflict",
        )
    if corrective_action.assessed_at:
        raise RuleViolation(
            "corrective_action_assessed",
            "The corrective action is assessed already.",
            field="corrective_action_id",
            kind="conflict",
            by=corrective_action.assessed_by,
            at=corrective_action.assessed_at.isoformat(),
        )
    if assessed_by in (corrective_action.owner_id, corrective_action.closed_by):
        raise RuleViolation(
            "own_corrective_action",
            "Another person says whether a corrective action worked.",
            field="corrective_action_id",
            kind="forbidden",
        )
    if not may and assessed_by != corrective_action.found_by:
        raise RuleViolation(
            "not_the_finder",
            "A manager, or the person who found it, says whether a corrective action worked.",
            field="corrective_action_id",
            kind="forbidden",
        )
    require_version(corrective_action, seen)
    event = CorrectiveActionAssessed(
        store_id=corrective_action.store_id,
        corrective_action_id=corrective_action.corrective_action_id,
        is_effective=is_effective,
        assessed_by=assessed_by,
        assessed_at=now,
    )
    assessed = replace(
        corrective_action, assessed_at=now, assessed_by=assessed_by, is_effective=is_effective
    )
    return assessed, [event]


def follow_up(
    corrective_action: CorrectiveAction, *, corrective_action_id: str, days: int, now: datetime
) -> tuple[CorrectiveAction, list[CorrectiveActionOpened]]:
    """Open the corrective action that follows one without effect: same finding, same owner."""
    return open_action(
        corrective_action.finding,
        corrective_action_id=corrective_action_id,
        store_id=corrective_action.store_id,
        owner_id=corrective_action.owner_id,
        days=days,
        now=now,
        follows_id=corrective_action.corrective_action_id,
    )


def _require_open(corrective_action: CorrectiveAction) -> None:
    if corrective_action.closed_at:
        raise RuleViolation(
            "corrective_action_closed",
            "The corrective action is closed already.",
            field="corrective_action_id",
            kind="conflict",
            by=corrective_action.closed_by,
            at=corrective_action.closed_at.isoformat(),
        )


def _require_owner(corrective_action: CorrectiveAction, person: str, *, may: bool) -> None:
    if not may and person != corrective_action.owner_id:
        raise RuleViolation(
            "not_the_owner",
            f"The corrective action belongs to {corrective_action.owner_id}.",
            field="corrective_action_id",
            kind="forbidden",
        )
