"""Visits of customers (到店): what their messages must know of an order."""

from dataclasses import dataclass
from datetime import datetime

from services.crm.domain import errors
from services.crm.domain.message import ENDED_BY_DEPARTURE, ENDED_BY_READINESS, MessageType
from shared.contracts.violations import unknown


@dataclass(frozen=True)
class ServiceVisit:
    """Record of an order (工单); events of two topics come in any order.

    ``ended_at`` is when the vehicle left or the order was cancelled.
    """

    store_id: str
    order_id: str
    customer_ref: str | None = None
    waiting: bool = False
    opened_at: datetime | None = None
    ready_at: datetime | None = None
    delivered_at: datetime | None = None
    ended_at: datetime | None = None

    def void_since(self, message_type: MessageType) -> datetime | None:
        """Return since when a message of ``message_type`` is void, if it is."""
        moments = [
            moment
            for moment, message_types in (
                (self.ready_at, ENDED_BY_READINESS),
                (self.ended_at, ENDED_BY_DEPARTURE),
            )
            if moment is not None and message_type in message_types
        ]
        return min(moments, default=None)


def require_own_order(
    visit: ServiceVisit | None, order_id: str | None, customer_ref: str, *, by_service: bool
) -> None:
    """Refuse a message about another customer's order or an unknown one.

    A service may name an order whose events have not come yet.

    Raises:
        RuleViolation: the order is unknown, or another customer's.
    """
    if order_id and visit is None and not by_service:
        raise unknown("order_id", order_id)
    if visit is not None and visit.customer_ref not in (None, customer_ref):
        raise errors.order_of_another_customer(visit.order_id)
