"""Commands and queries of management."""

from services.management.entrypoints.http import group_rules, store_rules
from shared.routing import Router

router = Router()
for part in (group_rules, store_rules):
    router.include_router(part.router)
