"""How loyal a customer is (忠诚度), as of the moment of the question."""

from collections.abc import Collection

from fastapi import Request
from pydantic import BaseModel

from services.crm import persistence
from services.crm.domain.loyalty import Tier
from services.crm.entrypoints.http.access import config_of, now_of
from shared.db import Connection
from shared.security import Principal
from shared.sharing import log_cross_store_access


class Loyalty(BaseModel):
    """What a customer is to all stores of the group together.

    ``visits`` counts deliveries (到店次数). ``tier`` (忠诚度等级) is absent for a customer who has
    none; ``tier_rule`` is the version of the rule by which it was found, named by its first day.
    """

    visits: int
    tier: Tier | None
    tier_rule: str


async def loyalty_of(
    request: Request, connection: Connection, principal: Principal, store_id: str, reference: str
) -> Loyalty:
    """Loyalty of the customer whose vehicle has this VIN's or plate's reference; leaves a trace
    when other stores' visits are counted (R16)."""
    found = await loyalty_by_vehicle(request, connection, principal, store_id, [reference])
    return found[reference]


async def loyalty_by_vehicle(
    request: Request,
    connection: Connection,
    principal: Principal,
    store_id: str,
    references: Collection[str],
) -> dict[str, Loyalty]:
    """The same of several vehicles at once."""
    now = now_of(request)
    rule = config_of(request).loyalty_rule(store_id, now)
    customs = await persistence.custom_in_group(connection, references, now - rule.period)
    for reference, custom in customs.items():
        log_cross_store_access(
            "visits to other stores counted", principal, store_id, custom.stores, vehicle=reference
        )
    return {
        reference: Loyalty(
            visits=custom.visits,
            tier=rule.tier_of(custom, now),
            tier_rule=rule.valid_from.isoformat(),
        )
        for reference, custom in customs.items()
    }
