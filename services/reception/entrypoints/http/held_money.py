"""Money held (暂存款): its list, and the carry-over to another order."""

from fastapi.responses import JSONResponse

from services.reception.application import held_money
from services.reception.application.held_money import CarryOverRequest, HeldMoney
from services.reception.application.views import OrderView
from services.reception.entrypoints.http.access import (
    CashierCommand,
    InjectedDeps,
    ReceivablesReader,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/held-money", tags=["invoicing"], openapi_extra=serves("R8"))
async def list_held_money(
    store_id: str, _: ReceivablesReader, deps: InjectedDeps
) -> list[HeldMoney]:
    return await held_money.list_held_money(store_id, deps)


@router.post(
    "/orders/{order_id}/deposit-carry-over",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def carry_over(
    order_id: str, body: CarryOverRequest, command: CashierCommand
) -> JSONResponse:
    return await command.run(lambda uow: held_money.carry_over(uow, order_id, body))
