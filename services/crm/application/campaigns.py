"""Campaigns (营销活动): plan with a preview of the segment, start, end, cost and effect."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.campaign_answers import InvitationView, view_of
from services.crm.application.campaign_run import (
    cost_of,
    end_now,
    period_of,
    save_campaign,
    schedule_run,
)
from services.crm.application.deps import Deps
from services.crm.application.segments import PreviewSegmentRequest
from services.crm.domain import campaign as campaigns
from services.crm.domain.campaign import (
    FEWEST_CUSTOMERS,
    Campaign,
    CampaignStatus,
    CostKind,
    InvitationState,
    PriceLimit,
    SkipCause,
)
from services.crm.domain.segment import Segment
from services.crm.persistence import Cost
from shared.contracts.base import Cents
from shared.contracts.crm import (
    CampaignAnswer,
    CampaignOrigin,
    CampaignReason,
    InvitationChannel,
    Tier,
)
from shared.contracts.versioned import require_version
from shared.db import Connection
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import RequestModel, SeenVersion, Version, VersionedRequest
from shared.unit_of_work import UnitOfWork

CAMPAIGNS_LISTED = 200
INVITATIONS_PER_PAGE = 100


class PlanCampaignRequest(PreviewSegmentRequest):
    """A campaign of the manufacturer or of the store (活动策划).

    ``title`` names it to customers. ``control_bp`` basis points of the customers are held back; the
    others are invited in ``waves``, loyal ones first.
    """

    title: Annotated[str, Field(min_length=2, max_length=60, description="活动名称")]
    origin: CampaignOrigin
    reason: CampaignReason
    begins_on: CalendarDay
    ends_on: CalendarDay
    invite_by: InvitationChannel = "message"
    waves: Annotated[int, Field(ge=1, le=12, description="邀约批次")] = 1
    days_between_waves: Annotated[int, Field(ge=1, le=30)] = 1
    price_limits: Annotated[list[PriceLimit], Field(max_length=50)] = []
    rebate_target_cents: Cents | None = None
    planned_cost_cents: Cents = 0


class EditCampaignRequest(PlanCampaignRequest):
    """The whole plan of a draft as it is to be (修改活动)."""

    version: SeenVersion


class RecordCostRequest(RequestModel):
    """A cost of a campaign (活动费用)."""

    kind: CostKind
    amount_cents: Annotated[int, Field(ge=1, le=10**12)]
    spent_on: CalendarDay


class CampaignView(BaseModel):
    """A campaign with its plan and its state."""

    campaign_id: str
    title: str
    origin: CampaignOrigin
    reason: CampaignReason
    begins_on: date
    ends_on: date
    segment: Segment
    control_bp: int
    invite_by: InvitationChannel
    waves: int
    days_between_waves: int
    price_limits: Sequence[PriceLimit]
    rebate_target_cents: int | None
    planned_cost_cents: int
    planned_by: str
    planned_at: datetime
    status: CampaignStatus
    version: Version
    started_by: str | None
    started_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None


class ProgressView(BaseModel):
    """Number of customers of a campaign with the same state; the control group has no wave."""

    wave: int | None
    tier: Tier | None
    state: InvitationState
    channel: InvitationChannel | None
    skip_cause: SkipCause | None
    answer: CampaignAnswer | None
    customers: int


class GroupView(BaseModel):
    """Customers of a group with their visits in the campaign's period, and what these paid.

    ``visit_rate`` and ``mean_cents`` are a customer's, absent of no customers.
    """

    customers: int
    visitors: int
    visits: int
    spent_cents: int
    visit_rate: float | None
    mean_cents: int | None


class EffectView(BaseModel):
    """Those who were drawn for an invitation against those held back (活动效果).

    ``rate_difference`` is the visit rate of the invited less that of the control group, with its
    interval at 95 % confidence. ``more_visitors`` and ``more_cents`` are what the campaign has
    brought by that. They are absent without a control group. ``is_small``: one of the groups has
    fewer than ``fewest_customers``. ``cost_per_visitor_cents`` is absent where it brought none.
    """

    invited: GroupView
    control: GroupView
    rate_difference: float | None
    rate_low: float | None
    rate_high: float | None
    more_visitors: float | None
    more_cents: int | None
    is_small: bool
    is_certain: bool
    fewest_customers: int
    cost_per_visitor_cents: int | None


class CostView(BaseModel):
    """Cost of a campaign by kind."""

    kind: CostKind
    amount_cents: int


class CampaignDetail(CampaignView):
    """A campaign with its progress, cost and effect.

    ``cost_cents`` has the costs and what redeemed vouchers of the campaign have cost.
    ``rebate_rate`` is what its invited customers have paid, as a share of the rebate target (返点).
    """

    progress: list[ProgressView]
    costs: list[CostView]
    vouchers_issued: int
    vouchers_redeemed: int
    voucher_cost_cents: int
    cost_cents: int
    effect: EffectView
    rebate_rate: float | None


async def plan_campaign(uow: UnitOfWork, command: PlanCampaignRequest, deps: Deps) -> CampaignView:
    """Plan a campaign, which begins when it is started (活动策划).

    Raises:
        RuleViolation: its period, its waves or its limits do not fit.
    """
    store = await deps.group.store(uow.connection, uow.store_id)
    planned = campaigns.plan(
        Campaign(
            **_content(command),
            store_id=uow.store_id,
            campaign_id=str(new_id()),
            planned_by=uow.person,
            planned_at=uow.now,
        ),
        store.local_day(uow.now),
    )
    return _view(await save_campaign(uow, planned))


async def edit_campaign(
    uow: UnitOfWork, campaign_id: str, command: EditCampaignRequest, deps: Deps
) -> CampaignView:
    """Change the plan of a draft (修改活动).

    Raises:
        RuleViolation: the store has no such campaign, it is no draft or was changed meanwhile, or
            its period, its waves or its limits do not fit.
    """
    store = await deps.group.store(uow.connection, uow.store_id)
    draft = await persistence.lock_campaign(uow.connection, uow.store_id, campaign_id)
    campaigns.require_draft(draft)
    require_version(draft, command.version)
    edited = campaigns.plan(replace(draft, **_content(command)), store.local_day(uow.now))
    return _view(await save_campaign(uow, edited))


async def start_campaign(
    uow: UnitOfWork, campaign_id: str, command: VersionedRequest, deps: Deps
) -> CampaignView:
    """Have a campaign draw its customers and invite them from its first day on (活动启动).

    Raises:
        RuleViolation: the store has no such campaign, it is no draft or was changed meanwhile, or
            its period is over.
    """
    store = await deps.group.store(uow.connection, uow.store_id)
    draft = await persistence.lock_campaign(uow.connection, uow.store_id, campaign_id)
    scheduled = campaigns.schedule(draft, uow.person, store.local_day(uow.now))
    require_version(draft, command.version)
    saved = await save_campaign(uow, scheduled)
    await schedule_run(uow, saved, max(uow.now, store.at(saved.begins_on, store.opening)))
    return _view(saved)


async def end_campaign(uow: UnitOfWork, campaign_id: str, deps: Deps) -> CampaignView:
    """End a campaign before its time, or drop one that has not begun (活动终止).

    Raises:
        RuleViolation: the store has no such campaign, or it has ended.
    """
    connection = uow.connection
    campaign = await persistence.lock_campaign(connection, uow.store_id, campaign_id)
    if campaign.status in ("draft", "scheduled"):
        dropped = campaigns.cancel(campaign, uow.person, uow.now)
        return _view(await save_campaign(uow, dropped))
    return _view(await end_now(uow, campaign, uow.person, deps))


async def record_campaign_cost(
    uow: UnitOfWork, campaign_id: str, command: RecordCostRequest
) -> CostView:
    """Record a cost of a campaign (活动费用).

    Raises:
        RuleViolation: the store has no such campaign.
    """
    await persistence.lock_campaign(uow.connection, uow.store_id, campaign_id)
    cost = Cost(
        store_id=uow.store_id,
        cost_id=str(new_id()),
        campaign_id=campaign_id,
        kind=command.kind,
        amount_cents=command.amount_cents,
        spent_on=command.spent_on,
        recorded_by=uow.person,
        recorded_at=uow.now,
    )
    await persistence.add_campaign_cost(uow.connection, cost)
    return CostView.model_validate(cost, from_attributes=True)


async def list_campaigns(
    store_id: str, statuses: Sequence[CampaignStatus], deps: Deps
) -> list[CampaignView]:
    """List campaigns, those that begin last first (活动列表)."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_campaigns(connection, store_id, statuses, CAMPAIGNS_LISTED)
    return [_view(each) for each in found]


