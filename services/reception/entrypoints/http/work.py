"""Requested work: its price and completion time."""

from services.reception.application import work
from services.reception.application.work import Quote, QuoteRequest
from services.reception.entrypoints.http.access import FrontOffice, InjectedDeps
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post("/quotes", tags=["orders"], openapi_extra=serves("R4", "R5", "R11"))
async def quote(
    store_id: str,
    body: QuoteRequest,
    principal: FrontOffice,
    deps: InjectedDeps,
) -> Quote:
    """Price and completion time of the work (报价); nothing is reserved."""
    return await work.quote(principal.token, store_id, body, deps)
