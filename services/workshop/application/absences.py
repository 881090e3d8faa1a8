"""Absences of technicians (缺勤), and what one does to the work.

Recording or cancelling one requests a replan and the check of the promises, like each disturbance.

- Planned work: the technician's working windows leave the absence out, so the replan gives the work
  to another technician or another time, with the reason ``technician_absent``. Work that a
  dispatcher has pinned to the technician keeps them and waits for their return.
- Running work: it keeps its technicians, bay and expected finish. Each expected finish that is
  computed afterwards counts the technician's working time without the absence: at a start, an
  overrun or a time correction.
- Clocks: a clock that runs goes on. The technician clocks out, or the automatic clock-out does at
  the end of the shift as the calendar has it, whether the technician is there or not.
- Holds: a hold keeps its slots, and no work is planned in them. When its order comes and a job of
  the hold would begin or end while its technician is away, the hold is released and the work
  planned again (:func:`~services.workshop.application.holds.usable_hold`).
- Promises: the absence moves none. The check publishes those that are now at risk
  (``application/promise_risks.py``), and an advisor decides.
"""

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
    workplace = await deps.workplace(uow.connection, store_id)
    day = max(workplace.today, workplace.store.local_day(command.starts_at))
    find_technician(workplace.roster.technicians_on(day), technician_id)
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
    cancelled, event = absences.cancel(store_id, absence, uow.now)
    await persistence.cancel_absence(uow.connection, store_id, absence_id, uow.now)
    await request_replan(uow, store_id)
    uow.publish([event])
    return AbsenceView(**vars(cancelled))
