"""Consents of customers by purpose (同意)."""

from fastapi.responses import JSONResponse

from services.crm.application import consent_changes, consents
from services.crm.application.consents import ConsentRequest, ConsentView
from services.crm.entrypoints.http.access import FrontOfficePersonCommand, InjectedDeps, Reader
from shared.contracts.crm import ConsentPurpose
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get(
    "/customers/{customer_ref}/consents",
    tags=["customers"],
    openapi_extra=serves("R19", "R28", "R47"),
)
async def list_consents(
    store_id: str, customer_ref: str, _: Reader, deps: InjectedDeps
) -> list[ConsentView]:
    """Return what the customer last said about each purpose (同意)."""
    return await consents.list_consents(store_id, customer_ref, deps)


@router.put(
    "/customers/{customer_ref}/consents/{purpose}",
    response_model=ConsentView,
    tags=["customers"],
    openapi_extra=serves("R19", "R28", "R47"),
)
async def set_consent(
    customer_ref: str,
    purpose: ConsentPurpose,
    body: ConsentRequest,
    command: FrontOfficePersonCommand,
) -> JSONResponse:
    """Record whether the customer consents; a withdrawal ends their leads or invitations."""
    return await command.run(
        lambda uow: consent_changes.set_consent(uow, customer_ref, purpose, body)
    )
