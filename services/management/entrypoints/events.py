"""Reactions of management to events: to what other services find to be wrong."""

from services.management.application import corrective_actions
from services.management.application.deps import Deps
from shared.contracts.crm import (
    ComplaintCauseRepeated,
    FollowUpCompleted,
    SurveyAnswered,
    SurveyMonthEvaluated,
)
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.workshop import ComebackLinked, QualityInspectionFailed
from shared.reactions import Reactions

REACTIONS: Reactions[Deps] = Reactions(
    {
        FeedbackSubmitted: corrective_actions.note_finding,
        FacilityCheckCompleted: corrective_actions.note_finding,
        FollowUpCompleted: corrective_actions.note_finding,
        ComplaintCauseRepeated: corrective_actions.note_finding,
        QualityInspectionFailed: corrective_actions.note_finding,
        ComebackLinked: corrective_actions.note_finding,
        SurveyAnswered: corrective_actions.note_finding,
        SurveyMonthEvaluated: corrective_actions.note_weak_factors,
    }
)
