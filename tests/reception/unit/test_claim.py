"""Warranty claims: details, deadlines, money (R6)."""

from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import claim as claims
from services.reception.domain.claim import Claim, ClaimDetails, ClaimRules
from services.reception.domain.invoicing import Paid
from services.reception.domain.order import Order
from shared.contracts.reception import WarrantyClaimSettled
from shared.contracts.violations import RuleViolation
from tests.support.orders import NOW, invoiced, opened, ready, violates, with_work

RULES = ClaimRules(15, 30, (-3, 0, 3), (0, 7, 14))
COMPLETE = ClaimDetails(5_000, date(2025, 1, 1), "P0301", "OIL")


def under_warranty() -> Order:
    """Return an invoiced order whose labor the manufacturer pays."""
    lines = tuple(
        line.model_copy(update={"pay_type": "warranty" if line.kind == "labor" else "customer"})
        for line in opened().repair_order.lines
    )
    return invoiced(with_work(ready(), lines=lines))


def drafted(claim_details: ClaimDetails = COMPLETE) -> tuple[Order, Claim]:
    order = under_warranty()
    lines = [line for line in order.repair_order.lines if line.pay_type == "warranty"]
    claim, _ = claims.draft(order.visit, lines, "k1", RULES, NOW)
    return order, replace(claim, claim_details=claim_details)


def submitted() -> tuple[Order, Claim]:
    order, claim = drafted()
    return order, claims.submit(claim, "a1", RULES, NOW)[0]


@given(st.sets(st.sampled_from(["odometer_km", "in_service_date", "dtc", "causal_part_number"])))
def test_each_missing_claim_detail_is_named(missing: set[str]) -> None:
    absent: dict[str, Any] = dict.fromkeys(missing)
    _, claim = drafted(replace(COMPLETE, **absent))
    if not missing:
        claims.submit(claim, "a1", RULES, NOW)
        return
    with pytest.raises(RuleViolation) as violation:
        claims.submit(claim, "a1", RULES, NOW)
    assert set(violation.value.values["missing"]) == missing


def test_claim_photos_are_optional() -> None:
    assert {field.name for field in fields(ClaimDetails)} - {"photo_ids"} == set(
        ClaimDetails().missing
    )


def test_claim_after_due_date_is_rejected() -> None:
    _, claim = drafted()
    claims.submit(claim, "a1", RULES, claim.due_at)
    with violates("claim_too_late"):
        claims.submit(claim, "a1", RULES, claim.due_at + timedelta(seconds=1))


def test_rejected_claim_is_submitted_again() -> None:
    _, claim = submitted()
    rejected, _ = claims.record_decision(claim, 0, "evidence_doubtful", RULES, NOW)
    again, (event,) = claims.submit(rejected, "a1", RULES, NOW)
    assert (again.status, event.submission_number) == ("submitted", 2)


@given(st.integers(0, 12_000))
def test_unpaid_claim_amount_is_written_off(approved: int) -> None:
    order, claim = submitted()
    if approved > claim.amount_cents:
        with violates("approved_above_claim"):
            claims.record_decision(claim, approved, "accepted", RULES, NOW)
        return
    decided, _ = claims.record_decision(claim, approved, "partly_accepted", RULES, NOW)
    if approved:
        paid = Paid("p", "transfer", approved, NOW)
        ended, changed, (*_, event) = claims.settle(decided, order, paid, "a1")
        after = changed.account
    else:
        ended, after, (event,) = claims.write_off_claim(decided, order.account, "m1", NOW)
    assert ended.pending_step is None
    assert after.balance_of("manufacturer") == 0
    assert after.received_cents - order.account.received_cents == approved
    assert sum(split.amount_cents for split in after.payer_splits) == order.account.invoiced_cents
    assert isinstance(event, WarrantyClaimSettled)
    assert event.paid_cents + event.written_off_cents == claim.amount_cents


@given(st.integers(-10, 20))
def test_waiting_claim_is_escalated_stepwise(days: int) -> None:
    _, claim = drafted()
    now = claim.due_at + timedelta(days=days)
    events = claims.overdue(claim, RULES, now)
    roles = [
        role
        for day, role in zip(
            (-3, 0, 3), ("service_advisor", "service_manager", "group_manager"), strict=True
        )
        if days >= day
    ]
    assert [event.owner_role for event in events] == roles[-1:]
    following = claims.next_reminder(claim, RULES, now)
    assert (following is None) == (days >= 3)


def test_ended_claim_has_no_reminders() -> None:
    order, claim = drafted()
    ended, _, _ = claims.write_off_claim(claim, order.account, "m1", NOW)
    late = claim.due_at + timedelta(days=30)
    assert claims.overdue(ended, RULES, late) == []
    assert claims.next_reminder(ended, RULES, NOW) is None
