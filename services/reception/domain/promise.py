"""What moves an order's promised completion time (承诺交车时间).

These four set or move it, and nothing else does:

- :func:`promise_at_opening`: the advisor opens the order (开单); it is the first promise.
- :func:`confirm`: the workshop has planned all jobs of an order whose promise is provisional, or
  the rest of them is withdrawn; it stays or is later.
- :func:`extend`: the customer authorizes additional work (增项); it stays or is later.
- :func:`revise`: a person tells the customer another time (承诺变更), earlier or later.

Declined work leaves it as it is, and so does a plan that moves. Whether that puts it at risk
(承诺风险), the workshop decides in ``services/workshop/domain/promise_risk.py``;
:func:`record_risk` records its alert until the promise is another, and a person decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.reception.domain import errors
from services.reception.domain.repair_order import PromiseAlert, RepairOrder
from shared.contracts.management import PromiseRules
from shared.contracts.reception import PromisedTimeRevised
from shared.contracts.workshop import PromisedTimeAtRisk

RevisionReason = Literal[
    "overrun",
    "part_late",
    "technician_absent",
    "queue",
    "additional_work",
    "customer_request",
    "other",
]
"""超时、缺件、人员缺勤、排队、增项、客户要求、其他."""

_WHOLE_BP = 10_000


@dataclass(frozen=True)
class Promise:
    """A completion time (承诺交车时间), the confidence behind it and the hold that reserves it."""

    promised_at: datetime
    confidence: float
    hold_id: str | None
    provisional: bool


def confidence_of(rules: PromiseRules) -> float:
    """Return the confidence (0 to 1) of promises."""
    return rules.confidence_bp / _WHOLE_BP


def promise_at_opening(repair_order: RepairOrder, promise: Promise) -> RepairOrder:
    """Set the first promise of an order that is opened, and the hold behind it."""
    return replace(
        repair_order,
        hold_id=promise.hold_id,
        promised_at=promise.promised_at,
        promise_provisional=promise.provisional,
    )


def confirm(
    repair_order: RepairOrder, promisable: Sequence[datetime]
) -> tuple[RepairOrder, list[PromisedTimeRevised]]:
    """Record that the workshop has planned a job of an order with a provisional promise.

    With the last one the promise is confirmed, or revised to the latest of the ``promisable`` times
    that the workshop has published.
    """
    planned = promisable and len(promisable) >= len(repair_order.labor_operations)
    if not (repair_order.promise_provisional and planned):
        return repair_order, []
    latest = max(promisable)
    confirmed = replace(repair_order, promise_provisional=False)
    if repair_order.promised_at is not None and latest <= repair_order.promised_at:
        return confirmed, []
    event = PromisedTimeRevised(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        promised_at=latest,
        reason="workshop_returned",
    )
    return replace(confirmed, promised_at=latest, risk=None), [event]


def extend(
    repair_order: RepairOrder, work: Promise, seen: datetime | None, rules: PromiseRules
) -> RepairOrder:
    """Promise an order with the additional work that the customer authorizes.

    ``work`` is the promise of that work, and ``seen`` the order's new promise that they saw, if it
    was another than the present one.

    Raises:
        RuleViolation: the workshop can no longer keep the promise that they saw.
    """
    promise = _agreed_promise(repair_order, work, seen, rules)
    return replace(
        repair_order,
        promised_at=promise.promised_at,
        promise_provisional=promise.provisional,
        risk=repair_order.risk if promise.promised_at == repair_order.promised_at else None,
    )


def revise(
    repair_order: RepairOrder,
    promised_at: datetime,
    reason: RevisionReason,
    decided_by: str,
    rules: PromiseRules,
    now: datetime,
) -> tuple[RepairOrder, list[PromisedTimeRevised]]:
    """Revise the completion time that the customer is told (承诺变更).

    The new promise is as sure as the workshop's best one, if it is not earlier than that.
    """
    if repair_order.status not in ("opened", "in_progress"):
        raise errors.invalid_status("order_id", repair_order.status, "opened or in_progress")
    if promised_at <= now:
        raise errors.promise_in_the_past()
    if promised_at > now + timedelta(days=rules.days_ahead):
        raise errors.too_far_ahead("promised_at", rules.days_ahead)
    risk = repair_order.risk
    event = PromisedTimeRevised(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        promised_at=promised_at,
        reason=reason,
        confidence=risk.confidence if risk and promised_at >= risk.best_promise_at else None,
        decided_by=decided_by,
    )
    revised = replace(repair_order, promised_at=promised_at, promise_provisional=False, risk=None)
    return revised, [event]


def new_promise(repair_order: RepairOrder, work: Promise) -> Promise:
    """Return the order's promise with further work, of which ``work`` is the promise.

    It is never earlier than the present one.
    """
    return replace(
        work,
        promised_at=max(repair_order.promised_at or work.promised_at, work.promised_at),
        provisional=repair_order.promise_provisional or work.provisional,
    )


def latest_promise(
    repair_order: RepairOrder, seen: datetime | None, rules: PromiseRules
) -> datetime | None:
    """Return the latest new promise to which a customer has agreed who saw this one."""
    shown = seen or repair_order.promised_at
    return shown + _tolerance(rules) if shown else None


def record_risk(repair_order: RepairOrder, warning: PromisedTimeAtRisk) -> RepairOrder:
    """Record the workshop's alert; an alert on a promise that was changed since is out of date."""
    if repair_order.promised_at != warning.promised_at:
        return repair_order
    return replace(
        repair_order,
        risk=PromiseAlert(
            probability=warning.probability,
            cause=warning.risk_cause,
            explanation=warning.explanation,
            best_promise_at=warning.best_promise_at,
            confidence=warning.confidence,
            alerted_at=warning.alerted_at,
        ),
    )


def _tolerance(rules: PromiseRules) -> timedelta:
    return timedelta(minutes=rules.tolerance_minutes)


def _agreed_promise(
    repair_order: RepairOrder, work: Promise, seen: datetime | None, rules: PromiseRules
) -> Promise:
    """Return the new promise that the customer saw, if the workshop can still keep it.

    The customer is not asked again about one that moved a little.
    """
    promise = new_promise(repair_order, work)
    shown = seen or repair_order.promised_at or promise.promised_at
    latest = shown + _tolerance(rules)
    if promise.promised_at > latest:
        raise errors.promise_later(promise.promised_at)
    stands = promise.promised_at <= shown <= promise.promised_at + _tolerance(rules)
    return replace(promise, promised_at=shown) if stands else promise
