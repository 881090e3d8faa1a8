"""Queries of reporting."""

from services.reporting.entrypoints.http import reports
from shared.routing import Router

router = Router()
router.include_router(reports.router)
