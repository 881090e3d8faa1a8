"""Requested work: its price and completion time."""

from typing import Annotated

from fastapi import Depends

from services.reception.application import work
from services.reception.application.work import Quote, QuoteRequest
from services.reception.entrypoints.http.access import InjectedDeps
from shared.requirements import serves
from shared.routing import StoreRouter
from shared.security import Principal, require_roles

router = StoreRouter()


@router.post("/quotes", tags=["orders"], openapi_extra=serves("R4", "R5", "R11"))
async def quote(
    store_id: str,
    body: QuoteRequest,
    principal: Annotated[
        Principal,
        Depends(require_roles("service_advisor", "service_manager", "customer_care_agent")),
    ],
    deps: InjectedDeps,
) -> Quote:
    """Price and completion time of the work (报价); nothing is reserved."""
    return await work.quote(principal.token, store_id, body, deps)
