"""Who is away (缺勤)."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application import plan_changes
from services.workshop.domain import errors
from services.workshop.entrypoints.http.common import Dispatcher, Reader, config_of
from services.workshop.persistence import Absence, AbsenceKind
from shared.contracts.base import Moment
from shared.contracts.violations import unknown
from shared.contracts.workshop import AbsenceWithdrawn, TechnicianAbsent
from shared.db import transaction
from shared.duties import serves
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.routing import Router
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}")


class AbsenceBody(RequestModel):
    from_at: Moment
    until_at: Moment
    kind: AbsenceKind = "other"


class AbsenceView(BaseModel):
    absence_id: str
    technician_id: str
    from_at: datetime
    until_at: datetime
    kind: AbsenceKind
    withdrawn_at: datetime | None


@router.get("/absences", tags=["plan"], openapi_extra=serves("R12"))
async def list_absences(request: Request, store_id: str, _: Reader) -> Sequence[AbsenceView]:
    """Who is away now or will be."""
    now = request.app.state.service.clock.now()
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await persistence.absences_after(connection, store_id, now)
    return [AbsenceView(**vars(absence)) for absence in found]


@router.post(
    "/technicians/{technician_id}/absences",
    status_code=201,
    response_model=AbsenceView,
    tags=["plan"],
    openapi_extra=serves("R12"),
)
async def record_absence(
    request: Request, technician_id: str, body: AbsenceBody, command: Dispatcher
) -> JSONResponse:
    """A technician is away (缺勤); planned work goes to others."""
    members = config_of(request).members[command.store_id]
    if technician_id not in {member.technician_id for member in members}:
        raise unknown("technician_id", technician_id)
    if body.until_at <= body.from_at:
        raise errors.ends_before_it_begins("until_at")

    async def use_case(uow: UnitOfWork) -> BaseModel:
        await persistence.lock_plan(uow.connection, command.store_id)
        known = await persistence.absences_after(uow.connection, command.store_id, body.from_at)
        for other in known:
            if other.technician_id == technician_id and other.from_at < body.until_at:
                raise errors.absence_overlaps(other.absence_id)
        absence = Absence(str(new_id()), technician_id, body.from_at, body.until_at, body.kind)
        await persistence.add_absence(uow.connection, command.store_id, absence)
        await plan_changes.request_replan(uow, command.store_id, command.causation)
        event = TechnicianAbsent(
            store_id=command.store_id,
            technician_id=technician_id,
            from_at=body.from_at,
            until_at=body.until_at,
            kind=body.kind,
        )
        uow.publish([event], command.causation)
        return AbsenceView(**vars(absence))

    return await command.run(use_case, status=201)


@router.post(
    "/absences/{absence_id}/withdrawal",
    response_model=AbsenceView,
    tags=["plan"],
    openapi_extra=serves("R12"),
)
async def withdraw_absence(absence_id: str, command: Dispatcher) -> JSONResponse:
    """The technician is not away after all (销假) and is planned with again."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        await persistence.lock_plan(uow.connection, command.store_id)
        absence = await persistence.read_absence(uow.connection, command.store_id, absence_id)
        if absence.withdrawn_at:
            raise errors.already_withdrawn()
        await persistence.withdraw_absence(uow.connection, command.store_id, absence_id, uow.now)
        await plan_changes.request_replan(uow, command.store_id, command.causation)
        event = AbsenceWithdrawn(
            store_id=command.store_id,
            technician_id=absence.technician_id,
            from_at=absence.from_at,
            until_at=absence.until_at,
            withdrawn_at=uow.now,
        )
        uow.publish([event], command.causation)
        return AbsenceView(**vars(absence) | {"withdrawn_at": uow.now})

    return await command.run(use_case)
