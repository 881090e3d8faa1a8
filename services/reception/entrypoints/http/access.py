"""Access to operations, and the dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Request

from services.reception.application.deps import Deps
from services.reception.clients.workshop import Caller
from shared.commands import CommandContext, accept_command
from shared.security import SEES_MONEY, Principal, require_roles

AdvisorCommand = Annotated[
    CommandContext, Depends(accept_command("service_advisor", "service_manager"))
]
ServiceOrGroupManagerCommand = Annotated[
    CommandContext, Depends(accept_command("service_manager", "group_manager"))
]
FrontOfficeStaffCommand = Annotated[
    CommandContext,
    Depends(accept_command("service_advisor", "service_manager", "customer_care_agent")),
]
Office = Annotated[
    Principal, Depends(require_roles("service_advisor", "service_manager", "group_manager"))
]
ServiceManager = Annotated[Principal, Depends(require_roles("service_manager"))]
GroupManager = Annotated[Principal, Depends(require_roles("group_manager"))]
MoneyReader = Annotated[Principal, Depends(require_roles(*SEES_MONEY))]
FrontReader = Annotated[
    Principal,
    Depends(
        require_roles(
            "service_advisor",
            "dispatcher",
            "customer_care_agent",
            "service_manager",
            "group_manager",
        )
    ),
]
OwnerReader = Annotated[
    Principal, Depends(require_roles("service_advisor", "service_manager", "customer_care_agent"))
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


def caller_of(command: CommandContext) -> Caller:
    """Return the caller for the workshop: the person who gave the command."""
    return Caller(command.store_id, command.principal.token, command.key)
