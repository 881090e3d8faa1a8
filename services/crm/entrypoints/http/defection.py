"""Lost customers (流失客户)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import defection
from services.crm.application.defection import (
    DefectionSummary,
    LapseStatus,
    LapseView,
    LapseWithNote,
    RecordCauseRequest,
    RecordWinBackRequest,
    RiskView,
)
from services.crm.entrypoints.http.access import CallerCommand, CallReader, InjectedDeps
from shared.contracts.crm import Tier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()

After = Annotated[str, Query(max_length=120, description="the last id of the page before")]


@router.get("/customers-at-risk", tags=["defection"], openapi_extra=serves("R26"))
async def list_customers_at_risk(
    store_id: str, _: CallReader, deps: InjectedDeps, tier: Tier | None = None, after: After = ""
) -> list[RiskView]:
    """List customers who will be lost if they do not come (流失预警), loyal ones first."""
    return await defection.list_customers_at_risk(store_id, tier, after, deps)


@router.get("/lapses", tags=["defection"], openapi_extra=serves("R26"))
async def list_lapses(
    store_id: str,
    _: CallReader,
    deps: InjectedDeps,
    status: LapseStatus = "lost",
    tier: Tier | None = None,
    after: After = "",
) -> list[LapseWithNote]:
    """List lost customers, loyal ones first (流失客户), or those who were won back."""
    return await defection.list_lapses(store_id, status, tier, after, deps)


@router.get("/defection-summary", tags=["defection"], openapi_extra=serves("R26"))
async def get_defection_summary(
    store_id: str, _: CallReader, deps: InjectedDeps
) -> DefectionSummary:
    """Count lost and won back customers by month, and the causes (流失分析)."""
    return await defection.get_defection_summary(store_id, deps)


@router.post(
    "/customers/{customer_ref}/lapse/cause",
    response_model=LapseView,
    tags=["defection"],
    openapi_extra=serves("R26"),
)
async def record_lapse_cause(
    customer_ref: str, body: RecordCauseRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    """Record why a lost customer stayed away (流失原因)."""
    return await command.run(
        lambda uow: defection.record_lapse_cause(uow, customer_ref, body, deps)
    )


@router.post(
    "/customers/{customer_ref}/lapse/result",
    response_model=LapseView,
    tags=["defection"],
    openapi_extra=serves("R26"),
)
async def record_win_back(
    customer_ref: str, body: RecordWinBackRequest, command: CallerCommand
) -> JSONResponse:
    """Record the result of the attempt to win a lost customer back (挽回结果)."""
    return await command.run(lambda uow: defection.record_win_back(uow, customer_ref, body))
