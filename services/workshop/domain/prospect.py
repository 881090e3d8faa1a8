"""The prospects of open promises: when to warn and when all is well again (承诺风险)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.workshop.domain.reasons import Reason, why_in_danger
from shared.contracts.workshop import PromiseAtRisk

CONFIDENCE: Final = 0.95
"""How sure the best new promise is."""
RELIEF: Final = 0.1
"""So much must the probability lie above the threshold before a warning is taken back."""


@dataclass(frozen=True)
class Prospect:
    """How likely an order's promise is kept, on what that hangs, and the best new promise.

    ``raised_at``: since when the promise counts as in danger, or None.
    """

    order_id: str
    promised_at: datetime
    probability: float
    cause: Reason
    best_promise_at: datetime
    raised_at: datetime | None = None


def watch(
    prospects: Sequence[Prospect],
    raised: Mapping[str, datetime],
    *,
    store_id: str,
    threshold: float,
    now: datetime,
) -> tuple[list[Prospect], list[PromiseAtRisk]]:
    """The prospects with the state of their warnings, and an event for each new warning.

    ``raised`` says by order since when earlier warnings stand. A warning is raised when the
    probability falls under ``threshold`` and stands until it is clearly above again.
    """
    watched, events = [], []
    for prospect in prospects:
        since = raised.get(prospect.order_id)
        bound = threshold if since is None else min(threshold + RELIEF, CONFIDENCE)
        in_danger = prospect.probability < bound
        watched.append(replace(prospect, raised_at=(since or now) if in_danger else None))
        if in_danger and since is None:
            events.append(_warning(store_id, prospect, now))
    return watched, events


def _warning(store_id: str, prospect: Prospect, now: datetime) -> PromiseAtRisk:
    return PromiseAtRisk(
        store_id=store_id,
        order_id=prospect.order_id,
        promised_at=prospect.promised_at,
        probability=prospect.probability,
        cause=prospect.cause.code,
        explanation=why_in_danger(prospect.cause),
        best_promise_at=prospect.best_promise_at,
        confidence=CONFIDENCE,
        raised_at=now,
    )
