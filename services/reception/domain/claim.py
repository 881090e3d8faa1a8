"""Warranty claims (索赔): what the manufacturer is to pay, with the evidence that it wants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Literal

from services.reception.domain import errors
from services.reception.domain.estimate import sum_of
from services.reception.domain.order import Order
from services.reception.domain.settlement import Paid, receive_payment, write_off
from shared.contracts.reception import (
    ClaimAnswer,
    ClaimAwaits,
    EstimateLine,
    PaymentReceived,
    WarrantyClaimAnswered,
    WarrantyClaimDrafted,
    WarrantyClaimOverdue,
    WarrantyClaimSettled,
    WarrantyClaimSubmitted,
    WarrantyClaimWithdrawn,
)
from shared.contracts.versioned import Versioned

ClaimStatus = Literal[
    "draft", "submitted", "approved", "rejected", "settled", "written_off", "withdrawn"
]
"""待提交、已提交、已批准、被拒绝、已结算、已核销、已撤回."""

_ROLES = ("advisor", "manager", "group_manager")
_OPTIONAL = {"photo_ids"}
_AWAITS: Mapping[ClaimStatus, ClaimAwaits] = {
    "draft": "submission",
    "rejected": "submission",
    "submitted": "answer",
}


@dataclass(frozen=True)
class ClaimRules:
    """Days that a claim may take, and on which somebody is reminded, counted from its deadline."""

    submission_days: int
    answer_days: int
    submission_reminders: Sequence[int]
    answer_reminders: Sequence[int]


@dataclass(frozen=True)
class Evidence:
    """What the manufacturer wants to know: kilometres, first registration, fault code and the part
    that failed; photos where there are some."""

    odometer_km: int | None = None
    in_service_on: date | None = None
    fault_code: str | None = None
    part_no: str | None = None
    photo_ids: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The names of what is required and not there."""
        return [
            field.name
            for field in fields(self)
            if field.name not in _OPTIONAL and getattr(self, field.name) is None
        ]


@dataclass(frozen=True)
class Claim(Versioned):
    """One claim on one bill. ``due_at`` is when it has to be submitted, or answered; ``answer`` is
    what the manufacturer said last."""

    store_id: str
    claim_id: str
    order_id: str
    status: ClaimStatus
    lines: tuple[EstimateLine, ...]
    amount_cents: int
    evidence: Evidence
    due_at: datetime
    round: int = 0
    approved_cents: int = 0
    answer: ClaimAnswer | None = None
    answered_at: datetime | None = None

    @property
    def awaits(self) -> ClaimAwaits | None:
        """What has to happen until ``due_at``."""
        return _AWAITS.get(self.status)


def draft(
    order: Order, lines: Sequence[EstimateLine], claim_id: str, rules: ClaimRules, now: datetime
) -> tuple[Claim, list[WarrantyClaimDrafted]]:
    """A claim for the bill's warranty ``lines``, with what is known of its evidence."""
    parts = [line.code for line in lines if line.kind == "part"]
    claim = Claim(
        store_id=order.store_id,
        claim_id=claim_id,
        order_id=order.order_id,
        status="draft",
        lines=tuple(lines),
        amount_cents=sum_of(lines),
        evidence=Evidence(odometer_km=order.odometer_km, part_no=parts[0] if parts else None),
        due_at=now + timedelta(days=rules.submission_days),
    )
    event = WarrantyClaimDrafted(
        store_id=claim.store_id,
        order_id=claim.order_id,
        claim_id=claim_id,
        lines=claim.lines,
        amount_cents=claim.amount_cents,
        due_at=claim.due_at,
    )
    return claim, [event]


def record_evidence(claim: Claim, evidence: Evidence) -> Claim:
    """Complete the evidence of a claim that is not with the manufacturer.

    Raises:
        RuleViolation: not now.
    """
    _require_status(claim, "draft", "rejected")
    return replace(claim, evidence=evidence)


def submit(
    claim: Claim, person: str, rules: ClaimRules, now: datetime
) -> tuple[Claim, list[WarrantyClaimSubmitted]]:
    """Send the claim to the manufacturer (提交), again after a rejection.

    Raises:
        RuleViolation: not now, evidence is missing (each is named), or the deadline has passed.
    """
    _require_status(claim, "draft", "rejected")
    if missing := claim.evidence.missing:
        raise errors.evidence_missing(missing)
    if now > claim.due_at:
        raise errors.claim_too_late(claim.due_at)
    submitted = replace(
        claim,
        status="submitted",
        round=claim.round + 1,
        due_at=now + timedelta(days=rules.answer_days),
    )
    event = WarrantyClaimSubmitted(
        store_id=claim.store_id,
        order_id=claim.order_id,
        claim_id=claim.claim_id,
        amount_cents=claim.amount_cents,
        round=submitted.round,
        submitted_by=person,
        submitted_at=now,
        answer_due_at=submitted.due_at,
    )
    return submitted, [event]


