"""Roles that may call each route, and dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Request

from services.workshop.application.deps import Deps
from shared.commands import CommandContext, accept_command
from shared.security import FRONT_OFFICE, RIGHTS, Principal, Role, require_roles

_DISPATCHERS: tuple[Role, ...] = ("dispatcher", "service_manager")
_PLAN_READERS: tuple[Role, ...] = (
    *FRONT_OFFICE,
    "dispatcher",
    "technician",
    "quality_inspector",
    "parts_clerk",
    "group_service_manager",
    "group_parts_manager",
    "group_manager",
)
_ORDER_READERS: tuple[Role, ...] = (
    *_PLAN_READERS,
    "claims_clerk",
    "cashier",
    "group_customer_care_manager",
    "group_finance_manager",
)

FrontOfficeCommand = Annotated[CommandContext, Depends(accept_command(*FRONT_OFFICE, "system"))]
TechnicianCommand = Annotated[CommandContext, Depends(accept_command("technician"))]
InspectorCommand = Annotated[CommandContext, Depends(accept_command("quality_inspector"))]
DispatcherCommand = Annotated[CommandContext, Depends(accept_command(*_DISPATCHERS))]
PartsCommand = Annotated[
    CommandContext, Depends(accept_command(*_DISPATCHERS, "parts_clerk", "system"))
]
ServiceManagerCommand = Annotated[CommandContext, Depends(accept_command("service_manager"))]
FrontOfficeReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "system"))]
LoadReader = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE, "dispatcher", "system"))]
Overseer = Annotated[
    Principal,
    Depends(require_roles(*_DISPATCHERS, "group_service_manager", "group_manager")),
]
PlanReader = Annotated[Principal, Depends(require_roles(*_PLAN_READERS))]
OrderReader = Annotated[Principal, Depends(require_roles(*_ORDER_READERS))]
JobReader = Annotated[Principal, Depends(require_roles(*_ORDER_READERS, "trainer"))]
RightsReader = Annotated[Principal, Depends(require_roles(*RIGHTS))]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


InjectedDeps = Annotated[Deps, Depends(_deps)]
"""Dependencies of a route's application function."""
