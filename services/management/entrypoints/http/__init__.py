"""Commands and queries of management."""

from services.management.entrypoints.http import (
    attendance,
    corrective_actions,
    directory,
    imports,
    kept_data,
    leave,
    records,
    republication,
    sheets,
    store_openings,
)
from shared.routing import Router

router = Router()
for part in (
    attendance,
    leave,
    directory,
    imports,
    records,
    store_openings,
    republication,
    corrective_actions,
    sheets,
    kept_data,
):
    router.include_router(part.router)
