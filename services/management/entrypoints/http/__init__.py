"""Commands and queries of management."""

from services.management.entrypoints.http import directory, imports, records
from shared.routing import Router

router = Router()
for part in (directory, imports, records):
    router.include_router(part.router)
