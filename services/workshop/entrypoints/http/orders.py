"""Orders in the workshop."""

from services.workshop.application import orders
from services.workshop.application.orders import WorkDoneView, WorkOrderView
from services.workshop.entrypoints.http.access import InjectedDeps, OrderReader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/orders/{order_id}/work-done", tags=["jobs"], openapi_extra=serves("R12", "R13"))
async def get_work_done(
    store_id: str, order_id: str, deps: InjectedDeps, _: OrderReader
) -> list[WorkDoneView]:
    return await orders.get_work_done(store_id, order_id, deps)


@router.get("/orders/{order_id}", tags=["jobs"], openapi_extra=serves("R13", "R14"))
async def get_order(
    store_id: str, order_id: str, deps: InjectedDeps, _: OrderReader
) -> WorkOrderView:
    return await orders.get_order(store_id, order_id, deps)
