"""The log of events, and the facts folded from it (R33)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.reporting.application.deps import Deps
from services.reporting.domain.history import in_order, of_the_work
from services.reporting.persistence import facts, log
from shared.contracts.violations import unknown
from shared.envelope import ReceivedEvent
from shared.unit_of_work import UnitOfWork


class HistoryEntry(BaseModel):
    """One event of an order, as published."""

    event_id: str
    type: str
    time: datetime
    sequence: int
    topic: str
    causation_id: str | None
    data: Mapping[str, Any]


async def log_events(uow: UnitOfWork, batch: Sequence[ReceivedEvent], _: Deps) -> None:
    """Log a batch as published."""
    await log.append(uow.connection, batch)


async def fold_events(uow: UnitOfWork, batch: Sequence[ReceivedEvent], _: Deps) -> None:
    """Fold a batch into the facts, whatever the order of its events' types."""
    await facts.record(uow.connection, batch)


async def order_history(
    store_id: str, order_id: str, deps: Deps, *, sees_money: bool
) -> list[HistoryEntry]:
    """List every event that names the order, in order.

    Roles that do the work see no money.

    Raises:
        RuleViolation: no event of the store names the order.
    """
    async with deps.uow_factory.read(store_id) as connection:
        events = await log.of_order(connection, store_id, order_id)
    if not events:
        raise unknown("order_id", order_id)
    if not sees_money:
        events = of_the_work(events)
    return [HistoryEntry.model_validate(event, from_attributes=True) for event in in_order(events)]
