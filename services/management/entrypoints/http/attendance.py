"""Attendance (考勤): signing in and out, correcting, and the files of machines."""

from typing import Annotated, Any

from fastapi import Depends, Path, Request
from fastapi.responses import JSONResponse

from services.management.application import attendance
from services.management.application.attendance import (
    LARGEST_FILE,
    CorrectAttendanceRequest,
    CorrectedDayView,
    ImportAttendanceResponse,
    OwnAttendance,
    WorkingDayView,
)
from services.management.entrypoints.http.access import OF_STORE, InjectedDeps
from shared.commands import CommandContext, accept_command
from shared.contracts.base import Identifier
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter
from shared.security import Principal, require_roles

router = StoreRouter("/attendance")

OwnCommand = Annotated[CommandContext, Depends(accept_command(*OF_STORE))]
SignOutCommand = Annotated[CommandContext, Depends(accept_command(*OF_STORE, of_own=True))]
ManagerCommand = Annotated[CommandContext, Depends(accept_command("service_manager"))]
Person = Annotated[Principal, Depends(require_roles(*OF_STORE))]
Manager = Annotated[
    Principal, Depends(require_roles("service_manager", "group_service_manager", "group_manager"))
]
PersonId = Annotated[Identifier, Path()]

_DESCRIBED: dict[str, Any] = {"tags": ["attendance"], "openapi_extra": serves("R13", "R18")}
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file itself: CSV in UTF-8 or GBK, with a head",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/sign-in", response_model=WorkingDayView, **_DESCRIBED)
async def sign_in(command: OwnCommand, deps: InjectedDeps) -> JSONResponse:
    return await command.run(lambda uow: attendance.sign_in(uow, deps))


@router.post("/sign-out", response_model=WorkingDayView, **_DESCRIBED)
async def sign_out(command: SignOutCommand, deps: InjectedDeps) -> JSONResponse:
    return await command.run(lambda uow: attendance.sign_out(uow, deps))


@router.get("/mine", **_DESCRIBED)
async def own_attendance(
    store_id: str, principal: Person, deps: InjectedDeps, day: CalendarDay | None = None
) -> OwnAttendance:
    return await attendance.own_attendance(store_id, principal.subject, day, deps)


@router.get("", **_DESCRIBED)
async def list_attendance(
    store_id: str,
    _: Manager,
    deps: InjectedDeps,
    first_day: CalendarDay | None = None,
    last_day: CalendarDay | None = None,
) -> list[WorkingDayView]:
    return await attendance.list_attendance(store_id, first_day, last_day, deps)


@router.post(
    "/imports",
    response_model=ImportAttendanceResponse,
    tags=["attendance"],
    openapi_extra=serves("R13", "R18") | _FILE,
    max_body_size=LARGEST_FILE,
)
async def import_attendance(
    request: Request, command: ManagerCommand, deps: InjectedDeps
) -> JSONResponse:
    content = await request.body()
    return await command.run(lambda uow: attendance.import_attendance(uow, content, deps))


@router.get("/{person_id}/{day}", **_DESCRIBED)
async def get_attendance(
    store_id: str, person_id: PersonId, day: CalendarDay, _: Manager, deps: InjectedDeps
) -> CorrectedDayView:
    return await attendance.get_attendance(store_id, person_id, day, deps)


@router.post("/{person_id}/{day}/correct", response_model=WorkingDayView, **_DESCRIBED)
async def correct_attendance(
    person_id: PersonId,
    day: CalendarDay,
    body: CorrectAttendanceRequest,
    command: ManagerCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: attendance.correct_attendance(uow, person_id, day, body, deps)
    )
