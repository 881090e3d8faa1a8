"""Duplicates among the customers of a store, and their merging (重复客户)."""

from fastapi.responses import JSONResponse

from services.crm.application import duplicates, merging
from services.crm.application.duplicates import (
    DifferentCustomers,
    DifferentCustomersRequest,
    DuplicateView,
)
from services.crm.application.merging import CustomersMerged, MergeCustomersRequest
from services.crm.entrypoints.http.access import DuplicateReader, InjectedDeps, MergeCommand
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/duplicates", tags=["customers"], openapi_extra=serves("R19"))
async def list_duplicates(
    store_id: str, reader: DuplicateReader, deps: InjectedDeps
) -> list[DuplicateView]:
    return await duplicates.list_duplicates(store_id, reader, deps)


@router.post(
    "/duplicates/different",
    response_model=DifferentCustomers,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def set_different(body: DifferentCustomersRequest, command: MergeCommand) -> JSONResponse:
    return await command.run(lambda uow: duplicates.set_different(uow, body))


@router.post(
    "/customers/{customer_ref}/merge",
    response_model=CustomersMerged,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def merge_customers(
    customer_ref: str, body: MergeCustomersRequest, command: MergeCommand, deps: InjectedDeps
) -> JSONResponse:
    """Have another customer of the store read as this one.

    Facts keep the reference under which they came; both references mean the one customer from then
    on, until they are separated.
    """
    return await command.run(lambda uow: merging.merge_customers(uow, customer_ref, body, deps))


@router.post(
    "/customers/{customer_ref}/unmerge",
    response_model=CustomersMerged,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def unmerge_customer(
    customer_ref: str, body: MergeCustomersRequest, command: MergeCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: merging.unmerge_customer(uow, customer_ref, body, deps))
