"""Commands and queries of customer relations, one module per topic."""

from services.crm.entrypoints.http import (
    call_tasks,
    contacts,
    customers,
    follow_ups,
    loyalty,
    messages,
    vehicles,
)
from shared.routing import Router

router = Router()
for part in (customers, vehicles, contacts, follow_ups, messages, call_tasks, loyalty):
    router.include_router(part.router)
