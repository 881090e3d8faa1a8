"""Rules of settlement (结算规则): as a transaction finds them, and as a manager considers them."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import get_args

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import settlement
from services.reception.domain.settlement import Approver, StoreSettlement
from shared.contracts.management import SettlementRules
from shared.db import Connection
from shared.master_data import NotDefinedError
from shared.request_model import RequestModel
from shared.security import Principal

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
    store = await deps.group.store(connection, store_id)
    found = await _contents(connection, {store_id: store.local_day(now)}, deps)
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
    caller: Principal, request: PreviewSettlementRequest, deps: Deps
) -> SettlementPreview:
    """Return who would have approved discounts of the last 30 days by other rules of the group.

    They are those of the caller's stores, as far as these are known; their own rules stay.

    Raises:
        NotDefinedError: there are no rules of settlement.
    """
    stores: Collection[str] = caller.stores
    if caller.everywhere:
        async with deps.uow_factory.read() as connection:
            stores = await deps.group.all_stores(connection)
    return await _preview(stores, request.content, deps, of_group=True)


async def _preview(
    stores: Collection[str], content: SettlementRules, deps: Deps, *, of_group: bool
) -> SettlementPreview:
    until = deps.uow_factory.clock.now()
    since = until - _PREVIEWED
    async with deps.uow_factory.read(*stores) as connection:
        known = await deps.group.stores(connection, stores)
        days = {store_id: store.local_day(until) for store_id, store in known.items()}
        present = await _contents(connection, days, deps)
        discounts = await persistence.discounts_given(connection, known, since, until)
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
    connection: Connection, days: Mapping[str, date], deps: Deps
) -> dict[str, tuple[SettlementRules, SettlementRules | None]]:
    """Return the group's rules and the own ones that hold on its day for each store.

    Raises:
        NotDefinedError: the group has none.
    """
    contents = {}
    rules = await deps.group.rules_of_stores(connection, SettlementRules, days)
    for store_id, (own, group) in rules.items():
        if group is None:
            raise NotDefinedError("settlement rules")
        contents[store_id] = group, own
    return contents


def _counts(discounts: Mapping[Approver | None, int]) -> list[ApprovalCount]:
    return [
        ApprovalCount(role=role, discounts=discounts.get(role, 0))
        for role in (*get_args(Approver), None)
    ]
