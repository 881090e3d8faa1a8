"""What else happens when a follow-up ends, by its reason."""

from collections.abc import Awaitable, Callable, Mapping

from services.crm.application import campaign_answers, complaints, defection
from services.crm.application.deps import Deps
from services.crm.domain.follow_up import FollowUp
from services.crm.domain.follow_up_reason import Reason
from shared.unit_of_work import UnitOfWork

Outcome = Callable[[UnitOfWork, FollowUp, Deps], Awaitable[None]]
"""Reaction to a follow-up that has ended: the customer was reached, or not by the last attempt.

It runs in the transaction in which the call is recorded.
"""

FOLLOW_UP_OUTCOMES: Mapping[Reason, Outcome] = {
    "complaint_revisit": complaints.revisit_by_call,
    "win_back": defection.end_win_back_calls,
    "campaign": campaign_answers.end_campaign_calls,
}
