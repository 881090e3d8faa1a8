"""Repair orders (工单): opening, reading, cancelling."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.reception.application import orders, star
from services.reception.application.cancellations import CancelRequest
from services.reception.application.orders import OpenOrderRequest
from services.reception.application.star import StarRepairOrder
from services.reception.application.views import OrderDetail, OrderView
from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.entrypoints.http.access import (
    AdvisorCommand,
    InjectedDeps,
    MoneyReader,
    Reader,
    caller_of,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/orders", tags=["orders"], openapi_extra=serves("R5"))
async def list_orders(
    store_id: str,
    reader: Reader,
    status: Annotated[list[RepairOrderStatus], Query(max_length=20)],
    deps: InjectedDeps,
) -> list[OrderView]:
    """Orders of the last 30 days in one of the statuses."""
    return await orders.list_orders(reader, store_id, status, deps)


@router.get("/orders/{order_id}", tags=["orders"], openapi_extra=serves("R3", "R5"))
async def get_order(
    store_id: str, order_id: str, reader: Reader, deps: InjectedDeps
) -> OrderDetail:
    """One order with the customer's concern."""
    return await orders.get_order(reader, store_id, order_id, deps)


@router.get("/orders/{order_id}/star", tags=["orders"], openapi_extra=serves("R39"))
async def export_order(
    store_id: str, order_id: str, _: MoneyReader, deps: InjectedDeps
) -> StarRepairOrder:
    """One order in the terms of STAR, for systems that speak them."""
    return await star.export_order(store_id, order_id, deps)


@router.post(
    "/orders/{order_id}/open",
    response_model=OrderView,
    tags=["orders"],
    openapi_extra=serves("R3", "R4", "R5", "R11"),
)
async def open_order(
    order_id: str, body: OpenOrderRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    """Open the repair order (开单) with the workshop's hold behind its promise."""
    return await command.run_prepared(
        lambda: orders.prepare_opening(order_id, body, caller_of(command), deps),
        lambda uow, promise: orders.open_order(uow, order_id, body, promise, deps),
    )


@router.post(
    "/orders/{order_id}/cancellation",
    response_model=OrderView,
    tags=["orders"],
    openapi_extra=serves("R5"),
)
async def cancel_order(
    order_id: str, body: CancelRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: orders.cancel_order(uow, order_id, body, deps))
