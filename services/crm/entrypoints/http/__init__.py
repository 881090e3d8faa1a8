"""Commands and queries of customer relations, one module per topic."""

from services.crm.entrypoints.http import (
    assignments,
    birthdays,
    call_tasks,
    campaigns,
    complaint_tasks,
    complaints,
    completeness,
    consents,
    contacts,
    conversations,
    customer_imports,
    customers,
    defection,
    duplicates,
    erasures,
    follow_ups,
    inquiries,
    insurance,
    leads,
    loyalty,
    messages,
    public_posts,
    service_reminders,
    surveys,
    vehicles,
)
from shared.routing import Router

router = Router()
for part in (
    customers,
    birthdays,
    duplicates,
    customer_imports,
    completeness,
    vehicles,
    contacts,
    consents,
    follow_ups,
    assignments,
    messages,
    call_tasks,
    conversations,
    loyalty,
    insurance,
    service_reminders,
    surveys,
    complaints,
    complaint_tasks,
    inquiries,
    public_posts,
    defection,
    leads,
    campaigns,
    erasures,
):
    router.include_router(part.router)
router.include_router(surveys.open_router)
router.include_router(conversations.open_router)
