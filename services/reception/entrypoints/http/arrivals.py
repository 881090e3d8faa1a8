"""Arrival and greeting (进厂, 接待)."""

from fastapi.responses import JSONResponse

from services.reception.application import arrivals, vehicles
from services.reception.application.arrivals import (
    ArrivalView,
    AssignAdvisorRequest,
    CorrectPlateRequest,
    RecordArrivalRequest,
    WaitingView,
)
from services.reception.application.views import OrderView
from services.reception.entrypoints.http.access import (
    AdvisorCommand,
    ArrivalReader,
    AssignmentCommand,
    FrontOfficeCommand,
    InjectedDeps,
)
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/arrivals",
    status_code=201,
    response_model=ArrivalView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def record_arrival(
    body: RecordArrivalRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    """Record the arrival of a vehicle (进厂).

    Its customer gets a queue number and is recognized.
    """
    principal, store_id = command.principal, command.store_id
    return await command.run_prepared(
        lambda: vehicles.get_vehicle(principal, store_id, body.plate, deps),
        lambda uow, known: arrivals.record_arrival(uow, body, known, principal, deps),
        status=201,
    )


@router.post(
    "/orders/{order_id}/plate",
    response_model=ArrivalView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def correct_plate(
    order_id: str, body: CorrectPlateRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    """Correct the plate that was recorded at the arrival (更正车牌); recognize its vehicle."""
    principal, store_id = command.principal, command.store_id
    return await command.run_prepared(
        lambda: vehicles.get_vehicle(principal, store_id, body.plate, deps),
        lambda uow, known: arrivals.correct_plate(uow, order_id, body, known, deps),
    )


@router.get("/arrivals", tags=["arrivals"], openapi_extra=serves("R2"))
async def arrival_board(
    store_id: str, reader: ArrivalReader, deps: InjectedDeps
) -> list[WaitingView]:
    return await arrivals.arrival_board(reader, store_id, deps)


@router.post(
    "/orders/{order_id}/advisor",
    response_model=OrderView,
    tags=["arrivals"],
    openapi_extra=serves("R2", "R41"),
)
async def assign_advisor(
    order_id: str, body: AssignAdvisorRequest, command: AssignmentCommand, deps: InjectedDeps
) -> JSONResponse:
    """Assign an advisor to the customer, or reassign an order (指派, 交接)."""
    return await command.run(
        lambda uow: arrivals.assign_advisor(uow, order_id, body, command.principal, deps)
    )


@router.post(
    "/orders/{order_id}/greet",
    response_model=OrderView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def greet_customer(
    order_id: str, body: VersionedRequest, command: AdvisorCommand
) -> JSONResponse:
    return await command.run(lambda uow: arrivals.greet_customer(uow, order_id, body))
