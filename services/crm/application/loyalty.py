"""Loyalty of a customer (忠诚度) at the time of the query."""

from collections.abc import Collection, Sequence

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.domain.loyalty import Tier, spend_by_order
from shared.db import Connection
from shared.envelope import ReceivedEvent
from shared.security import Principal
from shared.sharing import log_cross_store_access
from shared.unit_of_work import UnitOfWork


class Loyalty(BaseModel):
    """A customer's loyalty to all stores of the group together.

    ``visits`` counts deliveries (到店次数). ``tier`` (忠诚度等级) is absent for a customer who has
    none; ``tier_rule`` is the version of the rule by which it was found, named by its first day.
    """

    visits: int
    tier: Tier | None
    tier_rule: str


async def add_spend(uow: UnitOfWork, batch: Sequence[ReceivedEvent], _: Deps) -> None:
    """Add up what customers pay (R25)."""
    if spend := spend_by_order(received.event for received in batch):
        await persistence.add_spend(uow.connection, spend)


async def loyalty_of(
    connection: Connection, store_id: str, reference: str, principal: Principal, deps: Deps
) -> Loyalty:
    """Return the loyalty of the customer whose vehicle has this VIN's or plate's reference.

    The access is recorded when other stores' visits are counted (R16).
    """
    found = await loyalty_by_vehicle(connection, store_id, [reference], principal, deps)
    return found[reference]


async def loyalty_by_vehicle(
    connection: Connection,
    store_id: str,
    references: Collection[str],
    principal: Principal,
    deps: Deps,
) -> dict[str, Loyalty]:
    """Return the loyalty of the customers of several vehicles."""
    now = deps.uow_factory.clock.now()
    rule = deps.config.loyalty_rule(store_id, now)
    histories = await persistence.customer_history_in_group(
        connection, references, now - rule.period
    )
    for reference, history in histories.items():
        log_cross_store_access(
            "visits to other stores counted", principal, store_id, history.stores, vehicle=reference
        )
    return {
        reference: Loyalty(
            visits=history.visits,
            tier=rule.tier_of(history, now),
            tier_rule=rule.valid_from.isoformat(),
        )
        for reference, history in histories.items()
    }
