"""Roles that may call each route, and dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Request

from services.workshop.application.deps import Deps
from shared.commands import CommandContext, accept_command
from shared.security import Principal, require_roles

FrontOfficeCommand = Annotated[
    CommandContext,
    Depends(accept_command("service_advisor", "customer_care_agent", "service_manager", "system")),
]
TechnicianCommand = Annotated[CommandContext, Depends(accept_command("technician"))]
InspectorCommand = Annotated[CommandContext, Depends(accept_command("quality_inspector"))]
DispatcherCommand = Annotated[
    CommandContext, Depends(accept_command("dispatcher", "service_manager"))
]
PartsCommand = Annotated[
    CommandContext, Depends(accept_command("dispatcher", "service_manager", "system"))
]
ServiceManagerCommand = Annotated[CommandContext, Depends(accept_command("service_manager"))]
FrontOfficeReader = Annotated[
    Principal,
    Depends(require_roles("service_advisor", "customer_care_agent", "service_manager", "system")),
]
LoadReader = Annotated[
    Principal,
    Depends(
        require_roles(
            "service_advisor", "customer_care_agent", "dispatcher", "service_manager", "system"
        )
    ),
]
Overseer = Annotated[
    Principal, Depends(require_roles("dispatcher", "service_manager", "group_manager"))
]
Reader = Annotated[
    Principal,
    Depends(
        require_roles(
            "service_advisor",
            "dispatcher",
            "technician",
            "quality_inspector",
            "customer_care_agent",
            "service_manager",
            "group_manager",
        )
    ),
]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


InjectedDeps = Annotated[Deps, Depends(_deps)]
"""Dependencies of a route's application function."""