async def get_campaign(store_id: str, campaign_id: str, deps: Deps) -> CampaignDetail:
    """Return a campaign with its progress, cost and effect (活动详情).

    Raises:
        RuleViolation: the store has no such campaign.
    """
    async with deps.uow_factory.read(store_id) as connection:
        campaign = await persistence.read_campaign(connection, store_id, campaign_id)
        progress = await persistence.campaign_progress(connection, store_id, campaign_id)
        costs = await persistence.campaign_costs(connection, store_id, campaign_id)
        vouchers = await persistence.campaign_vouchers(connection, store_id, campaign_id)
        cost_cents = await cost_of(connection, campaign)
        effect = await _effect(connection, campaign, cost_cents, deps)
    target = campaign.rebate_target_cents
    return CampaignDetail(
        **_view(campaign).model_dump(),
        progress=[ProgressView.model_validate(each, from_attributes=True) for each in progress],
        costs=[CostView(kind=kind, amount_cents=cents) for kind, cents in costs.items()],
        vouchers_issued=vouchers.issued,
        vouchers_redeemed=vouchers.redeemed,
        voucher_cost_cents=vouchers.cost_cents,
        cost_cents=cost_cents,
        effect=effect,
        rebate_rate=effect.invited.spent_cents / target if target else None,
    )


