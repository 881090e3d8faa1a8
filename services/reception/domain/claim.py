"""Warranty claims (索赔): amounts that the manufacturer is to pay, with their claim details."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Literal

from services.reception.domain import errors
from services.reception.domain.account import OrderAccount
from services.reception.domain.estimate import sum_of
from services.reception.domain.invoicing import Paid, receive_payment, write_off
from services.reception.domain.order import Order
from services.reception.domain.visit import Visit
from shared.contracts.reception import (
    ClaimDecision,
    ClaimStep,
    EstimateLine,
    PaymentReceived,
    WarrantyClaimDecided,
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

_ROLES = ("service_advisor", "service_manager", "group_manager")
_OPTIONAL = {"photo_ids"}
_PENDING_STEPS: Mapping[ClaimStatus, ClaimStep] = {
    "draft": "submission",
    "rejected": "submission",
    "submitted": "decision",
}


@dataclass(frozen=True)
class ClaimRules:
    """Days that a claim may take, and days of its reminders, counted from its deadline."""

    submission_days: int
    decision_days: int
    submission_reminders: Sequence[int]
    decision_reminders: Sequence[int]


@dataclass(frozen=True)
class ClaimDetails:
    """Details that the manufacturer requires.

    Kilometers, first registration, fault code and the part that failed; photos where there are
    some.
    """

    odometer_km: int | None = None
    in_service_date: date | None = None
    dtc: str | None = None
    causal_part_number: str | None = None
    photo_ids: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """Names of the required details that are missing."""
        return [
            field.name
            for field in fields(self)
            if field.name not in _OPTIONAL and getattr(self, field.name) is None
        ]


@dataclass(frozen=True)
class Claim(Versioned):
    """Claim on one invoice.

    ``due_at`` is when it has to be submitted, or decided; ``decision`` is the manufacturer's
    latest one.
    """

    store_id: str
    claim_id: str
    order_id: str
    status: ClaimStatus
    lines: tuple[EstimateLine, ...]
    amount_cents: int
    claim_details: ClaimDetails
    due_at: datetime
    submission_number: int = 0
    approved_cents: int = 0
    decision: ClaimDecision | None = None
    decided_at: datetime | None = None

    @property
    def pending_step(self) -> ClaimStep | None:
        """Step that has to happen until ``due_at``."""
        return _PENDING_STEPS.get(self.status)


def draft(
    visit: Visit, lines: Sequence[EstimateLine], claim_id: str, rules: ClaimRules, now: datetime
) -> tuple[Claim, list[WarrantyClaimDrafted]]:
    """Draft a claim for the invoice's warranty ``lines``, with the known claim details."""
    parts = [line.code for line in lines if line.kind == "part"]
    claim = Claim(
        store_id=visit.store_id,
        claim_id=claim_id,
        order_id=visit.order_id,
        status="draft",
        lines=tuple(lines),
        amount_cents=sum_of(lines),
        claim_details=ClaimDetails(
            odometer_km=visit.odometer_km, causal_part_number=parts[0] if parts else None
        ),
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


def record_claim_details(claim: Claim, claim_details: ClaimDetails) -> Claim:
    """Complete the claim details of a claim that is not with the manufacturer.

    Raises:
        RuleViolation: not now.
    """
    _require_status(claim, "draft", "rejected")
    return replace(claim, claim_details=claim_details)


def submit(
    claim: Claim, person: str, rules: ClaimRules, now: datetime
) -> tuple[Claim, list[WarrantyClaimSubmitted]]:
    """Send the claim to the manufacturer (提交), again after a rejection.

    Raises:
        RuleViolation: not now, details are missing (each is named), or the deadline has passed.
    """
    _require_status(claim, "draft", "rejected")
    if missing := claim.claim_details.missing:
        raise errors.claim_details_missing(missing)
    if now > claim.due_at:
        raise errors.claim_too_late(claim.due_at)
    submitted = replace(
        claim,
        status="submitted",
        submission_number=claim.submission_number + 1,
        due_at=now + timedelta(days=rules.decision_days),
    )
    event = WarrantyClaimSubmitted(
        store_id=claim.store_id,
        order_id=claim.order_id,
        claim_id=claim.claim_id,
        amount_cents=claim.amount_cents,
        submission_number=submitted.submission_number,
        submitted_by=person,
        submitted_at=now,
        decision_due_at=submitted.due_at,
    )
    return submitted, [event]


def record_decision(
    claim: Claim, approved_cents: int, code: ClaimDecision, rules: ClaimRules, now: datetime
) -> tuple[Claim, list[WarrantyClaimDecided]]:
    """Record the manufacturer's decision (回复): the amount it pays, or nothing.

    Where it pays nothing, the claim may be submitted again.

    Raises:
        RuleViolation: not now, or more than was claimed.
    """
    _require_status(claim, "submitted")
    if approved_cents > claim.amount_cents:
        raise errors.approved_above_claim(claim.amount_cents)
    decided = replace(claim, decision=code, decided_at=now)
    decided = (
        replace(decided, status="approved", approved_cents=approved_cents)
        if approved_cents
        else replace(decided, status="rejected", due_at=now + timedelta(days=rules.submission_days))
    )
    event = WarrantyClaimDecided(
        store_id=claim.store_id,
        order_id=claim.order_id,
        claim_id=claim.claim_id,
        approved_cents=approved_cents,
        code=code,
        submission_number=claim.submission_number,
        decided_at=now,
    )
    return decided, [event]


def settle(
    claim: Claim, order: Order, paid: Paid, person: str
) -> tuple[Claim, Order, list[PaymentReceived | WarrantyClaimSettled]]:
    """Settle the claim with what the manufacturer has paid (索赔结算); the store bears the rest."""
    _require_status(claim, "approved")
    paid_order, payments = receive_payment(order, paid, "manufacturer")
    rest = claim.amount_cents - claim.approved_cents
    return (
        replace(claim, status="settled"),
        replace(paid_order, account=write_off(paid_order.account, rest)),
        [*payments, _settled(claim, claim.approved_cents, person, paid.at)],
    )


def write_off_claim(
    claim: Claim, account: OrderAccount, person: str, now: datetime
) -> tuple[Claim, OrderAccount, list[WarrantyClaimSettled]]:
    """Write the claim off (索赔核销): the store bears it all."""
    _require_status(claim, "draft", "rejected")
    return (
        replace(claim, status="written_off"),
        write_off(account, claim.amount_cents),
        [_settled(claim, 0, person, now)],
    )


def withdraw(
    claim: Claim, person: str, now: datetime
) -> tuple[Claim, list[WarrantyClaimWithdrawn]]:
    """Withdraw a claim whose invoice is credited whole (撤回索赔); no payer bears anything.

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
    """Return a reminder event for a claim, on each day that the rules name."""
    reminders = [moment for moment in _reminders(claim, rules) if moment <= now]
    if claim.pending_step is None or not reminders:
        return []
    return [
        WarrantyClaimOverdue(
            store_id=claim.store_id,
            order_id=claim.order_id,
            claim_id=claim.claim_id,
            pending_step=claim.pending_step,
            due_at=claim.due_at,
            days_overdue=(now - claim.due_at).days,
            owner_role=_ROLES[min(len(reminders), len(_ROLES)) - 1],
        )
    ]


def next_reminder(claim: Claim, rules: ClaimRules, now: datetime) -> datetime | None:
    """Return when the next reminder of the claim is due."""
    return next((moment for moment in _reminders(claim, rules) if moment > now), None)


def _reminders(claim: Claim, rules: ClaimRules) -> list[datetime]:
    if claim.pending_step is None:
        return []
    days = (
        rules.decision_reminders if claim.pending_step == "decision" else rules.submission_reminders
    )
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
