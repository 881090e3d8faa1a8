"""Roles that may call each route, and dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Request

from services.management.application.deps import Deps
from shared.commands import CommandContext, Headers, accept_command, command_of
from shared.contracts.management import GROUP
from shared.security import Principal, require_roles


async def _of_the_group(
    request: Request,
    principal: Annotated[Principal, Depends(require_roles("group_manager"))],
    headers: Headers,
) -> CommandContext:
    return await command_of(request, principal, GROUP, headers)


GroupCommand = Annotated[CommandContext, Depends(_of_the_group)]
"""Command on what the whole group has."""

StoreCommand = Annotated[CommandContext, Depends(accept_command("service_manager", also=(GROUP,)))]
"""Command on what one store has; its state is announced to all scopes."""

Reader = Annotated[
    Principal,
    Depends(
        require_roles(
            "service_advisor",
            "dispatcher",
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
