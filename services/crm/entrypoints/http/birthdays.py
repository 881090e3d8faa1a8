"""Birthdays of customers (生日)."""

from fastapi.responses import JSONResponse

from services.crm.application import birthdays
from services.crm.application.birthdays import BirthdaySet, BirthdayView, SetBirthdayRequest
from services.crm.entrypoints.http.access import FrontOfficePersonCommand, InjectedDeps, Reader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter("/customers/{customer_ref}/birthday")


@router.get("", tags=["customers"], openapi_extra=serves("R21"))
async def get_birthday(
    store_id: str, customer_ref: str, _: Reader, deps: InjectedDeps
) -> BirthdayView:
    return await birthdays.get_birthday(store_id, customer_ref, deps)


@router.put("", response_model=BirthdaySet, tags=["customers"], openapi_extra=serves("R21"))
async def set_birthday(
    customer_ref: str,
    body: SetBirthdayRequest,
    command: FrontOfficePersonCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(lambda uow: birthdays.set_birthday(uow, customer_ref, body, deps))
