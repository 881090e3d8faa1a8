"""Daily checks of hall and lanes (日常检查)."""

from fastapi.responses import JSONResponse

from services.reception.application import daily_checks
from services.reception.application.daily_checks import CheckView, RecordCheck
from services.reception.entrypoints.http.access import (
    FrontOfficeCommand,
    Reach,
    Reader,
    store_router,
)
from shared.duties import serves
from shared.group import CalendarDay

router = store_router()


@router.post(
    "/daily-checks",
    status_code=201,
    response_model=CheckView,
    tags=["daily checks"],
    openapi_extra=serves("R43"),
)
async def record_check(body: RecordCheck, command: FrontOfficeCommand, deps: Reach) -> JSONResponse:
    """The caller has looked at an area (日常检查); what failed becomes a rectification (整改)."""
    return await command.run(lambda uow: daily_checks.record_check(uow, body, deps), status=201)


@router.get("/daily-checks", tags=["daily checks"], openapi_extra=serves("R43"))
async def list_checks(
    store_id: str, _: Reader, deps: Reach, day: CalendarDay | None = None
) -> list[CheckView]:
    """The checks of a day of the store, today where none is named."""
    return await daily_checks.list_checks(store_id, day, deps)
