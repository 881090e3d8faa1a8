"""Cancellations of orders and appointments (取消)."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.reception import CancellationReason


@dataclass(frozen=True)
class Cancellation:
    """Cancellation of an order or appointment, ``entity_id``; ``note`` is still encrypted."""

    entity_id: str
    reason: CancellationReason
    note: bytes | None
    cancelled_by: str
    cancelled_at: datetime
