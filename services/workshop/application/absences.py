"""Absences of technicians (缺勤)."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.replanning import request_replan
from services.workshop.domain import absence as absences
from services.workshop.domain import errors
from services.workshop.domain.absence import Absence, AbsenceKind
from services.workshop.domain.resources import find_technician
from shared.contracts.base import Timestamp
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class AbsenceRequest(RequestModel):
    starts_at: Timestamp
    ends_at: Timestamp
    kind: AbsenceKind = "other"


class AbsenceView(BaseModel):
    absence_id: str
    technician_id: str
    starts_at: datetime
    ends_at: datetime
    kind: AbsenceKind
    cancelled_at: datetime | None


async def list_absences(store_id: str, deps: Deps) -> Sequence[AbsenceView]:
    """List the technicians who are away now or will be."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.absences_after(connection, store_id, deps.uow_factory.clock.now())
    return [AbsenceView(**vars(absence)) for absence in found]


async def record_absence(
    uow: UnitOfWork, technician_id: str, command: AbsenceRequest, deps: Deps
) -> AbsenceView:
    """Record that a technician is away (缺勤) and have the planned work reassigned."""
    store_id = uow.store_id
    find_technician(deps.config.members[store_id], technician_id)
    if command.ends_at <= command.starts_at:
        raise errors.ends_before_it_begins("ends_at")
    await persistence.begin_plan_change(uow.connection, store_id)
    known = await persistence.absences_after(uow.connection, store_id, command.starts_at)
    absence = Absence(
        str(new_id()), technician_id, command.starts_at, command.ends_at, command.kind
    )
    event = absences.record(store_id, absence, known)
    await persistence.add_absence(uow.connection, store_id, absence)
    await request_replan(uow, store_id)
    uow.publish([event])
    return AbsenceView(**vars(absence))


async def cancel_absence(uow: UnitOfWork, absence_id: str, _deps: Deps) -> AbsenceView:
    """Cancel an absence (销假), so that the technician is planned again."""
    store_id = uow.store_id
    await persistence.begin_plan_change(uow.connection, store_id)
    absence = await persistence.read_absence(uow.connection, store_id, absence_id)
    withdrawn, event = absences.withdraw(store_id, absence, uow.now)
    await persistence.cancel_absence(uow.connection, store_id, absence_id, uow.now)
    await request_replan(uow, store_id)
    uow.publish([event])
    return AbsenceView(**vars(withdrawn))
