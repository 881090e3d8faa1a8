"""Rules of settlement (结算规则): as a transaction finds them, and as a manager considers them."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import get_args

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import settlement
from services.reception.domain.settlement import Approver, StoreSettlement
from shared.contracts.management import RuleSetDefined, SettlementRules
from shared.db import Connection
from shared.master_data import NotDefinedError
from shared.request_model import RequestModel

_SETTLEMENT = "settlement"
_PREVIEWED = timedelta(days=30)


class PreviewSettlementRequest(RequestModel):
    """Rules of settlement that a manager considers; what they leave out stays as it is."""

    content: SettlementRules


class ApprovalCount(BaseModel):
    """Number of discounts that a role may approve and no lower one; ``role`` is absent where none
    may.
    """

    role: Approver | None
    discounts: int


class SettlementPreview(BaseModel):
    """Who approves discounts by the present rules and by those considered, the lowest role first.

    They are the discounts on the invoices from ``since`` to ``until``. ``higher`` counts those that
    would have needed a higher role, ``lower`` those for which a lower one would have been enough.
    """

    since: datetime
    until: datetime
    discounts: int
    before: list[ApprovalCount]
    after: list[ApprovalCount]
    higher: int
    lower: int


async def settlement_rules(
    connection: Connection, store_id: str, now: datetime, deps: Deps
) -> StoreSettlement:
    """Return the rules of settlement that hold on a store's day at ``now``.

    Raises:
        NotDefinedError: there are none.
    """
    found = await _contents(connection, [store_id], now, deps)
    group, own = found[store_id]
    return settlement.store_rules(group, own)


async def preview_settlement_of_store(
    store_id: str, request: PreviewSettlementRequest, deps: Deps
) -> SettlementPreview:
    """Return who would have approved a store's discounts of the last 30 days by other own rules.

    Raises:
        NotDefinedError: there are no rules of settlement.
    """
    return await _preview([store_id], request.content, deps, of_group=False)


async def preview_settlement(
    stores: Collection[str], request: PreviewSettlementRequest, deps: Deps
) -> SettlementPreview:
    """Return who would have approved discounts of the last 30 days by other rules of the group.

    They are those of the caller's ``stores``, whose own rules stay.

    Raises:
        NotDefinedError: there are no rules of settlement.
    """
    return await _preview(stores, request.content, deps, of_group=True)


async def _preview(
    stores: Collection[str], content: SettlementRules, deps: Deps, *, of_group: bool
) -> SettlementPreview:
    until = deps.uow_factory.clock.now()
    since = until - _PREVIEWED
    async with deps.uow_factory.read(*stores) as connection:
        present = await _contents(connection, stores, until, deps)
        discounts = await persistence.discounts_given(connection, stores, since, until)
    before = {each: settlement.store_rules(*rules) for each, rules in present.items()}
    after = {
        each: settlement.store_rules(settlement.merged(group, content), own)
        if of_group
        else settlement.store_rules(group, content)
        for each, (group, own) in present.items()
    }
    change = settlement.compare(discounts, before, after)
    return SettlementPreview(
        since=since,
        until=until,
        discounts=len(discounts),
        before=_counts(change.before),
        after=_counts(change.after),
        higher=change.higher,
        lower=change.lower,
    )


async def _contents(
    connection: Connection, stores: Collection[str], now: datetime, deps: Deps
) -> dict[str, tuple[SettlementRules, SettlementRules | None]]:
    """Return the group's rules and the own ones that hold on the day of each store.

    Raises:
        NotDefinedError: the group has none.
    """
    keys = {store_id: f"{_SETTLEMENT}.{store_id}" for store_id in stores}
    found = await deps.master_data.get(connection, RuleSetDefined, [_SETTLEMENT, *keys.values()])
    versions = {key: state.versions for key, state in found.items()}
    contents = {}
    for store_id, key in keys.items():
        day = deps.catalog.stores[store_id].local_day(now)
        group = settlement.content_on(versions.get(_SETTLEMENT, ()), day)
        if group is None:
            raise NotDefinedError("settlement rules")
        contents[store_id] = group, settlement.content_on(versions.get(key, ()), day)
    return contents


def _counts(discounts: Mapping[Approver | None, int]) -> list[ApprovalCount]:
    return [
        ApprovalCount(role=role, discounts=discounts.get(role, 0))
        for role in (*get_args(Approver), None)
    ]
