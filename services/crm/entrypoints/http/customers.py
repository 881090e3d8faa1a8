"""The records of customers and their vehicles (客户档案)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import (
    contact_points,
    customer_card,
    customer_search,
    customers,
    kept_data,
    registration,
    timelines,
)
from services.crm.application.contact_points import (
    AddContactPointRequest,
    ChangeContactPointRequest,
    ContactPointChanged,
)
from services.crm.application.customer_card import CustomerCard
from services.crm.application.customer_search import FoundCustomer, SearchCustomersRequest
from services.crm.application.customers import (
    CorrectCustomerRequest,
    CustomerChanged,
    CustomerDetail,
    CustomerView,
    ResolveRequest,
    ResolveResponse,
)
from services.crm.application.kept_data import KeptData
from services.crm.application.registration import (
    RegisterCustomerRequest,
    RegisterCustomerResponse,
)
from services.crm.application.timelines import Timeline
from services.crm.entrypoints.http.access import (
    FrontOfficeCommand,
    InjectedDeps,
    NameReader,
    Reader,
    RightsReader,
    SeenStores,
    TimelinePage,
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
    """Enter a customer and vehicle into customer records (建档), or recognize them.

    A customer is recognized by name and telephone number together. Where a known vehicle or number
    comes with another name or number, it is refused (``person_undecided``) with the possibilities,
    until a ``decision`` says whether it is the same person, another person or a new owner (过户).
    """
    return await command.run(
        lambda uow: registration.register_customer(uow, body, deps), status=201
    )


@router.get("/customers", tags=["customers"], openapi_extra=serves("R19", "R25"))
async def find_customer(
    store_id: str,
    principal: Reader,
    deps: InjectedDeps,
    plate: Annotated[Plate | None, Query()] = None,
    vin: Annotated[Vin | None, Query()] = None,
) -> CustomerView:
    return await customers.find_customer(store_id, plate, vin, principal, deps)


@router.post("/customer-searches", tags=["customers"], openapi_extra=serves("R19"))
async def search_customers(
    store_id: str,
    body: SearchCustomersRequest,
    stores: SeenStores,
    principal: Reader,
    deps: InjectedDeps,
) -> list[FoundCustomer]:
    return await customer_search.search_customers(store_id, body, await stores(), principal, deps)


@router.post("/resolutions", tags=["customers"], openapi_extra=serves("R19", "R25"))
async def resolve(
    store_id: str, body: ResolveRequest, principal: NameReader, deps: InjectedDeps
) -> ResolveResponse:
    return await customers.resolve(store_id, body, principal, deps)


@router.get("/customers/{customer_ref}", tags=["customers"], openapi_extra=serves("R19"))
async def get_customer(
    store_id: str, customer_ref: str, principal: Reader, deps: InjectedDeps
) -> CustomerDetail:
    return await customers.get_customer(store_id, customer_ref, principal, deps)


@router.get(
    "/customers/{customer_ref}/kept-data", tags=["personal-data"], openapi_extra=serves("R19")
)
async def get_kept_data(
    store_id: str, customer_ref: str, principal: RightsReader, deps: InjectedDeps
) -> KeptData:
    """Return all that is kept about a person, and who has read their contact (个人信息查阅)."""
    return await kept_data.get_kept_data(store_id, customer_ref, principal, deps)


@router.get(
    "/customers/{customer_ref}/card", tags=["customers"], openapi_extra=serves("R2", "R19", "R25")
)
async def get_customer_card(
    store_id: str, customer_ref: str, principal: Reader, deps: InjectedDeps
) -> CustomerCard:
    return await customer_card.get_customer_card(store_id, customer_ref, principal, deps)


@router.get(
    "/customers/{customer_ref}/timeline", tags=["customers"], openapi_extra=serves("R19", "R21")
)
async def get_customer_timeline(
    store_id: str,
    customer_ref: str,
    stores: SeenStores,
    principal: Reader,
    deps: InjectedDeps,
    after: TimelinePage = None,
) -> Timeline:
    return await timelines.get_customer_timeline(
        store_id, customer_ref, after, await stores(), principal, deps
    )


@router.put(
    "/customers/{customer_ref}",
    response_model=CustomerChanged,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def correct_customer(
    customer_ref: str, body: CorrectCustomerRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: customers.correct_customer(uow, customer_ref, body, deps))


@router.post(
    "/customers/{customer_ref}/contact-points",
    status_code=201,
    response_model=ContactPointChanged,
    tags=["customers"],
    openapi_extra=serves("R9", "R19"),
)
async def add_contact_point(
    customer_ref: str, body: AddContactPointRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: contact_points.add_contact_point(uow, customer_ref, body, deps), status=201
    )


@router.put(
    "/customers/{customer_ref}/contact-points/{contact_point_id}",
    response_model=ContactPointChanged,
    tags=["customers"],
    openapi_extra=serves("R9", "R19"),
)
async def change_contact_point(
    customer_ref: str,
    contact_point_id: str,
    body: ChangeContactPointRequest,
    command: FrontOfficeCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: contact_points.change_contact_point(
            uow, customer_ref, contact_point_id, body, deps
        )
    )
