"""Campaigns (营销活动)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import campaign_answers, campaign_prices, campaigns, segments
from services.crm.application.campaign_answers import (
    AnswerInvitationRequest,
    InvitationDetail,
    InvitationView,
)
from services.crm.application.campaign_prices import PriceBreaches
from services.crm.application.campaigns import (
    CampaignDetail,
    CampaignView,
    CostView,
    EditCampaignRequest,
    PlanCampaignRequest,
    RecordCostRequest,
)
from services.crm.application.segments import PreviewSegmentRequest, SegmentPreview
from services.crm.domain.campaign import CampaignStatus, InvitationState
from services.crm.entrypoints.http.access import (
    CallerCommand,
    CallReader,
    CampaignCommand,
    InjectedDeps,
)
from shared.contracts.crm import CampaignAnswer
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post("/campaigns/preview", tags=["campaigns"], openapi_extra=serves("R28"))
async def preview_segment(
    store_id: str, body: PreviewSegmentRequest, _: CallReader, deps: InjectedDeps
) -> SegmentPreview:
    """Return how many customers a segment has now (人群预览)."""
    return await segments.preview_segment(store_id, body, deps)


@router.post(
    "/campaigns",
    status_code=201,
    response_model=CampaignView,
    tags=["campaigns"],
    openapi_extra=serves("R28"),
)
async def plan_campaign(
    body: PlanCampaignRequest, command: CampaignCommand, deps: InjectedDeps
) -> JSONResponse:
    """Plan a campaign (活动策划)."""
    return await command.run(lambda uow: campaigns.plan_campaign(uow, body, deps), status=201)


@router.get("/campaigns", tags=["campaigns"], openapi_extra=serves("R28"))
async def list_campaigns(
    store_id: str,
    _: CallReader,
    deps: InjectedDeps,
    status: Annotated[list[CampaignStatus], Query(max_length=5)],
) -> list[CampaignView]:
    """List campaigns, those that begin last first (活动列表)."""
    return await campaigns.list_campaigns(store_id, status, deps)


@router.get("/campaigns/{campaign_id}", tags=["campaigns"], openapi_extra=serves("R28"))
async def get_campaign(
    store_id: str, campaign_id: str, _: CallReader, deps: InjectedDeps
) -> CampaignDetail:
    """Return a campaign with its progress, cost and effect (活动详情)."""
    return await campaigns.get_campaign(store_id, campaign_id, deps)


@router.put(
    "/campaigns/{campaign_id}/plan",
    response_model=CampaignView,
    tags=["campaigns"],
    openapi_extra=serves("R28"),
)
async def edit_campaign(
    campaign_id: str, body: EditCampaignRequest, command: CampaignCommand, deps: InjectedDeps
) -> JSONResponse:
    """Change the plan of a draft (修改活动)."""
    return await command.run(lambda uow: campaigns.edit_campaign(uow, campaign_id, body, deps))


@router.get(
    "/campaigns/{campaign_id}/price-breaches", tags=["campaigns"], openapi_extra=serves("R28")
)
async def list_price_breaches(
    store_id: str, campaign_id: str, _: CallReader, deps: InjectedDeps
) -> PriceBreaches:
    """List the prices outside the limits of a campaign, of customers who came (超出限价清单)."""
    return await campaign_prices.list_price_breaches(store_id, campaign_id, deps)


@router.post(
    "/campaigns/{campaign_id}/start",
    response_model=CampaignView,
    tags=["campaigns"],
    openapi_extra=serves("R28"),
)
async def start_campaign(
    campaign_id: str, body: VersionedRequest, command: CampaignCommand, deps: InjectedDeps
) -> JSONResponse:
    """Have a campaign draw its customers and invite them from its first day on (活动启动)."""
    return await command.run(lambda uow: campaigns.start_campaign(uow, campaign_id, body, deps))


@router.post(
    "/campaigns/{campaign_id}/end",
    response_model=CampaignView,
    tags=["campaigns"],
    openapi_extra=serves("R28"),
)
async def end_campaign(
    campaign_id: str, command: CampaignCommand, deps: InjectedDeps
) -> JSONResponse:
    """End a campaign before its time, or drop one that has not begun (活动终止)."""
    return await command.run(lambda uow: campaigns.end_campaign(uow, campaign_id, deps))


@router.post(
    "/campaigns/{campaign_id}/costs",
    status_code=201,
    response_model=CostView,
    tags=["campaigns"],
    openapi_extra=serves("R28"),
)
async def record_campaign_cost(
    campaign_id: str, body: RecordCostRequest, command: CampaignCommand
) -> JSONResponse:
    """Record a cost of a campaign (活动费用)."""
    return await command.run(
        lambda uow: campaigns.record_campaign_cost(uow, campaign_id, body), status=201
    )


@router.get("/campaigns/{campaign_id}/invitations", tags=["campaigns"], openapi_extra=serves("R28"))
async def list_invitations(
    store_id: str,
    campaign_id: str,
    _: CallReader,
    deps: InjectedDeps,
    state: Annotated[list[InvitationState], Query(max_length=4)],
    answer: CampaignAnswer | None = None,
    after: Annotated[str, Query(max_length=120, description="the last id of the page before")] = "",
) -> list[InvitationView]:
    """List the customers of a campaign, loyal ones first (邀约名单)."""
    return await campaigns.list_invitations(store_id, campaign_id, state, answer, after, deps)


@router.get(
    "/campaign-invitations/{invitation_id}", tags=["campaigns"], openapi_extra=serves("R28")
)
async def get_invitation(
    store_id: str, invitation_id: str, _: CallReader, deps: InjectedDeps
) -> InvitationDetail:
    """Return an invitation with its campaign, for the agent who calls (活动邀约)."""
    return await campaign_answers.get_invitation(store_id, invitation_id, deps)


@router.post(
    "/campaign-invitations/{invitation_id}/answer",
    response_model=InvitationView,
    tags=["campaigns"],
    openapi_extra=serves("R28"),
)
async def answer_invitation(
    invitation_id: str, body: AnswerInvitationRequest, command: CallerCommand
) -> JSONResponse:
    """Record what a customer says to an invitation (邀约反馈)."""
    return await command.run(
        lambda uow: campaign_answers.answer_invitation(uow, invitation_id, body)
    )
