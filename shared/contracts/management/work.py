"""Work that managers give to people (经营管理): corrective actions (整改)."""

from typing import ClassVar, Literal

from shared.contracts.base import Event, Identifier, Timestamp

CorrectiveActionSource = Literal[
    "feedback",
    "facility_check",
    "follow_up",
    "quality_inspection",
    "comeback",
    "complaint",
    "survey",
    "survey_month",
]
"""What leads to a corrective action (整改来源): 客户评价、日常检查、回访、质检、外返、投诉、
满意度调查、满意度月度结果."""


class _CorrectiveActionEvent(Event):
    topic = "aftersales.management.work.v1"
    key_field = "store_id"
    publisher = "management"
    requirements: ClassVar[tuple[str, ...]] = ("R10", "R14", "R21", "R23", "R24", "R43")

    corrective_action_id: Identifier


class CorrectiveActionOpened(_CorrectiveActionEvent):
    """Something must be put right (整改): what, by whom and by when.

    ``source_event_id`` is the event that tells the finding, and ``source_id`` what it was found in:
    the order of a feedback or a comeback, the facility check, the follow-up, the rework that failed
    its inspection, the last complaint of a repeated cause, the survey, or a month with a factor, as
    in ``S01/2026-03/quality``. ``findings`` are the bad ratings, the failed items, the symptoms,
    the cause or the factors, and ``found_by`` found them. ``follows_id`` is the corrective action
    that had no effect.
    """

    source: CorrectiveActionSource
    source_id: Identifier
    source_event_id: Identifier
    order_id: Identifier | None
    findings: tuple[Identifier, ...]
    found_by: Identifier | None
    follows_id: Identifier | None = None
    owner_id: Identifier
    due_at: Timestamp
    opened_at: Timestamp


class CorrectiveActionOverdue(_CorrectiveActionEvent):
    """The owner has not closed it in time (整改逾期)."""

    owner_id: Identifier
    due_at: Timestamp


class CorrectiveActionAnswered(_CorrectiveActionEvent):
    """The cause and the measure are stated (整改回复); their text stays in management."""

    answered_by: Identifier
    answered_at: Timestamp


class CorrectiveActionClosed(_CorrectiveActionEvent):
    """It was corrected, or found to be unfounded (整改完成)."""

    result: Literal["corrected", "unfounded"]
    closed_by: Identifier
    closed_at: Timestamp


class CorrectiveActionAssessed(_CorrectiveActionEvent):
    """A person other than its owner says whether it worked (整改验证: 有效、无效).

    One without effect is followed by another.
    """

    is_effective: bool
    assessed_by: Identifier
    assessed_at: Timestamp
