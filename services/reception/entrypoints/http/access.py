"""Who may call what, and what every request can reach."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from services.reception.clients.catalogue import Catalogue
from services.reception.clients.crm import CustomerArchive
from services.reception.clients.images import Cleaning
from services.reception.clients.workshop import Caller, WorkshopClient
from shared.commands import Command, command
from shared.files import FileStore
from shared.personal import PersonalData
from shared.routing import Router
from shared.security import SEES_MONEY, Principal, caller

Advisor = Annotated[Command, Depends(command("advisor", "manager"))]
Manager = Annotated[Command, Depends(command("manager", "group_manager"))]
FrontDesk = Annotated[Command, Depends(command("advisor", "manager", "agent"))]
Office = Annotated[Principal, Depends(caller("advisor", "manager", "group_manager"))]
MoneyReader = Annotated[Principal, Depends(caller(*SEES_MONEY))]
FrontReader = Annotated[
    Principal, Depends(caller("advisor", "dispatcher", "agent", "manager", "group_manager"))
]
OwnerReader = Annotated[Principal, Depends(caller("advisor", "manager", "agent"))]
Reader = Annotated[
    Principal,
    Depends(
        caller(
            "advisor", "dispatcher", "technician", "inspector", "agent", "manager", "group_manager"
        )
    ),
]


def store_router() -> Router:
    """A router for operations on one store."""
    return Router(prefix="/stores/{store_id}")


def catalogue_of(request: Request) -> Catalogue:
    known: Catalogue = request.app.state.catalogue
    return known


def personal_of(request: Request) -> PersonalData:
    personal: PersonalData = request.app.state.personal
    return personal


def archive_of(request: Request) -> CustomerArchive:
    archive: CustomerArchive = request.app.state.archive
    return archive


def now_of(request: Request) -> datetime:
    """The business time."""
    now: datetime = request.app.state.service.clock.now()
    return now


async def check_customer(request: Request, command: Command, customer_ref: str | None) -> None:
    """Refuse a customer who is not the store's, where one is named."""
    if customer_ref is not None:
        token = command.principal.token
        await archive_of(request).check_customer(token, command.store_id, customer_ref)


def files_of(request: Request) -> FileStore:
    files: FileStore = request.app.state.files
    return files


def cleaning_of(request: Request) -> Cleaning:
    cleaning: Cleaning = request.app.state.cleaning
    return cleaning


def workshop_of(request: Request) -> WorkshopClient:
    client: WorkshopClient = request.app.state.workshop
    return client


def caller_of(command: Command) -> Caller:
    """The workshop is asked in the name of the person who gave the command."""
    return Caller(command.store_id, command.principal.token, command.key)
