"""Defection (流失): lost customers, why they stayed away, and whether they came back."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.crm.domain import errors
from services.crm.domain.customer_review import CustomerReview
from shared.contracts.crm import (
    CustomerLapsed,
    CustomerWonBack,
    LapseBasis,
    LapseCause,
    LapseCauseRecorded,
    Tier,
    WinBackRecorded,
    WinBackResult,
)
from shared.contracts.management import DefectionRules


@dataclass(frozen=True)
class Lapse:
    """One absence of a customer that counts as a loss (流失), until they come again.

    ``tier`` is that of the last visit. A customer has one open lapse at most.
    """

    store_id: str
    lapse_id: str
    customer_ref: str
    tier: Tier | None
    basis: LapseBasis
    visits: int
    last_visit_at: datetime
    interval_days: float | None
    lapsed_at: datetime
    cause: LapseCause | None = None
    cause_by: str | None = None
    cause_at: datetime | None = None
    result: WinBackResult | None = None
    result_by: str | None = None
    result_at: datetime | None = None
    won_back_at: datetime | None = None


def has_lapsed(found: CustomerReview, rules: DefectionRules, now: datetime) -> bool:
    """Return whether the customer is lost, and not for so long that it is no news."""
    away = now - found.last_own_visit_at
    longest = timedelta(days=rules.longest_absence_days)
    return found.lapses_at is not None and found.lapses_at <= now and away <= longest


def lapse(found: CustomerReview, lapse_id: str, now: datetime) -> tuple[Lapse, CustomerLapsed]:
    """Record that a customer is lost (流失)."""
    assert found.lapse_basis is not None  # noqa: S101
    lost = Lapse(
        store_id=found.store_id,
        lapse_id=lapse_id,
        customer_ref=found.customer_ref,
        tier=found.tier_when_here,
        basis=found.lapse_basis,
        visits=found.visits,
        last_visit_at=found.last_own_visit_at,
        interval_days=found.interval_days,
        lapsed_at=now,
    )
    event = CustomerLapsed(
        store_id=lost.store_id,
        customer_ref=lost.customer_ref,
        lapse_id=lapse_id,
        tier=lost.tier,
        basis=lost.basis,
        visits=lost.visits,
        last_visit_at=lost.last_visit_at,
        interval_days=lost.interval_days,
        lapsed_at=now,
    )
    return lost, event


def has_returned(lost: Lapse, found: CustomerReview) -> bool:
    """Return whether the customer has come again since the lapse."""
    return found.last_own_visit_at > lost.last_visit_at


def is_changed(
    lost: Lapse | None, found: CustomerReview, rules: DefectionRules, now: datetime
) -> bool:
    """Return whether a lost customer has come again, or another one is lost now."""
    return has_returned(lost, found) if lost else has_lapsed(found, rules, now)


def win_back(lost: Lapse, found: CustomerReview, now: datetime) -> tuple[Lapse, CustomerWonBack]:
    """End the lapse of a customer who has come again (挽回)."""
    event = CustomerWonBack(
        store_id=lost.store_id,
        customer_ref=lost.customer_ref,
        lapse_id=lost.lapse_id,
        tier=lost.tier,
        cause=lost.cause,
        visited_at=found.last_own_visit_at,
        won_back_at=now,
    )
    return replace(lost, won_back_at=now), event


def record_cause(
    lost: Lapse, cause: LapseCause, by: str, now: datetime
) -> tuple[Lapse, LapseCauseRecorded]:
    """Record why the customer stayed away (流失原因); a later answer replaces an earlier one."""
    event = LapseCauseRecorded(
        store_id=lost.store_id,
        customer_ref=lost.customer_ref,
        lapse_id=lost.lapse_id,
        cause=cause,
        recorded_by=by,
        recorded_at=now,
    )
    return replace(lost, cause=cause, cause_by=by, cause_at=now), event


def record_result(
    lost: Lapse, result: WinBackResult, by: str, now: datetime
) -> tuple[Lapse, WinBackRecorded]:
    """Record the result of the attempt to win the customer back (挽回结果), once.

    Raises:
        RuleViolation: it has a result.
    """
    if lost.result_at is not None:
        raise errors.already_recorded("result", lost.result_by, lost.result_at)
    event = WinBackRecorded(
        store_id=lost.store_id,
        customer_ref=lost.customer_ref,
        lapse_id=lost.lapse_id,
        result=result,
        recorded_by=by,
        recorded_at=now,
    )
    return replace(lost, result=result, result_by=by, result_at=now), event
