"""Commands and queries of customer relations, one module a subject."""

from fastapi import APIRouter

from services.crm.http import contacts, customers, follow_ups, messages, phone_tasks, vehicles

router = APIRouter()
for part in (customers, vehicles, contacts, follow_ups, messages, phone_tasks):
    router.include_router(part.router)
