"""Roles that may call each route, and dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Request

from services.crm.application.deps import Deps
from shared.commands import CommandContext, accept_command
from shared.security import CUSTOMER_CARE, FRONT_OFFICE, Principal, require_roles

FrontOfficeCommand = Annotated[CommandContext, Depends(accept_command(*FRONT_OFFICE, "system"))]
CallerCommand = Annotated[CommandContext, Depends(accept_command(*CUSTOMER_CARE))]
Reader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE))]
NameReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "claims_clerk", "cashier"))]
VehicleReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "claims_clerk"))]
MessageReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "system"))]
CallReader = Annotated[Principal, Depends(require_roles(*CUSTOMER_CARE))]

GroupReader = Annotated[
    Principal, Depends(require_roles("group_customer_care_manager", "group_manager"))
]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


InjectedDeps = Annotated[Deps, Depends(_deps)]
"""Dependencies of a route's application function."""
