"""Roles that may call each route, and dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Request

from services.crm.application.deps import Deps
from shared.commands import CommandContext, accept_command
from shared.security import Principal, require_roles

FrontOfficeCommand = Annotated[
    CommandContext,
    Depends(accept_command("service_advisor", "service_manager", "customer_care_agent", "system")),
]
CallerCommand = Annotated[
    CommandContext, Depends(accept_command("customer_care_agent", "service_manager"))
]
Reader = Annotated[
    Principal, Depends(require_roles("service_advisor", "service_manager", "customer_care_agent"))
]
MessageReader = Annotated[
    Principal,
    Depends(require_roles("service_advisor", "service_manager", "customer_care_agent", "system")),
]
CallReader = Annotated[Principal, Depends(require_roles("customer_care_agent", "service_manager"))]

GroupReader = Annotated[Principal, Depends(require_roles("group_manager"))]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


InjectedDeps = Annotated[Deps, Depends(_deps)]
"""Dependencies of a route's application function."""
