"""The records of customers and their vehicles (客户档案)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import customers
from services.crm.application.customers import (
    CustomerView,
    RegisterCustomerRequest,
    RegisterCustomerResponse,
    ResolveRequest,
    ResolveResponse,
)
from services.crm.entrypoints.http.access import (
    FrontOfficeCommand,
    InjectedDeps,
    NameReader,
    Reader,
)
from shared.formats import Plate, Vin
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/customers",
    status_code=201,
    response_model=RegisterCustomerResponse,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def register_customer(
    body: RegisterCustomerRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    """Enter a customer and vehicle into customer records (建档), or update them.

    A known vehicle keeps its customer, and a known telephone number its owner: the response holds
    the references that they already have.
    """
    return await command.run(lambda uow: customers.register_customer(uow, body, deps), status=201)


@router.get("/customers", tags=["customers"], openapi_extra=serves("R19", "R25"))
async def find_customer(
    store_id: str,
    principal: Reader,
    deps: InjectedDeps,
    plate: Annotated[Plate | None, Query()] = None,
    vin: Annotated[Vin | None, Query()] = None,
) -> CustomerView:
    return await customers.find_customer(store_id, plate, vin, principal, deps)


@router.post("/resolutions", tags=["customers"], openapi_extra=serves("R19", "R25"))
async def resolve(
    store_id: str, body: ResolveRequest, principal: NameReader, deps: InjectedDeps
) -> ResolveResponse:
    return await customers.resolve(store_id, body, principal, deps)
