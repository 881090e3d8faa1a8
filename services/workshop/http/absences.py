"""Who is away (缺勤)."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel

from services.workshop import booking, store
from services.workshop.domain import errors
from services.workshop.http.common import Dispatcher, workforce_of
from services.workshop.store import Absence
from shared.body import Body
from shared.contracts.workshop import TechnicianAbsent
from shared.duties import serves
from shared.unit import Unit

router = APIRouter(prefix="/stores/{store_id}")


class AbsenceBody(Body):
    from_at: AwareDatetime
    until_at: AwareDatetime
    kind: Literal["leave", "sick", "training", "other"] = "other"


class AbsenceView(BaseModel):
    technician_id: str
    from_at: datetime
    until_at: datetime
    kind: str


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
    members = workforce_of(request).members[command.store_id]
    if technician_id not in {member.technician_id for member in members}:
        raise errors.unknown("technician_id", technician_id)
    if body.until_at <= body.from_at:
        raise errors.ends_before_it_begins("until_at")

    async def effect(unit: Unit) -> BaseModel:
        await store.lock_plan(unit.connection, command.store_id)
        absence = Absence(technician_id, body.from_at, body.until_at)
        await store.add_absence(unit.connection, command.store_id, absence, body.kind)
        await booking.plan_changed(unit, command.store_id, command.cause)
        event = TechnicianAbsent(
            store_id=command.store_id,
            technician_id=technician_id,
            from_at=body.from_at,
            until_at=body.until_at,
            kind=body.kind,
        )
        unit.publish([event], command.cause)
        return AbsenceView(technician_id=technician_id, **body.model_dump())

    return await command.run(effect, status=201)
