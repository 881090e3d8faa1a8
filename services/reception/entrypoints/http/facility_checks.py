"""Facility checks of customer lounge and service drive (日常检查)."""

from fastapi.responses import JSONResponse

from services.reception.application import facility_checks
from services.reception.application.facility_checks import CheckView, RecordCheckRequest
from services.reception.entrypoints.http.access import (
    FrontOfficeCommand,
    InjectedDeps,
    Reader,
)
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/facility-checks",
    status_code=201,
    response_model=CheckView,
    tags=["daily checks"],
    openapi_extra=serves("R43"),
)
async def record_check(
    body: RecordCheckRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    """Record the caller's check of an area (日常检查).

    Failed items become a corrective action (整改).
    """
    return await command.run(lambda uow: facility_checks.record_check(uow, body, deps), status=201)


@router.get("/facility-checks", tags=["daily checks"], openapi_extra=serves("R43"))
async def list_checks(
    store_id: str, _: Reader, deps: InjectedDeps, day: CalendarDay | None = None
) -> list[CheckView]:
    return await facility_checks.list_checks(store_id, day, deps)
