"""Contact preferences of a customer: language, addresses, channels (联系方式)."""

from fastapi.responses import JSONResponse

from services.crm.application import contacts
from services.crm.application.contacts import ContactPreferencesRequest, ContactView, Preferences
from services.crm.entrypoints.http.access import (
    FrontOfficeCommand,
    InjectedDeps,
    Reader,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.put(
    "/customers/{customer_ref}/contact-preferences",
    response_model=Preferences,
    tags=["customers"],
    openapi_extra=serves("R9", "R19"),
)
async def set_contact_preferences(
    customer_ref: str,
    body: ContactPreferencesRequest,
    command: FrontOfficeCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Set a customer's contact preferences; messages follow them when they are sent.

    Responses are stored for repeated requests, so this one leaves out the addresses.
    """
    return await command.run(
        lambda uow: contacts.set_contact_preferences(uow, customer_ref, body, deps)
    )


@router.get(
    "/customers/{customer_ref}/contact-preferences",
    tags=["customers"],
    openapi_extra=serves("R9", "R19"),
)
async def get_contact_preferences(
    store_id: str, customer_ref: str, principal: Reader, deps: InjectedDeps
) -> ContactView:
    return await contacts.get_contact_preferences(store_id, customer_ref, principal, deps)
