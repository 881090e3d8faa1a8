"""Commands and queries of the workshop."""

from fastapi import APIRouter

from services.workshop.http import (
    absences,
    board,
    capacity,
    dispatch,
    findings,
    inspection,
    jobs,
    orders,
    plan,
)

router = APIRouter()
for part in (capacity, plan, board, jobs, findings, inspection, orders, dispatch, absences):
    router.include_router(part.router)
