"""Commands and queries of the workshop."""

from fastapi import APIRouter

from services.workshop.http import absences, capacity, dispatch, inspection, jobs, plan

router = APIRouter()
for part in (capacity, plan, jobs, inspection, dispatch, absences):
    router.include_router(part.router)
