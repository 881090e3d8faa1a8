"""Commands and queries of the workshop."""

from fastapi import APIRouter

from services.workshop.http import absences, capacity, dispatch, inspection, jobs, load, plan

router = APIRouter()
for part in (capacity, load, plan, jobs, inspection, dispatch, absences):
    router.include_router(part.router)