async def list_invitations(
    store_id: str,
    campaign_id: str,
    states: Sequence[InvitationState],
    answer: CampaignAnswer | None,
    after: str,
    deps: Deps,
) -> list[InvitationView]:
    """List the customers of a campaign, loyal ones first (邀约名单).

    Raises:
        RuleViolation: the store has no such campaign.
    """
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.read_campaign(connection, store_id, campaign_id)
        found = await persistence.list_invitations(
            connection, store_id, campaign_id, states, answer, after, INVITATIONS_PER_PAGE
        )
    return [view_of(each) for each in found]


async def _effect(
    connection: Connection, campaign: Campaign, cost_cents: int, deps: Deps
) -> EffectView:
    store = await deps.group.store(connection, campaign.store_id)
    invited, control = await persistence.campaign_figures(
        connection, campaign.store_id, campaign.campaign_id, period_of(campaign, store)
    )
    found = campaigns.effect(invited, control)
    more = found.more_visitors
    return EffectView(
        invited=_group(invited),
        control=_group(control),
        rate_difference=found.difference.difference if found.difference else None,
        rate_low=found.difference.low if found.difference else None,
        rate_high=found.difference.high if found.difference else None,
        more_visitors=more,
        more_cents=found.more_cents,
        is_small=found.is_small,
        is_certain=found.is_certain,
        fewest_customers=FEWEST_CUSTOMERS,
        cost_per_visitor_cents=round(cost_cents / more) if more and more > 0 else None,
    )


def _group(figures: campaigns.GroupFigures) -> GroupView:
    known = figures.customers
    return GroupView(
        customers=known,
        visitors=figures.visitors,
        visits=figures.visits,
        spent_cents=figures.spent_cents,
        visit_rate=figures.visitors / known if known else None,
        mean_cents=round(figures.spent_cents / known) if known else None,
    )


def _view(campaign: Campaign) -> CampaignView:
    shown = {name: getattr(campaign, name) for name in CampaignView.model_fields}
    return CampaignView.model_validate(shown)


def _content(command: PlanCampaignRequest) -> dict[str, Any]:
    return {name: getattr(command, name) for name in PlanCampaignRequest.model_fields}
