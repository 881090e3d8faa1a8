"""Assignment of customers to agents (客户分配)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import assignments
from services.crm.application.assignments import (
    AssignmentOverview,
    AssignmentView,
    ReassignCustomerRequest,
)
from services.crm.entrypoints.http.access import (
    AssignmentCommand,
    AssignmentReader,
    InjectedDeps,
)
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/customer-agents", tags=["assignments"], openapi_extra=serves("R20"))
async def list_agents(store_id: str, _: AssignmentReader, deps: InjectedDeps) -> AssignmentOverview:
    return await assignments.list_agents(store_id, deps)


@router.get(
    "/customer-agents/{agent_id}/customers", tags=["assignments"], openapi_extra=serves("R20")
)
async def list_customers_of_agent(
    store_id: str,
    agent_id: Identifier,
    _: AssignmentReader,
    deps: InjectedDeps,
    after: Annotated[str, Query(max_length=120)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[AssignmentView]:
    return await assignments.list_customers_of_agent(store_id, agent_id, after, limit, deps)


@router.post(
    "/customers/{customer_ref}/reassign",
    response_model=AssignmentView,
    tags=["assignments"],
    openapi_extra=serves("R20"),
)
async def reassign_customer(
    customer_ref: str,
    body: ReassignCustomerRequest,
    command: AssignmentCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: assignments.reassign_customer(uow, customer_ref, body, deps)
    )