def answer(
    claim: Claim, approved_cents: int, code: ClaimAnswer, rules: ClaimRules, now: datetime
) -> tuple[Claim, list[WarrantyClaimAnswered]]:
    """The manufacturer has answered (回复): it pays so much, or nothing; then the claim may be
    submitted again.

    Raises:
        RuleViolation: not now, or more than was claimed.
    """
    _require_status(claim, "submitted")
    if approved_cents > claim.amount_cents:
        raise errors.approved_above_claim(claim.amount_cents)
    answered = replace(claim, answer=code, answered_at=now)
    answered = (
        replace(answered, status="approved", approved_cents=approved_cents)
        if approved_cents
        else replace(
            answered, status="rejected", due_at=now + timedelta(days=rules.submission_days)
        )
    )
    event = WarrantyClaimAnswered(
        store_id=claim.store_id,
        order_id=claim.order_id,
        claim_id=claim.claim_id,
        approved_cents=approved_cents,
        code=code,
        round=claim.round,
        answered_at=now,
    )
    return answered, [event]


def settle(
    claim: Claim, order: Order, paid: Paid, person: str
) -> tuple[Claim, Order, list[PaymentReceived | WarrantyClaimSettled]]:
    """The manufacturer has paid what it approved (索赔结算); the store bears the rest."""
    _require_status(claim, "approved")
    paid_order, payments = receive_payment(order, paid, "manufacturer")
    rest = claim.amount_cents - claim.approved_cents
    return (
        replace(claim, status="settled"),
        write_off(paid_order, rest),
        [*payments, _settled(claim, claim.approved_cents, person, paid.at)],
    )


def give_up(
    claim: Claim, order: Order, person: str, now: datetime
) -> tuple[Claim, Order, list[WarrantyClaimSettled]]:
    """Nothing will be paid (索赔核销): the store bears it all."""
    _require_status(claim, "draft", "rejected")
    return (
        replace(claim, status="written_off"),
        write_off(order, claim.amount_cents),
        [_settled(claim, 0, person, now)],
    )


def withdraw(
    claim: Claim, person: str, now: datetime
) -> tuple[Claim, list[WarrantyClaimWithdrawn]]:
    """Drop a claim whose bill is credited whole (撤回索赔); nobody bears anything.

    Raises:
        RuleViolation: the manufacturer has it, or it has ended.
    """
    _require_status(claim, "draft", "rejected")
    event = WarrantyClaimWithdrawn(
        store_id=claim.store_id,
        order_id=claim.order_id,
        claim_id=claim.claim_id,
        withdrawn_by=person,
        withdrawn_at=now,
    )
    return replace(claim, status="withdrawn"), [event]


def overdue(claim: Claim, rules: ClaimRules, now: datetime) -> list[WarrantyClaimOverdue]:
    """Somebody is to look after the claim: an event on each day that the rules name."""
    reminders = [moment for moment in _reminders(claim, rules) if moment <= now]
    if claim.awaits is None or not reminders:
        return []
    return [
        WarrantyClaimOverdue(
            store_id=claim.store_id,
            order_id=claim.order_id,
            claim_id=claim.claim_id,
            awaits=claim.awaits,
            due_at=claim.due_at,
            days_overdue=(now - claim.due_at).days,
            owner_role=_ROLES[min(len(reminders), len(_ROLES)) - 1],
        )
    ]


def next_reminder(claim: Claim, rules: ClaimRules, now: datetime) -> datetime | None:
    """When somebody is reminded of the claim next."""
    return next((moment for moment in _reminders(claim, rules) if moment > now), None)


def _reminders(claim: Claim, rules: ClaimRules) -> list[datetime]:
    if claim.awaits is None:
        return []
    days = rules.answer_reminders if claim.awaits == "answer" else rules.submission_reminders
    return [claim.due_at + timedelta(days=day) for day in days]


def _settled(claim: Claim, paid_cents: int, person: str, now: datetime) -> WarrantyClaimSettled:
    return WarrantyClaimSettled(
        store_id=claim.store_id,
        order_id=claim.order_id,
        claim_id=claim.claim_id,
        paid_cents=paid_cents,
        written_off_cents=claim.amount_cents - paid_cents,
        settled_by=person,
        settled_at=now,
    )


def _require_status(claim: Claim, *allowed: ClaimStatus) -> None:
    if claim.status not in allowed:
        raise errors.wrong_claim_status(claim.status, " or ".join(allowed))
