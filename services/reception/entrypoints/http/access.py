"""Who may call what, and what every request can reach."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from services.reception.application.deps import Deps
from services.reception.clients.catalog import Catalog
from services.reception.clients.crm import CustomerArchive
from services.reception.clients.images import Cleaning
from services.reception.clients.workshop import Caller, WorkshopClient
from shared.commands import CommandContext, accept_command
from shared.files import FileStorage
from shared.personal_data import PersonalData
from shared.routing import Router
from shared.security import SEES_MONEY, Principal, require_roles

Advisor = Annotated[CommandContext, Depends(accept_command("advisor", "manager"))]
Manager = Annotated[CommandContext, Depends(accept_command("manager", "group_manager"))]
FrontOfficeCommand = Annotated[
    CommandContext, Depends(accept_command("advisor", "manager", "agent"))
]
Office = Annotated[Principal, Depends(require_roles("advisor", "manager", "group_manager"))]
MoneyReader = Annotated[Principal, Depends(require_roles(*SEES_MONEY))]
FrontReader = Annotated[
    Principal, Depends(require_roles("advisor", "dispatcher", "agent", "manager", "group_manager"))
]
OwnerReader = Annotated[Principal, Depends(require_roles("advisor", "manager", "agent"))]
Reader = Annotated[
    Principal,
    Depends(
        require_roles(
            "advisor", "dispatcher", "technician", "inspector", "agent", "manager", "group_manager"
        )
    ),
]


def deps_of(request: Request) -> Deps:
    deps: Deps = request.app.state.service.deps
    return deps


Reach = Annotated[Deps, Depends(deps_of)]
"""What the application function of a route reaches."""


def store_router() -> Router:
    """A router for operations on one store."""
    return Router(prefix="/stores/{store_id}")


def catalog_of(request: Request) -> Catalog:
    known: Catalog = request.app.state.service.deps.catalog
    return known


def personal_of(request: Request) -> PersonalData:
    personal: PersonalData = request.app.state.service.deps.personal
    return personal


def archive_of(request: Request) -> CustomerArchive:
    archive: CustomerArchive = request.app.state.service.deps.archive
    return archive


def now_of(request: Request) -> datetime:
    """The business time."""
    now: datetime = request.app.state.service.clock.now()
    return now


async def check_customer(
    request: Request, command: CommandContext, customer_ref: str | None
) -> None:
    """Refuse a customer who is not the store's, where one is named."""
    if customer_ref is not None:
        token = command.principal.token
        await archive_of(request).check_customer(token, command.store_id, customer_ref)


def files_of(request: Request) -> FileStorage:
    files: FileStorage = request.app.state.service.deps.files
    return files


def cleaning_of(request: Request) -> Cleaning:
    cleaning: Cleaning = request.app.state.service.deps.cleaning
    return cleaning


def workshop_of(request: Request) -> WorkshopClient:
    client: WorkshopClient = request.app.state.service.deps.workshop
    return client


def caller_of(command: CommandContext) -> Caller:
    """The workshop is asked in the name of the person who gave the command."""
    return Caller(command.store_id, command.principal.token, command.key)
