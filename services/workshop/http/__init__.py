"""Commands and queries of the workshop."""

from fastapi import APIRouter

from services.workshop.http import (
    absences,
    capacity,
    dispatch,
    inspection,
    jobs,
    load,
    parts,
    plan,
    prospects,
    staffing,
)

router = APIRouter()
for part in (
    capacity,
    load,
    plan,
    prospects,
    jobs,
    parts,
    inspection,
    dispatch,
    absences,
    staffing,
):
    router.include_router(part.router)
