"""Money held (暂存款): the list of it, and carrying it over to another order."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.views import OrderView, order_view
from services.reception.domain import held_money
from services.reception.domain.lifecycle import Stage
from services.reception.entrypoints.http.access import Advisor, Office, store_router
from shared.contracts.base import Identifier
from shared.contracts.reception import PaymentMethod
from shared.contracts.versioned import require_version
from shared.db import transaction
from shared.duties import serves
from shared.request_model import Seen
from shared.unit_of_work import UnitOfWork

router = store_router()


class HeldMoney(BaseModel):
    """Money of a customer that no bill has used, in cents, and the customer's money by method."""

    order_id: str
    customer_ref: str | None
    advisor_id: str | None
    stage: Stage
    invoice_id: str | None
    deposit_cents: int
    money_by_method: Mapping[PaymentMethod, int]


class CarryOver(Seen):
    """Money held is carried over to ``to_order_id``, an order of the same customer."""

    to_order_id: Identifier
    amount_cents: Annotated[int, Field(gt=0, le=10**10)]


@router.get("/held-money", tags=["settlement"], openapi_extra=serves("R8"))
async def list_held_money(request: Request, store_id: str, _: Office) -> list[HeldMoney]:
    """Orders of which money is held (暂存款台账), the oldest first."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await persistence.orders_with_deposit(connection, store_id)
    return [HeldMoney.model_validate(order, from_attributes=True) for order in found]


@router.post(
    "/orders/{order_id}/deposit-carry-over",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def carry_over(order_id: str, body: CarryOver, command: Advisor) -> JSONResponse:
    """Carry money held over to another order of the same customer (定金转单)."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        fields = {body.to_order_id: "to_order_id", order_id: "order_id"}
        locked = {
            each: await persistence.lock_order(uow.connection, command.store_id, each, fields[each])
            for each in sorted(fields)
        }
        require_version(locked[order_id], body.version)
        source, target, *events = held_money.carry_over(
            locked[order_id],
            locked[body.to_order_id],
            body.amount_cents,
            command.principal.subject,
            uow.now,
        )
        saved = await persistence.save_order(uow, source)
        await persistence.save_order(uow, target)
        uow.publish(events, command.causation)
        return order_view(saved)

    return await command.run(use_case)
