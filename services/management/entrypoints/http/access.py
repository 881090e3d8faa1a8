"""Roles that may call each route, and dependencies of every request."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request

from services.management.application.deps import Deps
from shared.commands import CommandContext, Headers, command_of
from shared.contracts.base import GROUP
from shared.security import FRONT_OFFICE, GROUP_MANAGERS, RIGHTS, Principal, Role, require_roles

OFFICES: tuple[Role, ...] = (
    *FRONT_OFFICE,
    "dispatcher",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    "trainer",
    *GROUP_MANAGERS,
)
"""Roles of an office, which read what is decided."""

SEE_PROFIT: tuple[Role, ...] = (
    "service_manager",
    "customer_care_manager",
    *GROUP_MANAGERS,
)
"""Roles that answer for what customers cost and bring."""

OF_STORE: tuple[Role, ...] = (
    *FRONT_OFFICE,
    "dispatcher",
    "technician",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    "sales_manager",
)
"""Roles of a store's staff, each of whom has working days."""

EVERY_PERSON: tuple[Role, ...] = (*OFFICES, "technician", "operator")
"""Roles of everyone who works in the group."""


def accept_group_command(
    *roles: Role,
) -> Callable[..., Coroutine[Any, Any, CommandContext]]:
    """Return a dependency: the command of a caller with one of ``roles`` for the whole group."""

    async def received(
        request: Request,
        principal: Annotated[Principal, Depends(require_roles(*roles))],
        headers: Headers,
    ) -> CommandContext:
        return await command_of(request, principal, GROUP, headers)

    return received


RightsReader = Annotated[Principal, Depends(require_roles(*RIGHTS))]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


InjectedDeps = Annotated[Deps, Depends(_deps)]
"""Dependencies of a route's application function."""
