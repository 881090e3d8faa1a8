"""Risks of open promises: when to alert and when the alert ends (承诺风险)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.workshop.domain.reasons import Reason, why_in_danger
from shared.contracts.management import PromiseRules
from shared.contracts.workshop import PromisedTimeAtRisk

_WHOLE_BP = 10_000


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
    rules: PromiseRules,
    now: datetime,
) -> tuple[list[PromiseRisk], list[PromisedTimeAtRisk]]:
    """Update the alerts of promise risks and return an event for each new alert.

    ``alerted`` holds by order since when earlier alerts are open. An alert opens when the
    probability falls under ``threshold`` and ends when it is clearly above again, by ``rules``.
    """
    confidence = confidence_of(rules)
    end = min(threshold + rules.alert_margin_bp / _WHOLE_BP, confidence)
    watched, events = [], []
    for promise_risk in promise_risks:
        since = alerted.get(promise_risk.order_id)
        bound = threshold if since is None else end
        in_danger = promise_risk.probability < bound
        watched.append(replace(promise_risk, alerted_at=(since or now) if in_danger else None))
        if in_danger and since is None:
            events.append(_warning(store_id, promise_risk, confidence, now))
    return watched, events


def confidence_of(rules: PromiseRules) -> float:
    """Return the confidence (0 to 1) of promises, also of the best new one of an order at risk."""
    return rules.confidence_bp / _WHOLE_BP


def _warning(
    store_id: str, promise_risk: PromiseRisk, confidence: float, now: datetime
) -> PromisedTimeAtRisk:
    return PromisedTimeAtRisk(
        store_id=store_id,
        order_id=promise_risk.order_id,
        promised_at=promise_risk.promised_at,
        probability=promise_risk.probability,
        risk_cause=promise_risk.cause.code,
        explanation=why_in_danger(promise_risk.cause),
        best_promise_at=promise_risk.best_promise_at,
        confidence=confidence,
        alerted_at=now,
    )
