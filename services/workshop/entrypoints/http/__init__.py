"""Commands and queries of the workshop."""

from services.workshop.entrypoints.http import (
    absences,
    board,
    capacity,
    corrections,
    dispatch,
    findings,
    inspection,
    jobs,
    kept_data,
    load,
    orders,
    parts,
    plan,
    promise_risks,
    staffing,
)
from shared.routing import Router

router = Router()
for part in (
    capacity,
    load,
    plan,
    promise_risks,
    board,
    jobs,
    corrections,
    parts,
    findings,
    inspection,
    orders,
    dispatch,
    absences,
    staffing,
    kept_data,
):
    router.include_router(part.router)
