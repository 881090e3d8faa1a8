"""Records of open orders' promises, from which the calibration learns (承诺校准)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PromiseRecord:
    """The promise for an order, and the figures on which it rests.

    With just the ``confidence`` the work is done by ``due_at``. The median end expected was
    ``expected_at``, and ``spread_minutes`` working minutes lie from there to the end that nine in
    ten do not exceed. ``scored``: the calibration has already recorded that it was broken.
    """

    store_id: str
    order_id: str
    due_at: datetime
    confidence: float
    expected_at: datetime
    spread_minutes: float
    scored: bool = False
