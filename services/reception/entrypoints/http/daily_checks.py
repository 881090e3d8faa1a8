"""Daily checks of hall and lanes (日常检查)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.domain import daily_check as checks
from services.reception.domain.daily_check import DailyCheck, Result
from services.reception.entrypoints.http.access import (
    FrontOfficeCommand,
    Reader,
    catalog_of,
    store_router,
)
from shared.contracts.base import Identifier
from shared.db import transaction
from shared.duties import serves
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

router = store_router()


class RecordCheck(RequestModel):
    """Every item of the area's list with its result; ``photo_id`` of a photo that was sent."""

    area: Identifier
    results: Annotated[dict[Identifier, Result], Field(min_length=1, max_length=50)]
    photo_id: Identifier | None = None


class CheckView(BaseModel):
    check_id: str
    area: str
    day: date
    results: dict[str, Result]
    failed: Sequence[str]
    photo_id: str | None
    checked_by: str
    checked_at: datetime


@router.post(
    "/daily-checks",
    status_code=201,
    response_model=CheckView,
    tags=["daily checks"],
    openapi_extra=serves("R43"),
)
async def record_check(
    request: Request, body: RecordCheck, command: FrontOfficeCommand
) -> JSONResponse:
    """The caller has looked at an area (日常检查); what failed becomes a rectification (整改)."""
    catalog = catalog_of(request)
    place = catalog.stores[command.store_id]

    async def use_case(uow: UnitOfWork) -> BaseModel:
        check = DailyCheck(
            check_id=str(new_id()),
            store_id=command.store_id,
            area=body.area,
            day=place.local_day(uow.now),
            results=body.results,
            photo_id=body.photo_id,
            checked_by=command.principal.subject,
            checked_at=uow.now,
        )
        events = checks.record(check, catalog.check_lists)
        if body.photo_id is not None:
            await persistence.read_photo(uow.connection, command.store_id, body.photo_id)
        await persistence.add_daily_check(uow.connection, check)
        uow.publish(events, command.causation)
        return _view(check)

    return await command.run(use_case, status=201)


@router.get("/daily-checks", tags=["daily checks"], openapi_extra=serves("R43"))
async def list_checks(
    request: Request, store_id: str, _: Reader, day: CalendarDay | None = None
) -> list[CheckView]:
    """The checks of a day of the store, today where none is named."""
    place = catalog_of(request).stores[store_id]
    wanted = day or place.local_day(request.app.state.service.clock.now())
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await persistence.daily_checks(connection, store_id, wanted)
    return [_view(check) for check in found]


def _view(check: DailyCheck) -> CheckView:
    return CheckView.model_validate(check, from_attributes=True)
