"""Queries of reporting."""

from services.reporting.entrypoints.http import kept_data, reports
from shared.routing import Router

router = Router()
router.include_router(reports.router)
router.include_router(kept_data.router)
