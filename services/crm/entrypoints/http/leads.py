"""Leads for the sales department (销售线索)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import leads
from services.crm.application.leads import (
    AnswerLeadRequest,
    HandOverLeadRequest,
    LeadCountView,
    LeadView,
    LeadWithContact,
)
from services.crm.domain.lead import LeadStatus
from services.crm.entrypoints.http.access import (
    FrontOfficePersonCommand,
    InjectedDeps,
    LeadReader,
    SalesCommand,
)
from shared.contracts.base import Identifier
from shared.contracts.management import OfferedModel
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/customers/{customer_ref}/leads",
    status_code=201,
    response_model=LeadView,
    tags=["leads"],
    openapi_extra=serves("R47"),
)
async def hand_over_lead(
    customer_ref: str,
    body: HandOverLeadRequest,
    command: FrontOfficePersonCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Hand a lead over to the sales department (移交线索)."""
    return await command.run(
        lambda uow: leads.hand_over_lead(uow, customer_ref, body, deps), status=201
    )


@router.get("/lead-models", tags=["leads"], openapi_extra=serves("R47"))
async def list_models(store_id: str, _: LeadReader, deps: InjectedDeps) -> list[OfferedModel]:
    """List the models that the sales department offers (意向车型)."""
    return await leads.list_models(store_id, deps)


@router.get("/leads", tags=["leads"], openapi_extra=serves("R47"))
async def list_leads(
    store_id: str,
    principal: LeadReader,
    deps: InjectedDeps,
    status: Annotated[list[LeadStatus], Query(max_length=10)],
    customer_ref: Identifier | None = None,
    after: Annotated[str, Query(max_length=120, description="the last id of the page before")] = "",
) -> list[LeadWithContact]:
    """List leads by when their answers are due, with whom to contact (线索清单)."""
    return await leads.list_leads(store_id, status, customer_ref, after, principal, deps)


@router.get("/lead-counts", tags=["leads"], openapi_extra=serves("R47"))
async def count_leads(store_id: str, _: LeadReader, deps: InjectedDeps) -> list[LeadCountView]:
    """Count the leads of the last twelve months by month, kind and outcome (线索统计)."""
    return await leads.count_leads(store_id, deps)


@router.post(
    "/leads/{lead_id}/answer",
    response_model=LeadView,
    tags=["leads"],
    openapi_extra=serves("R47"),
)
async def answer_lead(lead_id: str, body: AnswerLeadRequest, command: SalesCommand) -> JSONResponse:
    """Record the answer of the sales department, or what came of the lead (线索答复)."""
    return await command.run(lambda uow: leads.answer_lead(uow, lead_id, body))
