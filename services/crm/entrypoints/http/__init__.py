"""Commands and queries of customer relations, one module a subject."""

from services.crm.entrypoints.http import (
    contacts,
    customers,
    follow_ups,
    messages,
    phone_tasks,
    vehicles,
)
from shared.routing import Router

router = Router()
for part in (customers, vehicles, contacts, follow_ups, messages, phone_tasks):
    router.include_router(part.router)
