"""Segments (客户细分): their criteria by the calendar, and their size before they are saved."""

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.domain import segment as segments
from services.crm.domain.campaign import FEWEST_CUSTOMERS
from services.crm.domain.insurance import after_months
from services.crm.domain.segment import Segment
from services.crm.persistence import Criteria
from shared.contracts.crm import Tier
from shared.group import Store
from shared.request_model import RequestModel


class PreviewSegmentRequest(RequestModel):
    """Criteria that a manager considers, and the share of customers to hold back."""

    segment: Segment
    control_bp: Annotated[int, Field(ge=0, le=5_000, description="对照组比例")] = 1_000


class TierSize(BaseModel):
    """Customers of a segment with one tier; ``without_consent`` match it but may not be invited."""

    tier: Tier | None
    customers: int
    without_consent: int


class SegmentPreview(BaseModel):
    """Size of a segment now (人群预览): who would be invited and who held back, by tier.

    ``is_small``: too few are in one of the groups to say much about the effect.
    """

    customers: int
    without_consent: int
    invited: int
    control: int
    is_small: bool
    tiers: list[TierSize]


async def preview_segment(
    store_id: str, request: PreviewSegmentRequest, deps: Deps
) -> SegmentPreview:
    """Return how many customers a segment has now (人群预览).

    Raises:
        RuleViolation: two limits cross each other.
    """
    segments.check(request.segment)
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        today = store.local_day(deps.uow_factory.clock.now())
        sizes = await persistence.segment_sizes(
            connection, store_id, criteria_of(request.segment, store, today)
        )
    customers = sum(each.customers for each in sizes)
    control = customers * request.control_bp // 10_000
    return SegmentPreview(
        customers=customers,
        without_consent=sum(each.without_consent for each in sizes),
        invited=customers - control,
        control=control,
        is_small=min(control, customers - control) < FEWEST_CUSTOMERS,
        tiers=[TierSize.model_validate(each, from_attributes=True) for each in sizes],
    )


def criteria_of(segment: Segment, store: Store, today: date) -> Criteria:
    """Return the criteria of a segment by the calendar, as they are on ``today``."""
    return Criteria(
        segment,
        today,
        visited_until=_visited(store, today, segment.min_days_since_visit, first=False),
        visited_since=_visited(store, today, segment.max_days_since_visit, first=True),
        registered_until=_months_before(today, segment.min_age_months),
        registered_since=_months_before(today, segment.max_age_months),
        insured_until=None
        if segment.insurance_ends_within_days is None
        else today + timedelta(days=segment.insurance_ends_within_days),
    )


def _visited(store: Store, today: date, days: int | None, *, first: bool) -> datetime | None:
    """Return the first or the last moment of the day so many days ago."""
    if days is None:
        return None
    begins, ends = store.day_bounds(today - timedelta(days=days))
    return begins if first else ends


def _months_before(today: date, months: int | None) -> date | None:
    return None if months is None else after_months(today, -months, today.day)
