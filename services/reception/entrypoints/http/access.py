"""Access to operations, and the dependencies of every request."""

from typing import Annotated

from fastapi import Depends, Request

from services.reception.application.deps import Deps
from services.reception.clients.workshop import Caller
from shared.commands import CommandContext, accept_command
from shared.security import (
    ADVISORS,
    CUSTOMER_CARE,
    FRONT_OFFICE,
    GROUP_MANAGERS,
    RIGHTS,
    SEES_MONEY,
    Principal,
    Role,
    require_roles,
)

_STORE: tuple[Role, ...] = (
    *FRONT_OFFICE,
    "dispatcher",
    "technician",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
)
_APPROVERS: tuple[Role, ...] = ("service_manager", "group_manager")
_CASHIERS: tuple[Role, ...] = (*ADVISORS, "cashier")
_CLAIMS: tuple[Role, ...] = (*ADVISORS, "claims_clerk")
_PHOTOGRAPHERS: tuple[Role, ...] = (*ADVISORS, "technician", "quality_inspector")
_GROUP_RECEPTION: tuple[Role, ...] = (
    "group_service_manager",
    "group_customer_care_manager",
    "group_manager",
)
_GROUP_MONEY: tuple[Role, ...] = (
    "group_service_manager",
    "group_finance_manager",
    "group_manager",
)

AdvisorCommand = Annotated[CommandContext, Depends(accept_command(*ADVISORS))]
AssignmentCommand = Annotated[
    CommandContext,
    Depends(accept_command("front_desk_supervisor", "dispatcher", "service_manager")),
]
CashierCommand = Annotated[CommandContext, Depends(accept_command(*_CASHIERS))]
ClaimCommand = Annotated[CommandContext, Depends(accept_command(*_CLAIMS))]
ApproverCommand = Annotated[CommandContext, Depends(accept_command(*_APPROVERS))]
FrontOfficeCommand = Annotated[CommandContext, Depends(accept_command(*FRONT_OFFICE))]
CustomerCareCommand = Annotated[CommandContext, Depends(accept_command(*CUSTOMER_CARE))]
OrderPhotoCommand = Annotated[
    CommandContext, Depends(accept_command(*_PHOTOGRAPHERS, "claims_clerk"))
]
PremisesPhotoCommand = Annotated[CommandContext, Depends(accept_command(*_PHOTOGRAPHERS))]

Advisor = Annotated[Principal, Depends(require_roles(*ADVISORS))]
Cashier = Annotated[Principal, Depends(require_roles(*_CASHIERS))]
ServiceManager = Annotated[Principal, Depends(require_roles("service_manager"))]
GroupFinance = Annotated[
    Principal, Depends(require_roles("group_finance_manager", "group_manager"))
]
FrontOffice = Annotated[Principal, Depends(require_roles(*FRONT_OFFICE))]
ReceivablesReader = Annotated[Principal, Depends(require_roles(*_CASHIERS, *_GROUP_MONEY))]
ClaimReader = Annotated[Principal, Depends(require_roles(*_CLAIMS, *_GROUP_MONEY))]
MoneyReader = Annotated[Principal, Depends(require_roles(*SEES_MONEY))]
ArrivalReader = Annotated[
    Principal, Depends(require_roles(*FRONT_OFFICE, "dispatcher", *_GROUP_RECEPTION))
]
AppointmentReader = Annotated[
    Principal,
    Depends(
        require_roles(
            *FRONT_OFFICE,
            "dispatcher",
            "parts_clerk",
            "group_parts_manager",
            *_GROUP_RECEPTION,
        )
    ),
]
Reader = Annotated[Principal, Depends(require_roles(*_STORE, *GROUP_MANAGERS))]
CatalogReader = Annotated[
    Principal, Depends(require_roles(*_STORE, "sales_manager", "trainer", *GROUP_MANAGERS))
]
RightsReader = Annotated[Principal, Depends(require_roles(*RIGHTS))]


async def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


InjectedDeps = Annotated[Deps, Depends(_deps)]
"""Dependencies of a route's application function."""


def caller_of(command: CommandContext) -> Caller:
    """Return the caller for the workshop: the person who gave the command."""
    return Caller(command.store_id, command.principal.token, command.key)
