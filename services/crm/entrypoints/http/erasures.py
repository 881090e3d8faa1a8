"""Rights of persons (个人信息权利): erasure on request, and what a legal term keeps."""

from fastapi.responses import JSONResponse

from services.crm.application import erasures
from services.crm.application.erasures import (
    BlockedRecordView,
    EraseCustomerRequest,
    ErasureView,
)
from services.crm.entrypoints.http.access import (
    ErasureReader,
    InjectedDeps,
    LegalReader,
    RightsCommand,
)
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/customers/{customer_ref}/erasure",
    status_code=201,
    response_model=ErasureView,
    tags=["personal-data"],
    openapi_extra=serves("R19"),
)
async def erase_customer(
    customer_ref: str, body: EraseCustomerRequest, command: RightsCommand, deps: InjectedDeps
) -> JSONResponse:
    """Erase what is kept about a person, in every service (个人信息删除).

    Planned calls and messages end. It is refused while an order, a complaint or an inquiry of the
    customer has not ended.
    """
    return await command.run(
        lambda uow: erasures.erase_customer(uow, customer_ref, body, deps), status=201
    )


@router.get("/erasures", tags=["personal-data"], openapi_extra=serves("R19"))
async def list_erasures(
    store_id: str, _: ErasureReader, deps: InjectedDeps, after: Identifier | None = None
) -> list[ErasureView]:
    """List the erasures of a store, the latest first, behind the customer ``after``."""
    return await erasures.list_erasures(store_id, after, deps)


@router.get(
    "/erasures/{customer_ref}/blocked-record",
    tags=["personal-data"],
    openapi_extra=serves("R19"),
)
async def get_blocked_record(
    store_id: str, customer_ref: str, principal: LegalReader, deps: InjectedDeps
) -> BlockedRecordView:
    """Return who was invoiced, for those who answer for it; each read is recorded."""
    return await erasures.get_blocked_record(store_id, customer_ref, principal, deps)
