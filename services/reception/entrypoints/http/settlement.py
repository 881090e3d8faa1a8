"""Rules of settlement that a manager considers (结算规则)."""

from services.reception.application import settlement
from services.reception.application.settlement import PreviewSettlementRequest, SettlementPreview
from services.reception.entrypoints.http.access import GroupFinance, InjectedDeps, ServiceManager
from shared.requirements import serves
from shared.routing import Router, StoreRouter

router = Router()
_store_router = StoreRouter()


@_store_router.post("/settlement/preview", tags=["invoicing"], openapi_extra=serves("R8", "R40"))
async def preview_settlement_of_store(
    store_id: str, body: PreviewSettlementRequest, _: ServiceManager, deps: InjectedDeps
) -> SettlementPreview:
    return await settlement.preview_settlement_of_store(store_id, body, deps)


@router.post("/settlement/preview", tags=["invoicing"], openapi_extra=serves("R8", "R40"))
async def preview_settlement(
    body: PreviewSettlementRequest, principal: GroupFinance, deps: InjectedDeps
) -> SettlementPreview:
    return await settlement.preview_settlement(principal, body, deps)


router.include_router(_store_router)
