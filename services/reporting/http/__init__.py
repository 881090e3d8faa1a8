"""Queries of reporting, and the commands on rectifications."""

from fastapi import APIRouter

from services.reporting.http import rectifications, reports

router = APIRouter()
for part in (reports, rectifications):
    router.include_router(part.router)
