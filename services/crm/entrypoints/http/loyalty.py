"""Loyalty rules that a manager considers (忠诚度规则)."""

from services.crm.application import loyalty
from services.crm.application.loyalty import LoyaltyPreview, PreviewLoyaltyRequest
from services.crm.entrypoints.http.access import GroupReader, InjectedDeps
from shared.requirements import serves
from shared.routing import Router

router = Router()


@router.post("/loyalty/preview", tags=["loyalty"], openapi_extra=serves("R25", "R40"))
async def preview_loyalty_change(
    body: PreviewLoyaltyRequest, _: GroupReader, deps: InjectedDeps
) -> LoyaltyPreview:
    return await loyalty.preview_loyalty_change(body, deps)
