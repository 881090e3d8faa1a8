"""Queries of reporting, and the commands on corrective actions."""

from services.reporting.entrypoints.http import corrective_actions, reports
from shared.routing import Router

router = Router()
for part in (reports, corrective_actions):
    router.include_router(part.router)
