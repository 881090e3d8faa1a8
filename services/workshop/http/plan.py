"""The plan of a day (车间看板)."""

from collections.abc import Sequence
from datetime import date, datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.workshop import store
from services.workshop.http.common import JobView, Reader, planner_of, view, workforce_of
from services.workshop.planner import moment
from shared.contracts.workshop import FreeCapacity
from shared.db import transaction
from shared.duties import serves

router = APIRouter(prefix="/stores/{store_id}")


class Span(BaseModel):
    starts_at: datetime
    ends_at: datetime


class TechnicianView(BaseModel):
    technician_id: str
    name: str
    skills: dict[str, int]
    certificates: Sequence[str]
    windows: Sequence[Span]


class BayView(BaseModel):
    bay_id: str
    type: str
    capabilities: Sequence[str]


class PlanView(BaseModel):
    """The workshop's day (车间看板); ``free`` leaves out half hours in which nobody is free."""

    plan_version: int
    day: date
    opens_at: datetime
    closes_at: datetime
    technicians: Sequence[TechnicianView]
    bays: Sequence[BayView]
    jobs: Sequence[JobView]
    free: Sequence[FreeCapacity]


@router.get("/plan", tags=["plan"], openapi_extra=serves("R11"))
async def get_plan(request: Request, store_id: str, _: Reader, day: date | None = None) -> PlanView:
    """Technicians, bays and jobs of one day of the store."""
    workforce, now = workforce_of(request), request.app.state.service.clock.now()
    place = workforce.stores[store_id]
    day = day or place.local_day(now)
    begin, end = place.day_bounds(day)
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        version = await store.plan_version(connection, store_id)
        found = await store.jobs_between(connection, store_id, begin, end)
        absences = await store.absences_after(connection, store_id, begin)
        bookings = await store.bookings_after(connection, store_id, begin)
    technicians = planner_of(request).technicians(store_id, begin, absences)
    names = {member.technician_id: member.name for member in workforce.members[store_id]}
    return PlanView(
        plan_version=version,
        day=day,
        opens_at=place.at(day, place.opening),
        closes_at=place.at(day, place.closing),
        technicians=[
            TechnicianView(
                technician_id=technician.technician_id,
                name=names[technician.technician_id],
                skills=dict(technician.skills),
                certificates=sorted(technician.certificates),
                windows=[
                    Span(starts_at=moment(span.start), ends_at=moment(span.finish))
                    for span in technician.working
                    if moment(span.start) < end
                ],
            )
            for technician in technicians
        ],
        bays=[
            BayView(bay_id=bay.bay_id, type=bay.type, capabilities=sorted(bay.capabilities))
            for bay in workforce.bays[store_id]
        ],
        jobs=[view(job, workforce) for job in found],
        free=planner_of(request).free(
            store_id,
            place.at(day, place.opening),
            place.at(day, place.closing),
            bookings,
            absences,
        ),
    )
