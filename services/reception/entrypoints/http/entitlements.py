"""Entitlements of loyal customers at reception (特别待遇)."""

from fastapi.responses import JSONResponse

from services.reception.application import entitlements
from services.reception.application.entitlements import (
    EntitlementsView,
    EntitlementView,
    GrantEntitlementRequest,
)
from services.reception.entrypoints.http.access import (
    FrontOffice,
    FrontOfficeCommand,
    InjectedDeps,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/orders/{order_id}/entitlements", tags=["arrivals"], openapi_extra=serves("R2", "R25"))
async def get_entitlements(
    store_id: str, order_id: str, _: FrontOffice, deps: InjectedDeps
) -> EntitlementsView:
    """Return what the customer of a visit is entitled to by their loyalty tier (特别待遇)."""
    return await entitlements.get_entitlements(store_id, order_id, deps)


@router.post(
    "/orders/{order_id}/entitlements",
    status_code=201,
    response_model=EntitlementView,
    tags=["arrivals"],
    openapi_extra=serves("R25"),
)
async def grant_entitlement(
    order_id: str,
    body: GrantEntitlementRequest,
    command: FrontOfficeCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Give the customer what their tier entitles them to; a voucher is issued (发放礼遇)."""
    return await command.run_prepared(
        lambda: entitlements.references_at_visit(command.store_id, order_id, deps),
        lambda uow, references: entitlements.grant_entitlement(uow, order_id, body, references),
        status=201,
    )
