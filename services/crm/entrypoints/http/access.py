"""Who may call what, and what every request can reach."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from services.crm.application.words import Words
from services.crm.clients.catalogue import Directory
from shared.commands import Command, command
from shared.db import Pool
from shared.personal import PersonalData
from shared.routing import Router
from shared.security import Principal, caller

FrontDesk = Annotated[Command, Depends(command("advisor", "manager", "agent", "service"))]
Caller = Annotated[Command, Depends(command("agent", "manager"))]
Reader = Annotated[Principal, Depends(caller("advisor", "manager", "agent"))]
MessageReader = Annotated[Principal, Depends(caller("advisor", "manager", "agent", "service"))]
CallReader = Annotated[Principal, Depends(caller("agent", "manager"))]


def store_router() -> Router:
    """A router for operations on one store."""
    return Router(prefix="/stores/{store_id}")


def personal_of(request: Request) -> PersonalData:
    personal: PersonalData = request.app.state.personal
    return personal


def words_of(request: Request) -> Words:
    words: Words = request.app.state.words
    return words


def directory_of(request: Request) -> Directory:
    directory: Directory = request.app.state.directory
    return directory


def pool_of(request: Request) -> Pool:
    pool: Pool = request.app.state.units.pool
    return pool


def now_of(request: Request) -> datetime:
    """The business time."""
    now: datetime = request.app.state.service.clock.now()
    return now
