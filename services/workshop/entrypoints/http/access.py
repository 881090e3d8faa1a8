"""Who may call what, and what every request can reach."""

from typing import Annotated

from fastapi import Depends, Request

from services.workshop.application.deps import Deps
from shared.commands import CommandContext, accept_command
from shared.security import Principal, require_roles

FrontOfficeCommand = Annotated[
    CommandContext, Depends(accept_command("advisor", "agent", "manager", "service"))
]
Technician = Annotated[CommandContext, Depends(accept_command("technician"))]
Inspector = Annotated[CommandContext, Depends(accept_command("inspector"))]
Dispatcher = Annotated[CommandContext, Depends(accept_command("dispatcher", "manager"))]
Supplier = Annotated[CommandContext, Depends(accept_command("dispatcher", "manager", "service"))]
Manager = Annotated[CommandContext, Depends(accept_command("manager"))]
FrontReader = Annotated[Principal, Depends(require_roles("advisor", "agent", "manager", "service"))]
LoadReader = Annotated[
    Principal, Depends(require_roles("advisor", "agent", "dispatcher", "manager", "service"))
]
Overseer = Annotated[Principal, Depends(require_roles("dispatcher", "manager", "group_manager"))]
Reader = Annotated[
    Principal,
    Depends(
        require_roles(
            "advisor", "dispatcher", "technician", "inspector", "agent", "manager", "group_manager"
        )
    ),
]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


Reach = Annotated[Deps, Depends(_deps)]
"""What the application function of a route reaches."""
