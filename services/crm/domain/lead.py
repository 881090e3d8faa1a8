"""Leads for the sales department (销售线索): replacement and referral, and what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.crm.domain import errors
from services.crm.domain.consent import Consent
from shared.contracts.crm import (
    LeadAnswer,
    LeadAnswered,
    LeadAnswerOverdue,
    LeadHandedOver,
    LeadKind,
    LeadReason,
    LeadWithdrawn,
)

LeadStatus = Literal["open", "accepted", "refused", "sold", "lost", "withdrawn"]
"""待答复、已接受、拒收、成交、战败、已撤回."""

_ANSWERS: Mapping[LeadStatus, Sequence[LeadAnswer]] = {
    "open": ("accepted", "refused", "sold", "lost"),
    "accepted": ("sold", "lost"),
}
"""Answers that a lead can have next; any other status is its end."""

_WITH_REASON: Sequence[LeadAnswer] = ("refused", "lost")

RUNNING: Sequence[LeadStatus] = tuple(_ANSWERS)
"""Statuses of leads that have not ended."""


@dataclass(frozen=True)
class Lead:
    """A customer's interest in a car, handed over to the sales department.

    ``reminders`` counts how often the department was reminded of its answer.
    """

    store_id: str
    lead_id: str
    customer_ref: str
    lead_kind: LeadKind
    model_code: str
    order_id: str | None
    handed_over_by: str
    handed_over_at: datetime
    answer_due_at: datetime
    status: LeadStatus = "open"
    reason: LeadReason | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    reminders: int = 0


def hand_over(lead: Lead, consent: Consent | None) -> list[LeadHandedOver]:
    """Hand a lead over to the sales department (移交线索).

    Raises:
        RuleViolation: the customer has not consented, or has withdrawn the consent.
    """
    if consent is None or not consent.is_given:
        raise errors.consent_missing(lead.customer_ref)
    return [
        LeadHandedOver(
            store_id=lead.store_id,
            customer_ref=lead.customer_ref,
            lead_id=lead.lead_id,
            lead_kind=lead.lead_kind,
            model_code=lead.model_code,
            order_id=lead.order_id,
            handed_over_by=lead.handed_over_by,
            answer_due_at=lead.answer_due_at,
            handed_over_at=lead.handed_over_at,
        )
    ]


def answer(
    lead: Lead, given: LeadAnswer, reason: LeadReason | None, by: str, now: datetime
) -> tuple[Lead, list[LeadAnswered]]:
    """Record the answer of the sales department, or what came of a lead that it accepted.

    Raises:
        RuleViolation: the lead has ended, has this answer already, or a reason is missing or named
            for an answer that has none.
    """
    if given not in _ANSWERS.get(lead.status, ()):
        raise errors.lead_already_answered(lead.status, lead.answered_by, lead.answered_at)
    if (reason is None) == (given in _WITH_REASON):
        raise errors.reason_of_lead(given, is_needed=reason is None)
    event = LeadAnswered(
        store_id=lead.store_id,
        customer_ref=lead.customer_ref,
        lead_id=lead.lead_id,
        answer=given,
        reason=reason,
        answered_by=by,
        answered_at=now,
    )
    answered = replace(lead, status=given, reason=reason, answered_by=by, answered_at=now)
    return answered, [event]


def remind(lead: Lead) -> tuple[Lead, list[LeadAnswerOverdue]]:
    """Remind the sales department of an answer that is overdue; an answered lead needs none."""
    if lead.status != "open":
        return lead, []
    reminded = replace(lead, reminders=lead.reminders + 1)
    event = LeadAnswerOverdue(
        store_id=lead.store_id,
        customer_ref=lead.customer_ref,
        lead_id=lead.lead_id,
        due_at=lead.answer_due_at,
        reminder=reminded.reminders,
    )
    return reminded, [event]


def withdraw(lead: Lead, now: datetime) -> tuple[Lead, LeadWithdrawn]:
    """End a lead whose customer has withdrawn the consent (撤回同意)."""
    event = LeadWithdrawn(
        store_id=lead.store_id,
        customer_ref=lead.customer_ref,
        lead_id=lead.lead_id,
        withdrawn_at=now,
    )
    return replace(lead, status="withdrawn"), event
