"""Absences of technicians (缺勤)."""

from collections.abc import Sequence

from fastapi.responses import JSONResponse

from services.workshop.application import absences
from services.workshop.application.absences import AbsenceRequest, AbsenceView
from services.workshop.entrypoints.http.access import DispatcherCommand, InjectedDeps, PlanReader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/absences", tags=["plan"], openapi_extra=serves("R12"))
async def list_absences(store_id: str, deps: InjectedDeps, _: PlanReader) -> Sequence[AbsenceView]:
    return await absences.list_absences(store_id, deps)


@router.post(
    "/technicians/{technician_id}/absences",
    status_code=201,
    response_model=AbsenceView,
    tags=["plan"],
    openapi_extra=serves("R12"),
)
async def record_absence(
    technician_id: str, body: AbsenceRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: absences.record_absence(uow, technician_id, body, deps), status=201
    )


@router.post(
    "/absences/{absence_id}/cancel",
    response_model=AbsenceView,
    tags=["plan"],
    openapi_extra=serves("R12"),
)
async def cancel_absence(
    absence_id: str, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: absences.cancel_absence(uow, absence_id, deps))
