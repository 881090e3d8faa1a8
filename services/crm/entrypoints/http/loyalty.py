"""Loyalty rules that a manager considers (忠诚度规则), and the customers by tier."""

from services.crm.application import loyalty, loyalty_lists
from services.crm.application.loyalty import LoyaltyPreview, PreviewLoyaltyRequest
from services.crm.application.loyalty_lists import CustomerStanding, TierEntry, TierMonth
from services.crm.entrypoints.http.access import GroupReader, InjectedDeps, Reader
from services.crm.persistence import TierList
from shared.requirements import serves
from shared.routing import Router

router = Router()


@router.post("/loyalty/preview", tags=["loyalty"], openapi_extra=serves("R25", "R40"))
async def preview_loyalty_change(
    body: PreviewLoyaltyRequest, _: GroupReader, deps: InjectedDeps
) -> LoyaltyPreview:
    return await loyalty.preview_loyalty_change(body, deps)


@router.get("/stores/{store_id}/loyalty/customers", tags=["loyalty"], openapi_extra=serves("R25"))
async def list_by_tier(
    store_id: str, _: Reader, deps: InjectedDeps, view: TierList
) -> list[TierEntry]:
    """List the customers who rose or fell in the last 90 days, or are about to (升降级名单)."""
    return await loyalty_lists.list_by_tier(store_id, view, deps)


@router.get("/stores/{store_id}/loyalty/trend", tags=["loyalty"], openapi_extra=serves("R25"))
async def tier_trend(store_id: str, _: Reader, deps: InjectedDeps) -> list[TierMonth]:
    """Count the customers of each tier at the ends of the last twelve months (忠诚度趋势)."""
    return await loyalty_lists.tier_trend(store_id, deps)


@router.get(
    "/stores/{store_id}/customers/{customer_ref}/standing",
    tags=["loyalty"],
    openapi_extra=serves("R25", "R26"),
)
async def get_standing(
    store_id: str, customer_ref: str, _: Reader, deps: InjectedDeps
) -> CustomerStanding:
    """Return the tier of a customer, what it entitles to, and what is near (客户等级)."""
    return await loyalty_lists.get_standing(store_id, customer_ref, deps)
