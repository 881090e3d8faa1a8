"""Commands and queries of management."""

from services.management.entrypoints.http import imports, records
from shared.routing import Router

router = Router()
for part in (imports, records):
    router.include_router(part.router)
