"""Risks of open promises: when to alert and when the alert ends (承诺风险)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.workshop.domain.reasons import Reason, why_in_danger
from shared.contracts.workshop import PromisedTimeAtRisk

CONFIDENCE: Final = 0.95
"""Confidence of the best new promise."""
ALERT_HYSTERESIS: Final = 0.1
"""Distance of the probability above the threshold at which an alert ends."""


@dataclass(frozen=True)
class PromiseRisk:
    """Probability of keeping an order's promise, its main risk, and the best new promise.

    ``alerted_at``: since when the promise counts as at risk, or None.
    """

    order_id: str
    promised_at: datetime
    probability: float
    cause: Reason
    best_promise_at: datetime
    alerted_at: datetime | None = None


def update_alerts(
    promise_risks: Sequence[PromiseRisk],
    alerted: Mapping[str, datetime],
    *,
    store_id: str,
    threshold: float,
    now: datetime,
) -> tuple[list[PromiseRisk], list[PromisedTimeAtRisk]]:
    """Update the alerts of promise risks and return an event for each new alert.

    ``alerted`` holds by order since when earlier alerts are open. An alert opens when the
    probability falls under ``threshold`` and ends when it is clearly above again.
    """
    watched, events = [], []
    for promise_risk in promise_risks:
        since = alerted.get(promise_risk.order_id)
        bound = threshold if since is None else min(threshold + ALERT_HYSTERESIS, CONFIDENCE)
        in_danger = promise_risk.probability < bound
        watched.append(replace(promise_risk, alerted_at=(since or now) if in_danger else None))
        if in_danger and since is None:
            events.append(_warning(store_id, promise_risk, now))
    return watched, events


def _warning(store_id: str, promise_risk: PromiseRisk, now: datetime) -> PromisedTimeAtRisk:
    return PromisedTimeAtRisk(
        store_id=store_id,
        order_id=promise_risk.order_id,
        promised_at=promise_risk.promised_at,
        probability=promise_risk.probability,
        risk_cause=promise_risk.cause.code,
        explanation=why_in_danger(promise_risk.cause),
        best_promise_at=promise_risk.best_promise_at,
        confidence=CONFIDENCE,
        alerted_at=now,
    )
