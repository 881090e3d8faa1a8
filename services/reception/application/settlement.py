"""Rules of settlement (结算规则), as a transaction finds them."""

from datetime import datetime

from services.reception.application.deps import Deps
from services.reception.domain import settlement
from services.reception.domain.settlement import StoreSettlement
from shared.contracts.management import RuleSetDefined
from shared.db import Connection
from shared.master_data import NotDefinedError

_SETTLEMENT = "settlement"


async def settlement_rules(
    connection: Connection, store_id: str, now: datetime, deps: Deps
) -> StoreSettlement:
    """Return the rules of settlement that hold on a store's day at ``now``.

    Raises:
        NotDefinedError: there are none.
    """
    own, group = f"{_SETTLEMENT}.{store_id}", _SETTLEMENT
    found = await deps.master_data.get(connection, RuleSetDefined, [own, group])
    versions = {key: state.versions for key, state in found.items()}
    day = deps.catalog.stores[store_id].local_day(now)
    rules = settlement.rules_on(versions.get(own, ()), versions.get(group, ()), day)
    if rules is None:
        raise NotDefinedError("settlement rules")
    return rules
