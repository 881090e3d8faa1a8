"""Quotes and holds: the promises that the front desk may make."""

from fastapi.responses import JSONResponse

from services.workshop.application import holds, quotes
from services.workshop.application.holds import HoldRequest, HoldState, HoldView
from services.workshop.application.quotes import QuoteRequest, QuoteView
from services.workshop.entrypoints.http.access import (
    FrontOfficeCommand,
    FrontOfficeReader,
    InjectedDeps,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post("/quotes", tags=["capacity"], openapi_extra=serves("R11"))
async def quote(
    store_id: str, body: QuoteRequest, deps: InjectedDeps, _: FrontOfficeReader
) -> QuoteView:
    """Return the earliest promise for the operations (报价承诺); nothing is reserved."""
    return await quotes.quote(store_id, body, deps)


@router.post(
    "/capacity-holds",
    status_code=201,
    response_model=HoldView,
    tags=["capacity"],
    openapi_extra=serves("R1", "R11"),
)
async def hold_capacity(
    body: HoldRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    """Reserve the earliest promise (产能预留) until an order confirms it or it expires."""
    return await holds.reserve_in_turn(
        command.store_id,
        lambda: command.run_prepared(
            lambda: holds.offer_hold(command.store_id, body, deps),
            lambda uow, offer: holds.hold_capacity(uow, body, offer, deps),
            status=201,
        ),
        deps,
    )


@router.post(
    "/capacity-holds/{hold_id}/release",
    response_model=HoldState,
    tags=["capacity"],
    openapi_extra=serves("R11"),
)
async def release_hold(
    hold_id: str, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: holds.release_hold(uow, hold_id, deps))
