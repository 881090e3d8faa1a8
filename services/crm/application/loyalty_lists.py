"""Customers by tier (忠诚度分析): who rose, fell or is about to, and the trend."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.rules import loyalty_rule
from services.crm.domain.customer_review import CustomerReview
from services.crm.persistence import ListedChange, MonthlyChange, TierList
from shared.contracts.crm import Tier, TierChangeReason
from shared.contracts.management import Entitlement
from shared.db import Connection

_LISTED_DAYS = 90
_NEAR_DAYS = 30
_LONGEST_LIST = 200
_MONTHS = 12


class TierEntry(BaseModel):
    """Customer on a list of tiers.

    Of one who rose or fell: the old tier, and since when and why they have the new one. Of one who
    is about to rise: the next tier and what lacks for it; of one who is about to fall: until when
    the tier holds if they do not come.
    """

    customer_ref: str
    tier: Tier | None
    old_tier: Tier | None = None
    changed_at: datetime | None = None
    reasons: list[TierChangeReason] = []
    next_tier: Tier | None = None
    visits_missing: int | None = None
    cents_missing: int | None = None
    tier_until: datetime | None = None


class TierMonth(BaseModel):
    """Customers of each tier at the end of a month, or now in the present one."""

    month: str
    gold: int
    silver: int
    bronze: int


class CustomerStanding(BaseModel):
    """Tier of a customer of the store, what it entitles to, and what is near (客户等级).

    ``is_lost`` since ``lapsed_at``; ``at_risk_at`` is from when the customer is at risk if they do
    not come, and ``lapses_at`` from when lost.
    """

    customer_ref: str
    tier: Tier | None
    entitlements: tuple[Entitlement, ...]
    visits: int
    last_visit_at: datetime | None
    next_tier: Tier | None
    visits_missing: int
    cents_missing: int
    tier_until: datetime | None
    interval_days: float | None
    at_risk_at: datetime | None
    lapses_at: datetime | None
    is_lost: bool
    lapsed_at: datetime | None


async def list_by_tier(store_id: str, view: TierList, deps: Deps) -> list[TierEntry]:
    """List the customers who rose or fell in the last 90 days, or are about to (升降级名单)."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        if view in ("rose", "fell"):
            changes = await persistence.changed_tiers(
                connection,
                store_id,
                now - timedelta(days=_LISTED_DAYS),
                _LONGEST_LIST,
                rose=view == "rose",
            )
            return [_changed(each) for each in changes]
        if view == "near_fall":
            until = now + timedelta(days=_NEAR_DAYS)
            falling = await persistence.about_to_fall(
                connection, store_id, now, until, _LONGEST_LIST
            )
            return [_near(each) for each in falling]
        store = await deps.group.store(connection, store_id)
        rule = await loyalty_rule(connection, store.local_day(now), deps)
        rising = await persistence.about_to_rise(
            connection, store_id, now - rule.period, _LONGEST_LIST
        )
    return [_near(each) for each in rising]


async def tier_trend(store_id: str, deps: Deps) -> list[TierMonth]:
    """Count the customers of each tier at the ends of the last twelve months (忠诚度趋势)."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        months = store.months_until(now, _MONTHS)
        since = store.first_of_months(now, _MONTHS)
        present = await persistence.customers_by_tier(connection, store_id)
        changes = await persistence.changes_by_month(connection, store_id, since, store.zone)
    return _trend(months, Counter(present), changes)


async def get_standing(store_id: str, customer_ref: str, deps: Deps) -> CustomerStanding:
    """Return the tier of a customer of the store and what is known of their visits.

    Raises:
        RuleViolation: the customer is not in the store's customer records.
        NotDefinedError: there are no loyalty rules.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        customer_ref = await persistence.require_customer(connection, store_id, customer_ref)
        return await standing_of(connection, store_id, customer_ref, now, deps)


async def standing_of(
    connection: Connection, store_id: str, customer_ref: str, now: datetime, deps: Deps
) -> CustomerStanding:
    """Return the tier of a customer of the store and what is known of their visits.

    Raises:
        NotDefinedError: there are no loyalty rules.
    """
    store = await deps.group.store(connection, store_id)
    rule = await loyalty_rule(connection, store.local_day(now), deps)
    reviews = await persistence.find_reviews(connection, store_id, [customer_ref])
    lapses = await persistence.open_lapses(connection, store_id, [customer_ref])
    found, lost = reviews.get(customer_ref), lapses.get(customer_ref)
    return CustomerStanding(
        customer_ref=customer_ref,
        tier=found.tier if found else None,
        entitlements=rule.entitlements_of(found.tier if found else None),
        visits=found.visits if found else 0,
        last_visit_at=found.last_visit_at if found else None,
        next_tier=found.next_tier if found else None,
        visits_missing=found.visits_missing if found else 0,
        cents_missing=found.cents_missing if found else 0,
        tier_until=found.tier_until if found else None,
        interval_days=found.interval_days if found else None,
        at_risk_at=found.at_risk_at if found else None,
        lapses_at=found.lapses_at if found else None,
        is_lost=lost is not None,
        lapsed_at=lost.lapsed_at if lost else None,
    )


def _changed(each: ListedChange) -> TierEntry:
    return TierEntry(
        customer_ref=each.customer_ref,
        tier=each.new_tier,
        old_tier=each.old_tier,
        changed_at=each.changed_at,
        reasons=each.reasons,
    )


def _near(each: CustomerReview) -> TierEntry:
    return TierEntry(
        customer_ref=each.customer_ref,
        tier=each.tier,
        next_tier=each.next_tier,
        visits_missing=each.visits_missing,
        cents_missing=each.cents_missing,
        tier_until=each.tier_until,
    )


def _trend(
    months: Sequence[str], counted: Counter[Tier | None], changes: Sequence[MonthlyChange]
) -> list[TierMonth]:
    """Return the counts at the end of each month, from the present ones backward."""
    trend = []
    for month in reversed(months):
        trend.append(TierMonth(month=month, **{tier: counted[tier] for tier in get_args(Tier)}))
        for change in changes:
            if change.month == month:
                counted[change.new_tier] -= change.customers
                counted[change.old_tier] += change.customers
    return trend[::-1]
