"""Roles that may call each route, and dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Request

from services.reporting.application.deps import Deps
from shared.security import FRONT_OFFICE, GROUP_MANAGERS, RIGHTS, Principal, Role, require_roles

_OFFICE: tuple[Role, ...] = (
    *FRONT_OFFICE,
    "dispatcher",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    *GROUP_MANAGERS,
)

OfficeReader = Annotated[Principal, Depends(require_roles(*_OFFICE))]
Reader = Annotated[Principal, Depends(require_roles(*_OFFICE, "technician"))]
ProfitReader = Annotated[
    Principal,
    Depends(require_roles("service_manager", "customer_care_manager", *GROUP_MANAGERS)),
]
GroupReader = Annotated[Principal, Depends(require_roles(*GROUP_MANAGERS))]
RightsReader = Annotated[Principal, Depends(require_roles(*RIGHTS))]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


InjectedDeps = Annotated[Deps, Depends(_deps)]
"""Dependencies of a route's application function."""
