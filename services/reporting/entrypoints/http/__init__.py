"""Queries of reporting, and the commands on rectifications."""

from services.reporting.entrypoints.http import rectifications, reports
from shared.routing import Router

router = Router()
for part in (reports, rectifications):
    router.include_router(part.router)
