"""Promises at risk and promises changed (承诺风险、承诺变更)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from services.reception.domain import errors
from services.reception.domain.repair_order import PromiseAlert, RepairOrder
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

LONGEST_AHEAD = timedelta(days=365)
"""Longest time ahead for a promise."""


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


def revise(
    repair_order: RepairOrder,
    promised_at: datetime,
    reason: RevisionReason,
    decided_by: str,
    now: datetime,
) -> tuple[RepairOrder, list[PromisedTimeRevised]]:
    """Revise the completion time that the customer is told (承诺变更).

    The new promise is as sure as the workshop's best one, if it is not earlier than that.
    """
    if repair_order.status not in ("opened", "in_progress"):
        raise errors.invalid_status("order_id", repair_order.status, "opened or in_progress")
    if promised_at <= now:
        raise errors.promise_in_the_past()
    if promised_at > now + LONGEST_AHEAD:
        raise errors.too_far_ahead("promised_at", LONGEST_AHEAD.days)
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
