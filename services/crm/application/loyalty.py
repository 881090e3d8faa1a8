"""Loyalty of customers (忠诚度) at the time of the query, and under rules that are considered."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.rules import loyalty_rule
from services.crm.domain.loyalty import LoyaltyRule, best_tier, compare, spend_by_order
from shared.contracts.crm import Tier
from shared.contracts.management import GROUP, Entitlement, LoyaltyRules
from shared.db import Connection
from shared.envelope import ReceivedEvent
from shared.group import GROUP_ZONE
from shared.request_model import RequestModel
from shared.security import Principal
from shared.sharing import log_cross_store_access
from shared.unit_of_work import UnitOfWork

_PREVIEWED = timedelta(days=30)


class Loyalty(BaseModel):
    """A customer's loyalty to all stores of the group together.

    ``visits`` counts deliveries (到店次数). ``tier`` (忠诚度等级) is absent for a customer who has
    none, and ``entitlements`` (特别待遇) are what it entitles to; ``tier_rule`` is the version of
    the rule by which it was found, named by its first day.
    """

    visits: int
    tier: Tier | None
    entitlements: tuple[Entitlement, ...]
    tier_rule: str


class PreviewLoyaltyRequest(RequestModel):
    """Loyalty rules that a manager considers."""

    content: LoyaltyRules


class TierCount(BaseModel):
    """Number of customers of a tier; ``tier`` is absent for those who have none."""

    tier: Tier | None
    customers: int


class LoyaltyPreview(BaseModel):
    """Tiers of customers by the present rules and by those considered, the best tier first.

    They are the customers to whom a vehicle was delivered from ``since`` to ``until``, each once,
    with the best tier of their vehicles. ``present_rule`` is the first day of the present version.
    """

    since: datetime
    until: datetime
    present_rule: str
    customers: int
    before: list[TierCount]
    after: list[TierCount]
    raised: int
    lowered: int


async def add_spend(uow: UnitOfWork, batch: Sequence[ReceivedEvent], _: Deps) -> None:
    """Add up what customers pay (R25)."""
    if spend := spend_by_order(received.event for received in batch):
        await persistence.add_spend(uow.connection, spend)


async def loyalty_of(
    connection: Connection, store_id: str, reference: str, principal: Principal, deps: Deps
) -> Loyalty:
    """Return the loyalty of the customer whose vehicle has this VIN's or plate's reference.

    The access is recorded when other stores' visits are counted (R16).

    Raises:
        NotDefinedError: there are no loyalty rules.
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
    """Return the loyalty of the customers of several vehicles.

    Raises:
        NotDefinedError: there are no loyalty rules.
    """
    now = deps.uow_factory.clock.now()
    store = await deps.group.store(connection, store_id)
    rule = await loyalty_rule(connection, store.local_day(now), deps)
    histories = await persistence.customer_history_in_group(
        connection, references, now - rule.period
    )
    for reference, history in histories.items():
        log_cross_store_access(
            "visits to other stores counted", principal, store_id, history.stores, vehicle=reference
        )
    tiers = {reference: rule.tier_of(history, now) for reference, history in histories.items()}
    return {
        reference: Loyalty(
            visits=histories[reference].visits,
            tier=tier,
            entitlements=rule.entitlements_of(tier),
            tier_rule=rule.valid_from,
        )
        for reference, tier in tiers.items()
    }


async def preview_loyalty_change(request: PreviewLoyaltyRequest, deps: Deps) -> LoyaltyPreview:
    """Return what other loyalty rules would do to the customers of the last 30 days' deliveries.

    Raises:
        NotDefinedError: there are no loyalty rules.
    """
    now = deps.uow_factory.clock.now()
    since, day = now - _PREVIEWED, now.astimezone(GROUP_ZONE).date()
    proposed = LoyaltyRule(day.isoformat(), request.content)
    async with deps.uow_factory.read(GROUP) as connection:
        present = await loyalty_rule(connection, day, deps)
        before = await _tiers(connection, present, since, now)
        after = await _tiers(connection, proposed, since, now)
    change = compare(before, after)
    return LoyaltyPreview(
        since=since,
        until=now,
        present_rule=present.valid_from,
        customers=len(before),
        before=_counts(change.before),
        after=_counts(change.after),
        raised=change.raised,
        lowered=change.lowered,
    )


async def _tiers(
    connection: Connection, rule: LoyaltyRule, since: datetime, now: datetime
) -> Mapping[str, Tier | None]:
    """Return the tier of each customer to whom a vehicle was delivered since ``since``."""
    histories = await persistence.histories_of_deliveries(connection, since, now, now - rule.period)
    return {customer: best_tier(rule, known, now) for customer, known in histories.items()}


def _counts(customers: Mapping[Tier | None, int]) -> list[TierCount]:
    return [
        TierCount(tier=tier, customers=customers.get(tier, 0)) for tier in (*get_args(Tier), None)
    ]
